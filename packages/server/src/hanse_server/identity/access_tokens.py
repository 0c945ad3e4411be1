"""Personal access tokens: made by a user for scripts, with a part of his or her rights, for a limited time."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hanse_core.errors import Denied, Invalid, NotFound, Unauthenticated
from hanse_core.permissions import RULE_IDS, RULES, Operation, Permissions
from hanse_core.wire.accounts import AccessTokenCreate
from hanse_server.accounts.actors import user_actor
from hanse_server.accounts.models import Organization, User
from hanse_server.accounts.rules import describe
from hanse_server.identity.access_token_models import AccessToken
from hanse_server.identity.models import LoginSession
from hanse_server.identity.second_factor import SecondFactors
from hanse_server.settings.sessions import SessionLimits
from hanse_web.access import ActorLoader, UserActor
from hanse_web.auth import PERSONAL_PREFIX
from hanse_web.clock import Clock
from hanse_web.sealing import Seal
from hanse_web.work import Work

MOST = 50
"""Tokens of one user that are valid at the same time."""
StillWelcome = Callable[[Session, int, str], bool]
"""Tells of a user, and of a way to log in, whether it would still let the user in, as far as is known."""
_LOOKING = (Operation.VIEW, Operation.RECEIVE)


class AccessTokens:
    """The use cases of one request; all concern one's own tokens only."""

    def __init__(self, work: Work, actor: UserActor, seal: Seal, limits: SessionLimits, factors: SecondFactors) -> None:
        self._work = work
        self._session = work.session
        self._now = work.clock.now()
        self._actor = actor
        self._seal = seal
        self._limits = limits
        self._factors = factors

    def current(self) -> Sequence[AccessToken]:
        """List those that have not ended, the newest first."""
        mine = AccessToken.user_id == self._actor.id, AccessToken.owner_version == self._actor.token_version
        valid = select(AccessToken).where(*mine, AccessToken.expires_at > self._now)
        return self._session.scalars(valid.order_by(AccessToken.id.desc())).all()

    def create(self, body: AccessTokenCreate) -> tuple[AccessToken, str]:
        """Make one; gives it and the token, which is not kept and cannot be shown again."""
        rules = self._rules(body)
        self._require_life(body.days)
        method, has_second_factor = self._login()
        ended = AccessToken.user_id == self._actor.id, AccessToken.expires_at <= self._now
        self._session.execute(delete(AccessToken).where(*ended))
        count = self._session.scalar(select(func.count()).where(AccessToken.user_id == self._actor.id)) or 0
        if count >= MOST:
            raise Invalid(f"you have {count} access tokens already; delete those that you no longer need")
        token = PERSONAL_PREFIX + secrets.token_urlsafe(32)
        made = AccessToken(
            user_id=self._actor.id,
            name=body.name,
            token_hash=self._seal.digest(token),
            owner_version=self._actor.token_version,
            method=method,
            has_second_factor=has_second_factor,
            is_read_only=body.read_only,
            rules=rules,
            created_at=self._now,
            expires_at=self._now + timedelta(days=body.days),
        )
        self._session.add(made)
        self._session.flush()
        return made, token

    def delete(self, token_id: int) -> None:
        """End one. Raises `NotFound`."""
        mine = AccessToken.user_id == self._actor.id, AccessToken.id == token_id
        found = self._session.scalar(select(AccessToken).where(*mine))
        if found is None:
            raise NotFound(f"access token {token_id} is not found")
        self._session.delete(found)

    def _rules(self, body: AccessTokenCreate) -> list[int]:
        if body.read_only == bool(body.rules):
            raise Invalid(
                "give either `rules`, some of your own, or `read_only`", errors={"rules": ["see the message"]}
            )
        wanted = sorted(set(body.rules or ()))
        for number in wanted:
            if number > len(RULES):
                raise NotFound(f"there is no rule {number}")
            if not self._actor.permissions.covers([RULES[number - 1]]):
                raise Denied(f"you do not hold the rule {describe(RULES[number - 1])}, so a token of yours cannot")
        return wanted

    def _login(self) -> tuple[str, bool]:
        """Give how the actor has logged in, and whether a second factor was shown. Raises `Denied` if it had to be."""
        columns = LoginSession.method, LoginSession.has_second_factor
        row = self._session.execute(select(*columns).where(LoginSession.id == self._actor.session_id)).one_or_none()
        # Without a session: a token of the v4 server whose signing secret was taken over.
        method, is_shown = ("token", False) if row is None else (row.method, row.has_second_factor)
        if not is_shown and self._factors.of(self._work, self._actor.id).is_required:
            raise Denied("your login has no second factor, which is required here; log in again with one")
        return method, is_shown

    def _require_life(self, days: float) -> None:
        longest = self._limits.access_token_max_days
        if not longest:
            raise Denied("this server allows no personal access tokens")
        if days > longest:
            raise Invalid(f"a token lives {longest:g} days at most here", errors={"days": [f"at most {longest:g}"]})


def narrowed(held: Permissions, rules: Iterable[int], *, is_read_only: bool) -> Permissions:
    """Give what a token may do now: what was given to it, as far as its owner still may do that."""
    if is_read_only:
        return Permissions(rule for rule in RULE_IDS if rule.operation in _LOOKING and held.covers([rule]))
    given = (RULES[number - 1] for number in rules if number <= len(RULES))
    return Permissions(rule for rule in given if held.covers([rule]))


def personal_loader(seal: Seal, clock: Clock, welcome: StillWelcome, *, needs_second_factor: bool) -> ActorLoader:
    """Make the loader: the owner as an actor, with what this token may do.

    A token is worth no more than the login with which it was made: it stops where that would not be let in now.
    """

    def load(session: Session, claims: Mapping[str, Any]) -> UserActor | None:
        token, row = _found(session, seal.digest(str(claims.get("token"))), clock.now())
        owner = token and user_actor(session, {"sub": token.user_id, "ver": token.owner_version})
        if not token or not owner:
            return None
        if (needs_second_factor or row.two_factor_required) and not (token.has_second_factor or row.is_set_up):
            raise Unauthenticated("a second factor is required from now on; the token works again once you set one up")
        if not welcome(session, token.user_id, token.method):
            raise Unauthenticated("your provider has not confirmed your login for too long; log in there once again")
        permissions = narrowed(owner.permissions, token.rules, is_read_only=token.is_read_only)
        return replace(owner, permissions=permissions, token_id=token.id)

    return load


def _found(session: Session, hashed: str, now: datetime) -> tuple[AccessToken | None, Any]:
    """Find a token that has not ended, and what is wanted of its owner."""
    statement = (
        select(AccessToken, Organization.two_factor_required, User.otp_last_step.is_not(None).label("is_set_up"))
        .join(User, User.id == AccessToken.user_id)
        .join(Organization, Organization.id == User.organization_id)
        .where(AccessToken.token_hash == hashed, AccessToken.expires_at > now)
    )
    row = session.execute(statement).one_or_none()
    return (None, None) if row is None else (row.AccessToken, row)
