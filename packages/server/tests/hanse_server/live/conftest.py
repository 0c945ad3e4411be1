"""The server on a real port of this machine, and sockets to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx
import pytest
import socketio
import uvicorn
from fastapi import FastAPI

from hanse_core.protocol import NAMESPACE
from hanse_server.main import create_app
from hanse_server.settings import Settings
from hanse_web.arrivals import Arrivals
from hanse_web.clock import FixedClock

Heard = tuple[str, Any]
SERVING: dict[str, Any] = {
    "http": Arrivals, "port": 0, "log_config": None, "lifespan": "on", "timeout_graceful_shutdown": 1,
}  # fmt: skip


@dataclass
class Listener:
    """One socket of one identity, and what it heard."""

    client: socketio.AsyncClient
    session: aiohttp.ClientSession
    heard: list[Heard] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def hears(self, name: str, times: int = 1) -> Any:
        """Wait until an event was heard so many times; gives the data of the last."""
        async with self.news:
            await self.news.wait_for(lambda: len(self.data_of(name)) >= times)
        return self.data_of(name)[-1]

    def data_of(self, name: str) -> list[Any]:
        return [data for event, data in self.heard if event == name]

    async def tell(self, name: str, data: Any = None) -> None:
        await self.client.emit(name, data, namespace=NAMESPACE)

    async def leave(self) -> None:
        await self.client.disconnect()
        await self.session.close()


class Harbour:
    """A server that listens."""

    def __init__(self, app: FastAPI, port: int) -> None:
        self.app = app
        self.url = f"http://127.0.0.1:{port}"
        self.listeners: list[Listener] = []

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """Give a client that reaches the application without the network, as those of other tests do."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://hanse.test/api", headers=headers)

    def token(self, identity: str, subject: Any, **claims: Any) -> str:
        token: str = self.app.state.tokens.issue(subject, identity, **claims)
        return token

    async def connect(
        self, token: str | None, transports: tuple[str, ...] = ("polling", "websocket"), **client: Any
    ) -> Listener:
        """Open a socket as stock nodes do: the token in the header of the handshake."""
        session = aiohttp.ClientSession()
        listener = Listener(socketio.AsyncClient(**{"reconnection": False, **client}, http_session=session), session)

        async def note(event: str, *data: Any) -> None:
            async with listener.news:
                listener.heard.append((event, data[0] if data else None))
                listener.news.notify_all()

        async def gone(*_: Any) -> None:
            await note("disconnect")

        listener.client.on("*", note, namespace=NAMESPACE)
        listener.client.on("disconnect", gone, namespace=NAMESPACE)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        await listener.client.connect(
            self.url,
            headers=headers,
            namespaces=[NAMESPACE],
            transports=list(transports),
            wait_timeout=30,  # not the client's one second, which a busy machine takes
        )
        self.listeners.append(listener)
        return listener

    async def node(self, node: Any) -> Listener:
        """Connect a node and wait until it is let in."""
        listener = await self.connect(self.token("node", node.id))
        await listener.hears("message", 2)
        return listener

    async def user(self, user: Any) -> Listener:
        """Connect a user and wait until it is in its rooms."""
        listener = await self.connect(self.token("user", user.id))
        await listener.hears("message", 2)
        return listener


@pytest.fixture
async def harbour(settings: Settings, clock: FixedClock) -> AsyncIterator[Harbour]:
    """The server with its own event bus, in this process, on a free port."""
    app = create_app(settings, clock=clock)
    server = uvicorn.Server(uvicorn.Config(app, **SERVING))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)  # the library offers nothing to wait for
    harbour = Harbour(app, server.servers[0].sockets[0].getsockname()[1])
    yield harbour
    for listener in harbour.listeners:
        await listener.leave()
    await app.state.live.drain()
    server.should_exit = True
    with contextlib.suppress(asyncio.CancelledError):
        await serving


@pytest.fixture
def server(harbour: Harbour) -> Harbour:
    """Let the clients that other tests use speak to the same application."""
    return harbour
