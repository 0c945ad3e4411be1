"""Personal access tokens: made by a user for scripts, with a part of his or her rights, for a limited time."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hanse_core.errors import Denied, Invalid, NotFound
from hanse_core.permissions import RULE_IDS, RULES, Operation, Permissions
from hanse_core.wire.accounts import AccessTokenCreate
from hanse_server.accounts.actors import user_actor
from hanse_server.accounts.rules import describe
from hanse_server.identity.access_token_models import AccessToken
from hanse_server.settings.sessions import SessionLimits
from hanse_web.access import ActorLoader, UserActor
from hanse_web.auth import PERSONAL_PREFIX
from hanse_web.clock import Clock
from hanse_web.sealing import Seal
from hanse_web.work import Work

MOST = 50
"""Tokens of one user that are valid at the same time."""
_LOOKING = (Operation.VIEW, Operation.RECEIVE)


class AccessTokens:
    """The use cases of one request; all concern one's own tokens only."""

    def __init__(self, work: Work, actor: UserActor, seal: Seal, limits: SessionLimits) -> None:
        self._session = work.session
        self._now = work.clock.now()
        self._actor = actor
        self._seal = seal
        self._limits = limits

    def current(self) -> Sequence[AccessToken]:
        """List those that have not ended, the newest first."""
        mine = AccessToken.user_id == self._actor.id, AccessToken.owner_version == self._actor.token_version
        valid = select(AccessToken).where(*mine, AccessToken.expires_at > self._now)
        return self._session.scalars(valid.order_by(AccessToken.id.desc())).all()

    def create(self, body: AccessTokenCreate) -> tuple[AccessToken, str]:
        """Make one; gives it and the token, which is not kept and cannot be shown again."""
        rules = self._rules(body)
        self._require_life(body.days)
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


def personal_loader(seal: Seal, clock: Clock) -> ActorLoader:
    """Make the loader: the owner as an actor, with what this token may do."""

    def load(session: Session, claims: Mapping[str, Any]) -> UserActor | None:
        columns = (AccessToken.id, AccessToken.user_id, AccessToken.owner_version, AccessToken.rules)
        hashed = seal.digest(str(claims.get("token")))
        valid = AccessToken.token_hash == hashed, AccessToken.expires_at > clock.now()
        row = session.execute(select(*columns, AccessToken.is_read_only).where(*valid)).one_or_none()
        owner = row and user_actor(session, {"sub": row.user_id, "ver": row.owner_version})
        if not row or not owner:
            return None
        permissions = narrowed(owner.permissions, row.rules, is_read_only=row.is_read_only)
        return replace(owner, permissions=permissions, token_id=row.id)

    return load
