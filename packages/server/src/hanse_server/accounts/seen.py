"""When users and nodes were last heard of: collected in memory, written together every few seconds."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Generic, TypeVar

import structlog
from anyio import CancelScope, to_thread
from sqlalchemy import bindparam, update
from sqlalchemy.exc import SQLAlchemyError

from hanse_server.accounts.models import Identity
from hanse_web.access import Actor, NodeActor, UserActor
from hanse_web.work import Work, Works

FLUSH_SECONDS = 20.0

log = structlog.get_logger()

K = TypeVar("K")


class Moments(ABC, Generic[K]):
    """Notes when something was last used; a request pays nothing but an entry in a dictionary."""

    def __init__(self, works: Works, every: float = FLUSH_SECONDS) -> None:
        self._works = works
        self._every = every
        self._moments: dict[K, datetime] = {}
        self._noted = asyncio.Event()

    @abstractmethod
    def key_of(self, actor: Actor) -> K | None:
        """Give what is noted when this actor made a request."""

    @abstractmethod
    def write(self, work: Work, moments: Mapping[K, datetime]) -> None:
        """Store what was noted."""

    def note(self, actor: Actor, moment: datetime) -> None:
        """Remember that somebody made a request."""
        key = self.key_of(actor)
        if key is not None:
            self._moments[key] = moment
            self._noted.set()

    async def run(self) -> None:
        """Write until cancelled, and once more then."""
        try:
            while True:
                await self._noted.wait()
                await asyncio.sleep(self._every)
                await self.flush()
        finally:
            with CancelScope(shield=True):
                await self.flush()

    async def flush(self) -> None:
        """Write what was noted since the last time; what cannot be written now is kept for the next time."""
        moments, self._moments = self._moments, {}
        self._noted.clear()
        if not moments:
            return
        try:
            async with self._works.open(write=True) as work:
                await to_thread.run_sync(self.write, work, moments)
        except SQLAlchemyError as error:
            log.warning("last-seen-not-written", error=type(error).__name__)
            self._moments = moments | self._moments
            self._noted.set()


class LastSeen(Moments[int]):
    """Notes when users and nodes were heard of; containers speak for nobody."""

    def key_of(self, actor: Actor) -> int | None:
        """Give the identity."""
        return actor.id if isinstance(actor, UserActor | NodeActor) else None

    def write(self, work: Work, moments: Mapping[int, datetime]) -> None:
        """Store when each identity was heard of."""
        by_key = update(Identity.__table__).where(Identity.id == bindparam("key"))  # type: ignore[arg-type]
        rows = [{"key": key, "moment": moment} for key, moment in sorted(moments.items())]
        work.session.connection().execute(by_key.values(last_seen=bindparam("moment")), rows)
