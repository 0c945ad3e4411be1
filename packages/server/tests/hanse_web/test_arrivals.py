"""Connections that send their requests slowly or never, and those that only wait."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from hanse_server.serving import configure, listen
from hanse_web.arrivals import Arrivals

PERIODS = 3
"""How many times the deadline passes while something is held."""


class Quick(Arrivals):
    seconds = 0.1
    bytes_least = 2_000
    most = 5


class App:
    """Answers `/held` when it is released, `/body` with the length of the body, and echoes on a WebSocket."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.is_reading = asyncio.Event()
        self.left: list[str] = []
        self.judged: asyncio.Queue[None] = asyncio.Queue()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await self.released.wait()
            await send({"type": "websocket.send", "text": "still here"})
            await receive()
            return
        if scope["path"] == "/held":
            await self.released.wait()
        length = await self._read(receive) if scope["path"] == "/body" else 0
        if length is None:
            self.left.append(scope["path"])
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
        await send({"type": "http.response.body", "body": b"%06d" % length})

    async def _read(self, receive: Any) -> int | None:
        length, more = 0, True
        while more:
            await self.is_reading.wait()
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            length, more = length + len(message["body"]), message["more_body"]
        return length


@asynccontextmanager
async def served(app: App) -> AsyncIterator[int]:
    class Told(Quick):
        def _judge(self) -> None:
            super()._judge()
            app.judged.put_nowait(None)

    socket = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, http=Told, lifespan="off", log_config=None))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup([socket])
    try:
        yield socket.getsockname()[1]
    finally:
        app.released.set()
        await server.shutdown([socket])


@pytest.fixture
async def app() -> App:
    app = App()
    app.is_reading.set()
    return app


@pytest.fixture
async def port(app: App) -> AsyncIterator[int]:
    async with served(app) as port:
        yield port


class Caller:
    """A connection of which every byte is in our hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def trickle(self, drop: bytes) -> bytes:
        """Send a little, again and again, until the server gives this connection up; gives what it answered."""
        ended = asyncio.create_task(self.end())
        with suppress(ConnectionError):
            while not ended.done():
                await self.send(drop)
                await asyncio.wait({ended}, timeout=Quick.seconds / 5)
        return await ended

    async def end(self) -> bytes:
        """Read to the end, which comes when the server gives this connection up."""
        with suppress(ConnectionError):
            return await self.reader.read()
        return b""


@asynccontextmanager
async def calling(port: int, *parts: bytes) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    caller = Caller(reader, writer)
    try:
        for part in parts:
            await caller.send(part)
        yield caller
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def periods(port: int) -> None:
    """Wait until the deadline has passed a few times: silent connections end one after the other."""
    for _ in range(PERIODS):
        async with calling(port) as silent:
            assert await silent.end() == b""


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET /now HTTP/1.1\r\nHost: h\r\n", b"GET /now HTTP/1.1\r\nHost: h\r\n\r\nGET /now HTTP/1.1\r\n"],
    ids=["nothing", "half a head", "half of a second head"],
)
async def test_a_request_whose_head_does_not_arrive_is_given_up(port: int, begun: bytes) -> None:
    async with calling(port, begun) as slow:
        assert (await slow.end()).count(b"HTTP/1.1 200") == begun.count(b"\r\n\r\n")


async def test_a_head_that_goes_on_trickling_is_given_up(port: int) -> None:
    async with calling(port, b"GET /now HTTP/1.1\r\n") as slow:
        assert await slow.trickle(b"a: b\r\n") == b""


async def test_a_body_that_trickles_is_given_up_and_the_handler_is_told(app: App, port: int) -> None:
    async with calling(port, b"POST /body HTTP/1.1\r\nContent-Length: 9000\r\n\r\n") as slow:
        assert await slow.trickle(b"a") == b""
    assert app.left == ["/body"]


async def test_a_body_may_take_many_periods_if_enough_of_it_arrives_in_each(app: App, port: int) -> None:
    async with calling(port, b"POST /body HTTP/1.1\r\nContent-Length: 16000\r\n\r\n") as steady:
        for _ in range(PERIODS):
            await steady.send(b"a" * 4000)
            await app.judged.get()
        await steady.send(b"a" * 4000)
        assert await steady.reader.readuntil(b"016000")


async def test_a_body_that_waits_for_our_handler_is_not_given_up(app: App, port: int) -> None:
    app.is_reading.clear()
    length = 900_000
    async with calling(port, b"POST /body HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % length) as client:
        sending = asyncio.create_task(client.send(b"a" * length))
        await periods(port)
        app.is_reading.set()
        await sending
        assert await client.reader.readuntil(b"900000")


async def test_a_body_that_waits_for_our_leave_is_not_given_up(app: App, port: int) -> None:
    app.is_reading.clear()
    head = b"POST /body HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    async with calling(port, head) as polite:
        await periods(port)
        app.is_reading.set()
        assert await polite.reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        await polite.send(b"abc")
        assert await polite.reader.readuntil(b"000003")


async def test_a_request_that_is_held_is_answered(app: App, port: int) -> None:
    async with calling(port, b"GET /held HTTP/1.1\r\nHost: h\r\n\r\n") as waiting:
        await periods(port)
        app.released.set()
        assert await waiting.reader.readuntil(b"000000")


async def test_a_websocket_stays(app: App, port: int) -> None:
    key = base64.b64encode(b"0" * 16)
    head = b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    async with calling(port, head + b"Sec-WebSocket-Key: " + key + b"\r\n\r\n") as socket:
        assert (await socket.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        await periods(port)
        app.released.set()
        assert await socket.reader.readuntil(b"still here")


async def test_one_connection_too_many_is_ended_and_makes_room_by_that(app: App, port: int) -> None:
    held = b"GET /held HTTP/1.1\r\nHost: h\r\n\r\n"
    async with calling(port, held) as first, calling(port, held), calling(port, held), calling(port, held):
        async with calling(port, held) as fifth:
            async with calling(port) as sixth:
                with suppress(ConnectionError):
                    await sixth.send(held)  # which no deadline would end
                assert await sixth.end() == b""
            app.released.set()
            assert await fifth.reader.readuntil(b"000000")
        assert await first.reader.readuntil(b"000000")
        async with calling(port, b"GET /now HTTP/1.1\r\nHost: h\r\n\r\n") as another:
            assert await another.reader.readuntil(b"000000")


def test_the_server_listens_in_this_way() -> None:
    config = configure(FastAPI())
    config.load()
    assert config.http_protocol_class is Arrivals
