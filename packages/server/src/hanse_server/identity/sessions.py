"""Login sessions: every login of a user is one, and its tokens live no longer than it does.

Whoever has found out who somebody is opens a session and hands out its tokens:

    tokens = Sessions(work, pairs).open(user_id, "oidc", external=state, origin=origin)

`work` is a unit of work that writes, `pairs` is `app.state.pairs`, `origin` is a `RequestOrigin`. A session ends with
`revoke(session_id)`, all of somebody's with `revoke_all(identity_id)`; access tokens, refresh tokens and sockets that
came of it end with it. Nodes have no sessions: renewing their API key ends their tokens.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from anyio import to_thread
from sqlalchemy import ColumnElement, delete, or_, select, true, update
from sqlalchemy.orm import Session

from hanse_core.errors import NotFound, Unauthenticated
from hanse_core.wire.accounts import NodeTokens, UserTokens
from hanse_server.accounts.actors import UNPROVEN, identity_id
from hanse_server.accounts.models import Identity, Role, user_role
from hanse_server.identity.models import LoginSession
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.rules import Rotation, rotation
from hanse_server.identity.second_factor import SecondFactors
from hanse_web.origin import Origin
from hanse_web.work import Work, Works

SESSIONS_ENDED = "sessions_ended"
"""Told to no room, with the ids of sessions (`{"ids"}`): whoever holds live connections of theirs ends them."""
SURPLUS = 1_000
"""Sessions that are ended at once to make room."""
NOWHERE = Origin()

log = structlog.get_logger()


class Sessions:
    """Opens, renews and ends sessions in one unit of work."""

    def __init__(self, work: Work, pairs: TokenPairs) -> None:
        self._work = work
        self._session = work.session
        self._pairs = pairs
        self._now = work.clock.now()

    def open(
        self,
        user_id: int,
        method: str,
        *,
        external: str | None = None,
        origin: Origin = NOWHERE,
        version: int | None = None,
        has_second_factor: bool = False,
    ) -> UserTokens:
        """Log a user in. With `version`, only if its tokens were not revoked since that number was read."""
        current = self._session.scalar(select(Identity.token_version).where(Identity.id == user_id))
        if current is None or version not in (None, current):
            raise Unauthenticated("the account was changed meanwhile; log in again")
        self._session.execute(delete(LoginSession).where(LoginSession.identity_id == user_id, self._is_over()))
        self._make_room(user_id)
        opened = LoginSession(
            id=str(uuid.uuid4()),
            identity_id=user_id,
            method=method,
            has_second_factor=has_second_factor,
            created_at=self._now,
            last_used_at=self._now,
            ends_at=self._now + self._pairs.limits.absolute,
            generation=0,
            rotated_at=self._now,
            ip=origin.address,
            user_agent=origin.agent,
            external=external,
        )
        self._session.add(opened)
        self._session.flush()
        return self._tokens(opened, current)

    def renew(self, user_id: int, session_id: str, generation: object, version: int) -> UserTokens | None:
        """Give new tokens for a refresh token; None for an ended session. A token used before ends its session."""
        # Locked where the database has more than one writer: two refreshes at once must come one after the other.
        mine = select(LoginSession).where(LoginSession.id == session_id, LoginSession.identity_id == user_id)
        found = self._session.scalar(mine.with_for_update())
        if found is None or found.revoked_at is not None or found.ends_at <= self._now:
            return None
        presented = generation if isinstance(generation, int) else -1
        judged = rotation(presented, found.generation, self._now - found.rotated_at, self._pairs.limits.grace)
        if judged is Rotation.STOLEN:
            log.warning("refresh-token-used-twice", user=user_id, session=session_id)
            self._end(LoginSession.id == session_id)
            return None
        if judged is Rotation.NEWEST:
            found.generation += 1
            found.rotated_at = self._now
        found.last_used_at = self._now
        self._session.flush()
        return self._tokens(found, version)

    def current(self, user_id: int) -> Sequence[LoginSession]:
        """List somebody's sessions that are not over, the newest first."""
        mine = select(LoginSession).where(LoginSession.identity_id == user_id, ~self._is_over())
        return self._session.scalars(mine.order_by(LoginSession.created_at.desc(), LoginSession.id)).all()

    def revoke(self, session_id: str, user_id: int | None = None) -> None:
        """End a session; with `user_id`, only one of this user. Raises `NotFound`."""
        own = true() if user_id is None else LoginSession.identity_id == user_id
        if not self._end(LoginSession.id == session_id, own):
            raise NotFound(f"session {session_id} is not found, or has ended already")

    def revoke_all(self, user_id: int, *, but: str | None = None) -> None:
        """End all sessions of a user, except one perhaps."""
        self._end(LoginSession.identity_id == user_id, LoginSession.id != but if but is not None else true())

    def _make_room(self, user_id: int) -> None:
        """End what was unused for longest, so that one more session is no more than there may be."""
        mine = LoginSession.identity_id == user_id, LoginSession.revoked_at.is_(None)
        newest = select(LoginSession.id).where(*mine).order_by(LoginSession.last_used_at.desc(), LoginSession.id)
        surplus = self._session.scalars(newest.offset(self._pairs.limits.most_open - 1).limit(SURPLUS)).all()
        if surplus:
            log.info("sessions-ended-for-newer", user=user_id, count=len(surplus))
            self._end(LoginSession.id.in_(surplus))

    def _end(self, *conditions: ColumnElement[bool]) -> bool:
        return end_sessions(self._work, *conditions)

    def _is_over(self) -> ColumnElement[bool]:
        idle = LoginSession.last_used_at <= self._now - self._pairs.refresh_life
        return or_(LoginSession.ends_at <= self._now, idle, LoginSession.revoked_at.is_not(None))

    def _tokens(self, of: LoginSession, version: int) -> UserTokens:
        roles = role_names(self._session, of.identity_id)
        left = of.ends_at - self._now
        return self._pairs.for_user(of.identity_id, version, roles, of.id, of.generation, left)


