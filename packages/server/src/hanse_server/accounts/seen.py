"""When users and nodes were last heard of: collected in memory, written together every few seconds."""

import asyncio
from datetime import datetime

import structlog
from anyio import to_thread
from sqlalchemy import bindparam, update
from sqlalchemy.exc import SQLAlchemyError

from hanse_server.accounts.models import Identity
from hanse_web.access import Actor, NodeActor, UserActor
from hanse_web.work import Work, Works

FLUSH_SECONDS = 20.0

log = structlog.get_logger()


class LastSeen:
    """Notes who was heard of; a request pays nothing but an entry in a dictionary."""

    def __init__(self, works: Works, every: float = FLUSH_SECONDS) -> None:
        self._works = works
        self._every = every
        self._moments: dict[int, datetime] = {}
        self._noted = asyncio.Event()

    def note(self, actor: Actor, moment: datetime) -> None:
        """Remember that a user or node was heard of; containers speak for nobody."""
        if isinstance(actor, UserActor | NodeActor):
            self._moments[actor.id] = moment
            self._noted.set()

    async def run(self) -> None:
        """Write until cancelled, and once more then."""
        try:
            while True:
                await self._noted.wait()
                await asyncio.sleep(self._every)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Write what was noted since the last time; what cannot be written now is kept for the next time."""
        moments, self._moments = self._moments, {}
        self._noted.clear()
        if not moments:
            return
        try:
            async with self._works.open(write=True) as work:
                await to_thread.run_sync(_write, work, moments)
        except SQLAlchemyError as error:
            log.warning("last-seen-not-written", error=type(error).__name__)
            self._moments = moments | self._moments
            self._noted.set()


def _write(work: Work, moments: dict[int, datetime]) -> None:
    statement = update(Identity.__table__).where(Identity.id == bindparam("key")).values(last_seen=bindparam("moment"))  # type: ignore[arg-type]
    rows = [{"key": key, "moment": moment} for key, moment in sorted(moments.items())]
    work.session.connection().execute(statement, rows)
