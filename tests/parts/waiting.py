"""Waiting, in tests, for what nobody rings a bell for."""

import asyncio
from collections.abc import Callable


async def until(happened: Callable[[], object], seconds: float = 30) -> None:
    """Return once something has come about; fails when that takes too long."""
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110  (conditions of many kinds, none of them an event)
            await asyncio.sleep(0.01)