def has_second_factor(session: Session, session_id: str | None) -> bool:
    """Tell whether a second factor was shown for a session."""
    return bool(session.scalar(select(LoginSession.has_second_factor).where(LoginSession.id == session_id)))


def note_second_factor(session: Session, session_id: str | None) -> None:
    """Note that one was shown after a session had begun."""
    session.execute(update(LoginSession).where(LoginSession.id == session_id).values(has_second_factor=True))


def end_sessions(work: Work, *conditions: ColumnElement[bool]) -> bool:
    """End the sessions that meet the conditions; tells whether there were any."""
    chosen = select(LoginSession.id).where(LoginSession.revoked_at.is_(None), *conditions)
    ids = list(work.session.scalars(chosen))
    if not ids:
        return False
    ended = update(LoginSession).where(LoginSession.id.in_(ids)).values(revoked_at=work.clock.now())
    work.session.execute(ended.execution_options(synchronize_session=False))
    work.tell(SESSIONS_ENDED, {"ids": ids})
    return True


Confirm = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Asked, before a session is renewed, whether its user is still welcome where it logged in. Raises if not."""


async def _believe(claims: Mapping[str, Any]) -> None:
    """Ask nobody."""


class Refreshes:
    """Gives a new pair of tokens for a refresh token."""

    def __init__(self, works: Works, pairs: TokenPairs, factors: SecondFactors, confirm: Confirm = _believe) -> None:
        self._works = works
        self._pairs = pairs
        self._factors = factors
        self._confirm = confirm

    async def refresh(self, claims: dict[str, Any], origin: Origin) -> UserTokens | NodeTokens:
        """Renew; raises `Unauthenticated` when the identity is gone or its session or tokens were revoked."""
        await self._confirm(claims)
        async with self._works.open(write=claims.get("client_type") != "node") as work:
            renewed = await to_thread.run_sync(self._renew, work, claims, origin)
        # Only now: what was noted about a stolen token must not be rolled back.
        if renewed is None:
            raise Unauthenticated("the session of this token is over or was ended; log in again")
        return renewed

    def _renew(self, work: Work, claims: dict[str, Any], origin: Origin) -> UserTokens | NodeTokens | None:
        key = identity_id(claims)
        statement = select(Identity.type, Identity.token_version).where(Identity.id == key)
        row = work.session.execute(statement).one_or_none()
        kind = claims.get("client_type")
        if row is None or key is None or row.type != kind or row.token_version != claims.get("ver", 0):
            return None
        if kind == "node":
            return self._pairs.for_node(key, row.token_version)
        sessions, sid = Sessions(work, self._pairs), claims.get("sid")
        if sid is None:
            # A token of the v4 server whose database and signing secret were taken over. It does not tell whether a
            # second factor was shown for it, so that it is no proof of one.
            if self._factors.of(work, key).is_required:
                raise Unauthenticated(UNPROVEN)
            return sessions.open(key, "token", origin=origin, version=row.token_version)
        return sessions.renew(key, str(sid), claims.get("gen"), row.token_version)


def role_names(session: Session, user_id: int) -> list[str]:
    """List the names of a user's roles, as tokens carry them."""
    statement = select(Role.name).join(user_role, user_role.c.role_id == Role.id).where(user_role.c.user_id == user_id)
    return list(session.scalars(statement.order_by(Role.id)))
