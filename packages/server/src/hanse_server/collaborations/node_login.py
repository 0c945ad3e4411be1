"""Logging a node in by its API key."""

import asyncio
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from anyio import to_thread
from sqlalchemy import Select, select, update

from hanse_core.errors import Unauthenticated, Unavailable
from hanse_core.wire.accounts import NodeTokens
from hanse_server.accounts.passwords import matches_bcrypt
from hanse_server.collaborations.keys import hash_of
from hanse_server.collaborations.models import Node
from hanse_server.identity.limits import ANY_ACCOUNT, Failures
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.rules import Limit
from hanse_web.origin import Origin
from hanse_web.work import Work, Works

PURPOSE = "node key"
WRONG_KEYS = Limit(20, timedelta(minutes=1), timedelta(hours=1))
"""Wrong keys of one network. A right key is found by its hash and not held back by them."""
TRIALS_WAITING = 8
RETRY_SECONDS = 10

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Found:
    """The node of a key."""

    id: int
    version: int
    collaboration_id: int | None


class NodeLogins:
    """Finds the node of an API key: by its hash, or once by trying the hashes that came from a v4 server."""

    def __init__(self, works: Works, pairs: TokenPairs, room: int = TRIALS_WAITING) -> None:
        self._works = works
        self._pairs = pairs
        # One trial computes for seconds: never two at a time, and no long queue of them.
        self._trial = asyncio.Lock()
        self._room = room

    async def log_in(self, api_key: str, origin: Origin) -> NodeTokens:
        """Give tokens for an API key. Raises `Unauthenticated` when no node in a collaboration has it."""
        key = str(uuid.UUID(api_key))
        async with self._works.open(write=False) as work:
            found, is_open = await to_thread.run_sync(_look_up, work, key)
        if found is None and is_open:
            found = await self._queue_for_trial(key, origin)
        if found is None:
            raise await self._refused(origin)
        if found.collaboration_id is None:
            raise Unauthenticated("this node is in no collaboration any more; ask the administrator of the server")
        return self._pairs.for_node(found.id, found.version)

    async def _refused(self, origin: Origin) -> Unauthenticated:
        """Count a wrong key, unless enough of them are counted already: a flood costs no writing."""
        async with self._works.open(write=False) as work:
            pause = await to_thread.run_sync(_pause, work, origin)
        if not pause:
            async with self._works.open(write=True) as work:
                await to_thread.run_sync(_count, work, origin)
        seconds = math.ceil(pause.total_seconds()) if pause else None
        return Unauthenticated("this API key is not known", retry_after=seconds)

    async def _queue_for_trial(self, key: str, origin: Origin) -> Found | None:
        if self._room <= 0:
            raise Unavailable("the keys of nodes are being looked for; try again shortly", retry_after=RETRY_SECONDS)
        self._room -= 1
        try:
            async with self._trial:
                return await self._try(key, origin)
        finally:
            self._room += 1

    async def _try(self, key: str, origin: Origin) -> Found | None:
        """Compare with every hash of v4. A network that guesses must pause, which it hears as a temporary fault."""
        async with self._works.open(write=False) as work:
            found, _ = await to_thread.run_sync(_look_up, work, key)
            candidates = await to_thread.run_sync(_candidates, work, origin)
        if found is not None:
            return found
        matched = await to_thread.run_sync(_first_match, candidates, key)
        if matched is None:
            return None
        async with self._works.open(write=True) as work:
            return await to_thread.run_sync(_remember, work, matched, key)


def _node() -> Select[int, int, int | None]:
    return select(Node.id, Node.token_version, Node.collaboration_id)


def _look_up(work: Work, key: str) -> tuple[Found | None, bool]:
    """Find a node by the hash of its key; and tell whether there are nodes that cannot be found so."""
    row = work.session.execute(_node().where(Node.api_key_hash == hash_of(key))).one_or_none()
    if row is not None:
        return Found(*row), False
    waiting = select(Node.id).where(Node.api_key_bcrypt.is_not(None)).limit(1)
    return None, work.session.scalar(waiting) is not None


def _candidates(work: Work, origin: Origin) -> Sequence[tuple[int, str]]:
    if pause := _pause(work, origin):
        seconds = math.ceil(pause.total_seconds())
        raise Unavailable("too many wrong API keys came from this address; try again later", retry_after=seconds)
    waiting = select(Node.id, Node.api_key_bcrypt).where(Node.api_key_bcrypt.is_not(None)).order_by(Node.id)
    return [(row[0], row[1] or "") for row in work.session.execute(waiting)]


def _first_match(candidates: Sequence[tuple[int, str]], key: str) -> tuple[int, str] | None:
    return next((one for one in candidates if matches_bcrypt(one[1], key)), None)


def _remember(work: Work, matched: tuple[int, str], key: str) -> Found | None:
    """Keep the hash by which this node is found from now on, unless its key was renewed meanwhile."""
    node_id, stored = matched
    renewed = update(Node).where(Node.id == node_id, Node.api_key_bcrypt == stored)
    renewed = renewed.values(api_key_hash=hash_of(key), api_key_bcrypt=None)
    work.session.execute(renewed.execution_options(synchronize_session=False))
    log.info("node-key-rehashed", node=node_id)
    return _look_up(work, key)[0]


def _failures(work: Work, origin: Origin) -> Failures:
    return Failures(work.session, work.clock.now(), PURPOSE, origin.network)


def _pause(work: Work, origin: Origin) -> timedelta:
    return _failures(work, origin).of(ANY_ACCOUNT)[ANY_ACCOUNT].blocked_for(WRONG_KEYS, work.clock.now())


def _count(work: Work, origin: Origin) -> None:
    _failures(work, origin).count({ANY_ACCOUNT: WRONG_KEYS})
