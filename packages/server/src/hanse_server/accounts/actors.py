"""From the claims of a user's token to the user as an actor."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Boolean, Select, column, exists, select, table, update
from sqlalchemy.orm import Session

from hanse_core.errors import Unauthenticated
from hanse_core.permissions import RULES, Permissions
from hanse_server.accounts.models import Identity, Organization, User
from hanse_server.accounts.passwords import NO_PASSWORD
from hanse_server.accounts.queries import reach, rule_ids_of_user
from hanse_server.accounts.rules import IDENTITY_REVOKED
from hanse_web.access import ActorLoader, UserActor
from hanse_web.db import UtcDateTime
from hanse_web.work import Work

UNPROVEN = (
    "a second factor is required by now, and this token of the former server does not prove that one was shown; "
    "log in again, with your password and the code of your second factor"
)

# The slice of sessions is above this one; all that is needed here is whether one was ended.
_login = table(
    "login_session",
    column("id"),
    column("identity_id"),
    column("has_second_factor", Boolean),
    column("revoked_at", UtcDateTime),
)


def identity_id(claims: Mapping[str, Any]) -> int | None:
    """Read the subject of a user's or node's token: an integer, or its digits."""
    subject = claims.get("sub")
    if isinstance(subject, str) and subject.isdecimal():
        return int(subject)
    return subject if isinstance(subject, int) else None


def user_loader(*, needs_second_factor: bool) -> ActorLoader:
    """Make the loader of users: where a second factor is required, tokens without a session open nothing.

    They were made by the v4 server whose signing secret was taken over, and do not tell how their user logged in.
    What only proves to a store who asks came of a token that was let in a moment ago.
    """

    def load(session: Session, claims: Mapping[str, Any]) -> UserActor | None:
        actor, is_wanted = _load(session, claims)
        is_unproven = actor is not None and actor.session_id is None and claims.get("type") != "validate"
        if is_unproven and (needs_second_factor or is_wanted):
            raise Unauthenticated(UNPROVEN)
        return actor

    return load


def user_actor(session: Session, claims: Mapping[str, Any]) -> UserActor | None:
    """Load a user with all it may do; None when it is gone or the token was revoked."""
    return _load(session, claims)[0]


def _load(session: Session, claims: Mapping[str, Any]) -> tuple[UserActor | None, bool]:
    """Load a user, and tell whether its organization requires a second factor."""
    key, sid = identity_id(claims), claims.get("sid")
    if key is None:
        return None, False
    row = session.execute(_of_session(key, sid)).one_or_none()
    if row is None or row.token_version != claims.get("ver", 0):
        return None, False
    collaborations, partners = reach(session, row.organization_id)
    rules = (RULES[rule_id - 1] for rule_id in session.scalars(rule_ids_of_user(key)))
    permissions = Permissions(rules)
    actor = UserActor(
        key,
        row.username,
        row.organization_id,
        collaborations,
        partners,
        permissions,
        session_id=sid,
        token_version=row.token_version,
    )
    return actor, row.two_factor_required


def _of_session(user_id: int, sid: str | None) -> Select[str, int, int, bool]:
    """Select the user of a token, unless the session that the token belongs to was ended.

    A token without session ends by its time, or when a second factor becomes required (`user_loader`).
    """
    columns = User.username, User.organization_id, User.token_version, Organization.two_factor_required
    statement = select(*columns).join(Organization, Organization.id == User.organization_id).where(User.id == user_id)
    if sid is None:
        return statement
    mine = _login.c.id == sid, _login.c.identity_id == User.id
    return statement.where(exists().where(*mine, _login.c.revoked_at.is_(None)))


def end_tokens(work: Work, user_id: int) -> None:
    """End every token of a user: of logins, whose sessions end, and of scripts; and its live connections."""
    ended = update(_login).where(_login.c.identity_id == user_id, _login.c.revoked_at.is_(None))
    work.session.execute(ended.values(revoked_at=work.clock.now()))
    raised = update(Identity).where(Identity.id == user_id).values(token_version=Identity.token_version + 1)
    work.session.execute(raised)
    work.tell(IDENTITY_REVOKED, {"id": user_id})


def end_weaker_logins_at(work: Work, organization_id: int) -> None:
    """End what the users of an organization opened without a second factor, tokens for scripts too.

    Tokens of who has no password stop by themselves (`identity.access_tokens`): nobody but a provider gave them.
    """
    without = User.otp_last_step.is_(None), User.password != NO_PASSWORD, User.organization_id == organization_id
    for user_id in work.session.scalars(select(User.id).where(*without)):
        end_tokens(work, user_id)
    members = select(User.id).where(User.organization_id == organization_id)
    weaker = _login.c.identity_id.in_(members), _login.c.has_second_factor.is_(False), _login.c.revoked_at.is_(None)
    work.session.execute(update(_login).where(*weaker).values(revoked_at=work.clock.now()))


def actor_of(session: Session, user_id: int) -> UserActor | None:
    """Load a user with all it may do now, for what was begun in his or her name; None when it is gone."""
    version = session.scalar(select(User.token_version).where(User.id == user_id))
    return user_actor(session, {"sub": user_id, "ver": version})
