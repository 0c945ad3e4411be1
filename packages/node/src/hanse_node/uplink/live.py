"""Live events over Socket.IO: doorbells in, status and log lines out. Nothing relies on any of them arriving."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import aiohttp
import socketio
import socketio.exceptions
import structlog

from hanse_core import events
from hanse_core.errors import HanseError
from hanse_core.protocol import NAMESPACE
from hanse_node.backoff import Backoff
from hanse_node.uplink.base import Bell, Identity, kill_of
from hanse_node.uplink.session import Session
from hanse_node.uplink.transport import Route

PING_SECONDS = 50.0
CONNECT_SECONDS = 15.0
WELCOME_SECONDS = 20.0
"""A server that accepts our token says `sync` at once; one that does not may say nothing at all."""
_FAILURES = (socketio.exceptions.SocketIOError, aiohttp.ClientError, OSError, TimeoutError)
log = structlog.get_logger()


class Live:
    """Keeps one connection, made anew with a fresh token whenever it ends."""

    def __init__(self, url: str, session: Session, bell: Bell, identity: Callable[[], Identity], route: Route) -> None:
        self._url = url
        self._session = session
        self._bell = bell
        self._identity = identity
        self._route = route
        self._client: socketio.AsyncClient | None = None
        self._ready = asyncio.Event()
        """Set once the namespace accepts events: a server may say `sync` a moment before that."""

    @property
    def transport(self) -> str:
        """How events come now; WebSockets that are blocked on the way are made up for by polling."""
        client = self._client
        return str(client.transport()) if client is not None and self._ready.is_set() else "not connected"

    async def run(self) -> None:
        """Connect again for ever."""
        backoff, polling = Backoff(0.25, 5.0), False
        while True:
            try:
                if await self._one_connection(polling):
                    backoff.reset()
            except (HanseError, *_FAILURES) as error:
                log.warning("live_connection_failed", url=self._url, cause=str(error) or type(error).__name__)
                polling = not polling
            await backoff.pause()

    async def emit(self, event: str, data: Any = None) -> None:
        client = self._client
        if client is None:
            return
        with contextlib.suppress(*_FAILURES):
            async with asyncio.timeout(10.0):
                await self._ready.wait()
                await client.emit(event, data, namespace=NAMESPACE)

    async def close(self) -> None:
        client, self._client = self._client, None
        self._ready.clear()
        if client is not None:
            with contextlib.suppress(*_FAILURES):
                async with asyncio.timeout(5.0):
                    await client.disconnect()

    async def _one_connection(self, polling: bool) -> bool:
        """Connect and stay; tell whether the server had welcomed us."""
        # A time-out for the first answer: some proxies neither pass on nor refuse what asks for a WebSocket.
        http = self._route.session(CONNECT_SECONDS)
        client = socketio.AsyncClient(
            reconnection=False, handle_sigint=False, request_timeout=int(CONNECT_SECONDS), http_session=http
        )
        ears = _Ears(self._session, self._bell, self._identity)
        ears.listen(client)
        headers = {"Authorization": f"Bearer {await self._session.bearer()}"}
        transports = ["polling", "websocket"] if polling else ["websocket"]
        self._client = client
        try:
            async with asyncio.timeout(2 * CONNECT_SECONDS):
                await client.connect(
                    self._url, headers=headers, transports=transports, namespaces=[NAMESPACE],
                    wait_timeout=int(CONNECT_SECONDS),
                )  # fmt: skip
            _stop_if_asked()
            self._ready.set()
            await self._stay(ears.welcome, ears.over)
        finally:
            await self.close()
            await http.close()
        return ears.welcome.is_set()

    async def _stay(self, welcome: asyncio.Event, over: asyncio.Event) -> None:
        await self.emit(events.PING)
        if not await _within(WELCOME_SECONDS, welcome, over) and not over.is_set():
            log.warning("live_connection_not_welcomed")
            await self._session.start_over()
            return
        while not over.is_set():
            await _within(PING_SECONDS, over)
            await self.emit(events.PING)


class _Ears:
    """What one connection hears, turned into rings of the bell."""

    def __init__(self, session: Session, bell: Bell, identity: Callable[[], Identity]) -> None:
        self._session = session
        self._bell = bell
        self._identity = identity
        self.welcome, self.over = asyncio.Event(), asyncio.Event()

    def listen(self, client: socketio.AsyncClient) -> None:
        handlers = {
            events.SYNC: self._synced,
            events.NEW_TASK: self._ring,
            events.KILL: self._kill,
            events.RUN_STATUS_CHANGED: self._changed,
            events.EXPIRED_TOKEN: self._rejected,
            events.INVALID_TOKEN: self._rejected,
            "disconnect": self._ended,
        }
        for event, handler in handlers.items():
            client.on(event, handler, namespace=NAMESPACE)

    async def _synced(self, *_: Any) -> None:
        self.welcome.set()
        self._bell.ring(synced=True)

    async def _ring(self, *_: Any) -> None:
        self._bell.ring()

    async def _kill(self, payload: object = None, *_: Any) -> None:
        if kill := kill_of(payload, self._identity()):
            self._bell.kill(kill)

    async def _changed(self, payload: object = None, *_: Any) -> None:
        if isinstance(payload, dict) and isinstance(payload.get("task_id"), int):
            self._bell.task_changed(payload["task_id"])

    async def _rejected(self, *_: Any) -> None:
        await self._session.start_over()
        self.over.set()

    async def _ended(self, *_: Any) -> None:
        self.over.set()


def _stop_if_asked() -> None:
    """Be cancelled now, if that was asked while connecting: `wait_for` of Python 3.11 loses it when all is done."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _within(seconds: float, *happenings: asyncio.Event) -> bool:
    """Wait for the first of several events, at most so long; tell whether one came."""
    waits = [asyncio.ensure_future(happening.wait()) for happening in happenings]
    try:
        done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for wait in waits:
            wait.cancel()
