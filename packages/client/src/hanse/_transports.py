"""The only lines that differ between the modes: how bytes move, how time passes, how events are heard."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, TypeVar

import anyio
import anyio.to_thread
import httpx

T = TypeVar("T")


class Transport(Protocol):
    """Moves requests and answers. That of a blocking client never suspends."""

    http: httpx.Client | httpx.AsyncClient

    async def send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        """Send and give the answer, with its body unless it is streamed."""

    async def read(self, response: httpx.Response) -> None:
        """Read the whole body of a streamed answer."""

    def chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """Give the body of a streamed answer as it arrives."""

    async def discard(self, response: httpx.Response) -> None:
        """Let go of a streamed answer."""

    async def pause(self, seconds: float) -> None:
        """Let time pass."""

    async def elsewhere(self, wait: Callable[[], T]) -> T:
        """Call something that waits, without holding anybody else up."""

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Do something that must neither be done twice at a time nor be given up halfway."""

    async def close(self) -> None:
        """Close all connections."""

    def socket(self) -> Any:
        """Give an unconnected Socket.IO client, or None where the extra `events` is not installed."""


class BlockingTransport:
    """Waits in place."""

    def __init__(self, transport: httpx.BaseTransport | None, **options: Any) -> None:
        self.http: httpx.Client | httpx.AsyncClient
        self.http = self._http = httpx.Client(transport=transport, **options)
        self._lock = threading.Lock()

    async def send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        return self._http.send(request, stream=stream)

    async def read(self, response: httpx.Response) -> None:
        response.read()

    async def chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        for chunk in response.iter_bytes():
            yield chunk

    async def discard(self, response: httpx.Response) -> None:
        response.close()

    async def pause(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251  # This coroutine runs outside any event loop.

    async def elsewhere(self, wait: Callable[[], T]) -> T:
        return wait()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        with self._lock:
            yield

    async def close(self) -> None:
        self._http.close()

    def socket(self) -> Any:
        try:
            from socketio import SimpleClient
        except ImportError:
            return None
        return SimpleClient(reconnection=False, handle_sigint=False)


class AwaitingTransport:
    """Lets other tasks of the event loop run meanwhile."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None, **options: Any) -> None:
        self.http: httpx.Client | httpx.AsyncClient
        self.http = self._http = httpx.AsyncClient(transport=transport, **options)
        self._lock = anyio.Lock()

    async def send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        return await self._http.send(request, stream=stream)

    async def read(self, response: httpx.Response) -> None:
        await response.aread()

    async def chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        async for chunk in response.aiter_bytes():
            yield chunk

    async def discard(self, response: httpx.Response) -> None:
        await response.aclose()

    async def pause(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def elsewhere(self, wait: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(wait, abandon_on_cancel=True)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        async with self._lock:
            with anyio.CancelScope(shield=True):
                yield

    async def close(self) -> None:
        await self._http.aclose()

    def socket(self) -> Any:
        try:
            from socketio import AsyncSimpleClient
        except ImportError:
            return None
        return AsyncSimpleClient(reconnection=False, handle_sigint=False)
