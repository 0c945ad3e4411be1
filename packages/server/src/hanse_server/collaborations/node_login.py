"""Logging a node in by its API key."""

from collections import deque
from datetime import datetime, timedelta

from sqlalchemy import select

from hanse_core.errors import Unauthenticated, Unavailable
from hanse_core.wire.accounts import NodeTokens
from hanse_server.collaborations.keys import hash_of
from hanse_server.collaborations.models import Node
from hanse_server.identity.pairs import TokenPairs
from hanse_web.work import Work

WINDOW = timedelta(minutes=1)
REFUSALS_PER_WINDOW = 20
ADDRESSES = 10_000


class Refusals:
    """Counts wrong keys per address within the last minute, in bounded memory."""

    def __init__(self) -> None:
        self._moments: dict[str, deque[datetime]] = {}

    def require_few(self, address: str, now: datetime) -> None:
        """Refuse an address that has offered too many wrong keys; without looking at the one it offers now."""
        moments = self._moments.get(address)
        while moments and now - moments[0] > WINDOW:
            moments.popleft()
        if moments and len(moments) >= REFUSALS_PER_WINDOW:
            raise Unavailable("too many wrong API keys came from this address; try again in a minute")

    def count(self, address: str, now: datetime) -> None:
        """Count a wrong key; the addresses that came first are forgotten first."""
        while len(self._moments) >= ADDRESSES and address not in self._moments:
            del self._moments[next(iter(self._moments))]
        self._moments.setdefault(address, deque(maxlen=REFUSALS_PER_WINDOW)).append(now)


class NodeLogins:
    """The use case of one request."""

    def __init__(self, work: Work, pairs: TokenPairs, refusals: Refusals) -> None:
        self._work = work
        self._pairs = pairs
        self._refusals = refusals

    def log_in(self, api_key: str, address: str) -> NodeTokens:
        """Give tokens for an API key. Raises `Unauthenticated` when no node in a collaboration has it."""
        now = self._work.clock.now()
        self._refusals.require_few(address, now)
        statement = select(Node.id, Node.token_version, Node.collaboration_id)
        row = self._work.session.execute(statement.where(Node.api_key_hash == hash_of(api_key))).one_or_none()
        if row is None:
            self._refusals.count(address, now)
            raise Unauthenticated("this API key is not known")
        if row.collaboration_id is None:
            raise Unauthenticated("this node is in no collaboration any more; ask the administrator of the server")
        return self._pairs.for_node(row.id, row.token_version)
