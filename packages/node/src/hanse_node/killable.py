"""What is done for a run only as long as nobody ends it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from hanse_core.errors import HanseError
from hanse_node.backoff import Backoff
from hanse_node.errors import WrongKey

T = TypeVar("T")


class Over(Exception):
    """The run was killed or closed while something was still to be done for it."""


class Killable:
    """Waits and asks again for one run, until it is killed."""

    def __init__(self, log: Any) -> None:
        self._log = log
        self._backoff = Backoff(0.25, 15.0)
        self._killed = asyncio.Event()

    @property
    def is_over(self) -> bool:
        return self._killed.is_set()

    def kill(self) -> None:
        self._killed.set()
        self._backoff.nudge()

    def nudge(self) -> None:
        """Try again at once what waits for the server."""
        self._backoff.nudge()

    async def killed(self) -> None:
        """Return once the run is killed."""
        await self._killed.wait()

    async def pause(self) -> None:
        await self._backoff.pause()

    async def insist(self, ask: Callable[[], Awaitable[T]], *, even_if_over: bool = False) -> T:
        """Ask the server until it answers; a refusal that will not pass is raised. Raises `Over`."""
        while True:
            if self.is_over and not even_if_over:
                raise Over
            try:
                answer = await ask()
            except HanseError as error:
                if error.status < 500 and not isinstance(error, WrongKey):
                    raise
                self._log.warning("server_away", cause=error.message)
            else:
                self._backoff.reset()
                return answer
            await self._backoff.pause()

    async def unless_over(self, work: Awaitable[T]) -> T:
        """Wait for something unless the run is killed meanwhile. Raises `Over` when the work is undone."""
        working = asyncio.ensure_future(work)
        killed = asyncio.ensure_future(self._killed.wait())
        try:
            await asyncio.wait({working, killed}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise Over
        finally:
            killed.cancel()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
