"""Requests that make something: the engine may carry them out although nobody waits for the answer any more."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from hanse_core.errors import HanseError

T = TypeVar("T")


async def made_or_undone(making: Awaitable[T], undo: Callable[[T], Awaitable[object]]) -> T:
    """Wait for something to be made; when cancelled meanwhile, wait all the same, and undo it."""
    task = asyncio.ensure_future(making)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(HanseError):
            await undo(await task)
        raise
