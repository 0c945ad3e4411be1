"""Pauses between attempts: growing, with jitter so that many nodes do not return at once, and cut short by a nudge."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from hanse_core.errors import Unavailable

T = TypeVar("T")
log = structlog.get_logger()


class Backoff:
    """Pauses `first` seconds, then twice as long each time, at most `longest`."""

    def __init__(self, first: float = 0.5, longest: float = 30.0) -> None:
        self._first = first
        self._longest = longest
        self._attempts = 0
        self._nudged = asyncio.Event()

    def reset(self) -> None:
        self._attempts = 0

    def nudge(self) -> None:
        """End the current or next pause at once: there is news that makes a new attempt worthwhile."""
        self._nudged.set()

    def next_pause(self) -> float:
        pause = min(self._longest, self._first * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        return pause * random.uniform(0.5, 1.0)  # noqa: S311

    async def pause(self) -> None:
        # Not wait_for: before Python 3.12 it may swallow a cancellation that comes together with the event.
        try:
            async with asyncio.timeout(self.next_pause()):
                await self._nudged.wait()
        except TimeoutError:
            return
        finally:
            self._nudged.clear()


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again for as long as nobody answers."""
    backoff = Backoff(1.0, 30.0)
    while True:
        try:
            return await ask()
        except Unavailable as error:
            log.warning("server_away", cause=error.message)
        await backoff.pause()
