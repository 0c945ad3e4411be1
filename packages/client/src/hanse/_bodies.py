"""Bodies that are sent and received piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol, TypeVar

import httpx

T = TypeVar("T", covariant=True)


class Content(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body of known size that is written as it is sent, in either mode; each time from its beginning."""

    def __init__(self, pieces: Callable[[], Iterator[bytes]], size: int) -> None:
        self._pieces = pieces
        self.headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces():
            yield piece


class Sink(Protocol):
    """Takes what is downloaded."""

    def take(self, chunk: bytes) -> None:
        """Take the next bytes."""

    def restart(self) -> None:
        """Forget what was taken: it comes again from the beginning."""


class Reader(Protocol[T]):
    """Reads an answer as it comes."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""

    def finish(self) -> T:
        """Give what was read once all has come."""
