"""Who is behind a new socket, by the header of its handshake."""

import enum
from collections.abc import Mapping
from typing import Any

import jwt
from anyio import to_thread
from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_core.errors import Malformed, Unauthenticated
from hanse_server.collaborations.models import Collaboration
from hanse_server.live.connections import Connection
from hanse_server.live.rooms import rooms_of
from hanse_web.access import ActorLoader, NodeActor, UserActor
from hanse_web.auth import Tokens
from hanse_web.work import Work, Works

EXPIRY_GRACE_SECONDS = 60
"""How long a socket outlives its token, so that a node that is just refreshing it is not disturbed."""


class Refusal(enum.Enum):
    """Why a socket is not let in; what a stock peer then does depends on it."""

    EXPIRED = "expired"
    INVALID = "invalid"
    NO_TOKEN = "no-token"  # noqa: S105


class Admission:
    """Turns an Authorization header into a connection, or a reason to refuse it."""

    def __init__(self, works: Works, tokens: Tokens, loaders: Mapping[str, ActorLoader]) -> None:
        self._works = works
        self._tokens = tokens
        self._loaders = loaders

    async def admit(self, header: str | None) -> Connection | Refusal:
        """Check the token and find the identity; containers and refresh tokens have no business here."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return Refusal.NO_TOKEN
        try:
            claims = self._tokens.read(token.strip())
        except Unauthenticated:
            return Refusal.EXPIRED
        except Malformed as error:
            forged = isinstance(error.__cause__, jwt.InvalidSignatureError)
            return Refusal.INVALID if forged else Refusal.NO_TOKEN
        kind = claims.get("client_type")
        if kind not in ("user", "node"):
            return Refusal.NO_TOKEN
        async with self._works.open(write=False) as work:
            return await to_thread.run_sync(self._load, work, claims)

    async def judge_again(self, connections: Mapping[str, Connection]) -> dict[str, Connection | Refusal]:
        """Tell what is true now of sockets that were let in before: whose they are, which rooms, or why no longer."""
        async with self._works.open(write=False) as work:
            return await to_thread.run_sync(self._judge_all, work, connections)

    def _judge_all(self, work: Work, connections: Mapping[str, Connection]) -> dict[str, Connection | Refusal]:
        now = work.clock.now().timestamp()
        judged: dict[str, Connection | Refusal] = {}
        for sid, connection in connections.items():
            has_expired = now >= float(connection.claims.get("exp", "inf")) + EXPIRY_GRACE_SECONDS
            judged[sid] = Refusal.EXPIRED if has_expired else self._load(work, connection.claims)
        return judged

    def _load(self, work: Work, claims: Mapping[str, Any]) -> Connection | Refusal:
        try:
            actor = self._loaders[claims["client_type"]](work.session, claims)
        except Unauthenticated:
            return Refusal.INVALID
        if not isinstance(actor, UserActor | NodeActor):
            return Refusal.INVALID
        return Connection(actor, tuple(rooms_of(actor, _all_collaborations(work.session))), claims)


def _all_collaborations(session: Session) -> list[int]:
    return list(session.scalars(select(Collaboration.id)))
