"""Sending and receiving what is large: in pieces, and on again after a broken connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx

from hanse._bodies import Content, Reader, Sink
from hanse._http import Call, Query, Session, decoded, pauses
from hanse_core.errors import Unavailable

LARGE = httpx.Timeout(120.0, connect=10.0)
"""So long may one piece take."""
_PARTIAL = 206
T = TypeVar("T")


async def upload(session: Session, path: str, pieces: Callable[[], Iterator[bytes]], size: int) -> Any:
    """Send bytes, from their beginning again if the connection breaks; what was cut off is nobody's and expires."""
    for is_last in (False, False, True):
        call = Call("POST", path, content=Content(pieces, size), timeout=LARGE)
        try:
            response = await session.as_user(call)
            return decoded(response.content, response)
        except Unavailable as error:
            if is_last or not isinstance(error.__cause__, httpx.TransportError):
                raise
    raise AssertionError("unreachable")


async def download(session: Session, path: str, sink: Sink) -> None:
    """Receive bytes as they come; after a broken connection, the rest is asked for."""
    received, furthest, tag, waits = 0, 0, None, pauses()
    ends = time.monotonic() + session.retry_for
    while True:
        response = await session.as_user(Call("GET", path, headers=_wanted(received, tag), timeout=LARGE, stream=True))
        if received and not _goes_on(response, received):
            received = 0
            sink.restart()
        until = received + int(response.headers.get("Content-Length", -1))
        tag = response.headers.get("ETag")
        try:
            async for chunk in session.transport.chunks(response):
                sink.take(chunk)
                received += len(chunk)
            return
        except httpx.TransportError as error:
            if received == until:
                return
            if received > furthest:
                furthest, ends, waits = received, time.monotonic() + session.retry_for, pauses()
            if time.monotonic() > ends:
                raise Unavailable(f"the connection to {session.url} breaks again and again") from error
        finally:
            await session.transport.discard(response)
        await session.transport.pause(next(waits))


async def stream(session: Session, path: str, query: Query, reader: Callable[[], Reader[T]]) -> T:
    """Read an answer as it comes, from its beginning again if the connection breaks."""
    for is_last in (False, False, True):
        response = await session.as_user(Call("GET", path, query, timeout=LARGE, stream=True))
        reading = reader()
        try:
            async for chunk in session.transport.chunks(response):
                reading.feed(chunk)
            return reading.finish()
        except httpx.TransportError as error:
            if is_last:
                raise Unavailable(f"the connection to {session.url} breaks again and again") from error
        finally:
            await session.transport.discard(response)
    raise AssertionError("unreachable")


def _wanted(received: int, tag: str | None) -> dict[str, str]:
    """Ask for what is missing, if it is still the same; compressed bytes could not be counted."""
    rest = {"Range": f"bytes={received}-", "If-Range": tag} if received and tag else {}
    return {"Accept-Encoding": "identity", **rest}


def _goes_on(response: httpx.Response, received: int) -> bool:
    """Tell whether an answer begins where the last one broke off."""
    begins = response.headers.get("Content-Range", "").startswith(f"bytes {received}-")
    return response.status_code == _PARTIAL and begins
