"""What a request sets going without waiting for it, so that the time it takes tells its sender nothing."""

import asyncio
from collections.abc import Callable

import structlog
from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError

from hanse_core.errors import HanseError
from hanse_web.work import Work, Works

WAITING = 1000
"""How much may wait; what comes beyond is dropped, as it is only worth a mail."""

log = structlog.get_logger()


class Aside:
    """Does small pieces of work one after the other, each in a transaction of its own."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self._waiting: asyncio.Queue[Callable[[Work], None]] = asyncio.Queue(WAITING)

    def do(self, act: Callable[[Work], None]) -> None:
        """Have something done soon; on the event loop only. It is lost when the process ends before."""
        try:
            self._waiting.put_nowait(act)
        except asyncio.QueueFull:
            log.warning("work-aside-dropped", reason="too much waits")

    async def run(self) -> None:
        """Do what waits until cancelled."""
        while True:
            act = await self._waiting.get()
            try:
                async with self._works.open(write=True) as work:
                    await to_thread.run_sync(act, work)
            except (HanseError, SQLAlchemyError) as error:
                log.warning("work-aside-failed", error=type(error).__name__)
            finally:
                self._waiting.task_done()

    async def settled(self) -> None:
        """Wait until nothing waits any more."""
        await self._waiting.join()
