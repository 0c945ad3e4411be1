"""Deleting values that have no owner: those of removed runs, replaced ones, and uploads that nobody used."""

import asyncio
from contextlib import suppress
from itertools import groupby

import structlog
from anyio import to_thread
from sqlalchemy import Engine, and_, or_, select
from sqlalchemy.exc import SQLAlchemyError

from hanse_core.errors import HanseError
from hanse_server.tasks.models import Blob
from hanse_server.tasks.values import Place, Values
from hanse_web.db import empty_log, is_sqlite
from hanse_web.work import Work

SWEEP_SECONDS = 60.0
RETRY_SECONDS = 5.0
BATCH = 100

log = structlog.get_logger()


class Janitor:
    """Deletes at once when rung, and on a slow timer what others left behind. Several replicas may do the same."""

    def __init__(self, values: Values, engine: Engine) -> None:
        self._values = values
        self._engine = engine
        self._bell = asyncio.Event()
        self._must_forget = False

    def ring(self) -> None:
        """Say that values, or rows with data of people, were removed."""
        self._bell.set()

    async def run(self) -> None:
        """Sweep until cancelled; a store that is away is tried again."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS if self._must_forget else SWEEP_SECONDS):
                    await self._bell.wait()
            self._must_forget = self._must_forget or self._bell.is_set()
            self._bell.clear()
            try:
                await self.sweep()
                self._must_forget = self._must_forget and not await self.forget()
            except (HanseError, SQLAlchemyError) as error:
                log.warning("values-not-deleted", error=str(getattr(error, "orig", error)))

    async def sweep(self) -> int:
        """Delete what is to be deleted; give the number of values."""
        swept = 0
        while rows := await self._ownerless():
            for place, keys in rows.items():
                await self._values.remove(place, keys)
                swept += len(keys)
        return swept

    async def forget(self) -> bool:
        """Have deleted rows vanish from the write-ahead log of an SQLite database, too; tell whether they have."""
        return not is_sqlite(self._engine) or await to_thread.run_sync(empty_log, self._engine)

    async def _ownerless(self) -> dict[Place, list[str]]:
        async with self._values.works.open(write=False) as work:
            rows = await to_thread.run_sync(self._find, work)
        return {Place(place): [row.key for row in group] for place, group in groupby(rows, lambda row: row.place)}

    def _find(self, work: Work) -> list[Blob]:
        expired = work.clock.now() - self._values.settings.unclaimed_life
        waiting = and_(Blob.settled_at.is_(None), or_(Blob.created_at < expired, Blob.uploader_id.is_(None)))
        ownerless = Blob.run_id.is_(None), or_(Blob.settled_at.is_not(None), waiting)
        # What is in a store that is not configured any more waits for its return.
        places = Blob.place.in_(list(self._values.stores))
        statement = select(Blob).where(*ownerless, places).order_by(Blob.place, Blob.key).limit(BATCH)
        return list(work.session.scalars(statement))
