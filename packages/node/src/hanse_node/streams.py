"""Carrying bytes between two connections until both directions have ended, or one of them breaks."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Protocol

CHUNK = 65536


class Reader(Protocol):
    """Where bytes come from: of asyncio, or of a library that does as asyncio does."""

    async def read(self, n: int = -1, /) -> bytes: ...


class Writer(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> None: ...
    def drain(self) -> Awaitable[None]: ...
    def write_eof(self) -> None: ...
    def close(self) -> None: ...


Line = tuple[Reader, Writer]


Counts = list[int]
"""Bytes that went out, and bytes that came back, so far."""


async def carry(near: Line, far: Line, counts: Counts | None = None) -> None:
    """Carry both directions and close both connections; count what went from near to far, and back."""
    counts = [0, 0] if counts is None else counts
    ways = [
        asyncio.ensure_future(_flow(near[0], far[1], counts, 0)),
        asyncio.ensure_future(_flow(far[0], near[1], counts, 1)),
    ]
    try:
        # When either side breaks, so does the other.
        await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for _, writer in (near, far):
            end(writer)


def end(writer: Writer) -> None:
    """Close a connection; at once, when the other side does not take what is still to be sent."""
    if isinstance(writer, asyncio.StreamWriter) and writer.transport.get_write_buffer_size():
        writer.transport.abort()
    else:
        writer.close()


async def _flow(reader: Reader, writer: Writer, counts: Counts, direction: int) -> None:
    """Carry one direction; a slow receiver slows the sender."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
        counts[direction] += len(data)
    with suppress(OSError, NotImplementedError):
        writer.write_eof()
