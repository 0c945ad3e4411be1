"""Answers that are not read, and those that are read slowly; by a server in a thread, with the loop of production."""

import queue
import socket as sockets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from hanse_server.serving import listen
from hanse_web.arrivals import Arrivals

PIECE = b"a" * 50_000
PERIODS = 3
KERNEL = 8192
"""Bytes that the system may hold on each side, so that little is out of our hands; it takes them as a hint."""
PATIENCE = 30


class App:
    """Answers with so many pieces as the path says: `/stream/20`, or as one: `/whole/20`."""

    def __init__(self) -> None:
        self.ended: queue.Queue[None] = queue.Queue()
        self.judged: queue.Queue[None] = queue.Queue()
        self.lost: queue.Queue[None] = queue.Queue()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        _, way, count = scope["path"].split("/")
        pieces = [PIECE] * int(count) if way == "stream" else [PIECE * int(count)]
        length = b"%d" % sum(map(len, pieces))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        self.ended.put_nowait(None)


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def address(app: App) -> Iterator[tuple[str, int]]:
    class Told(Arrivals):
        answer_seconds = 0.2
        answer_bytes_least = 20_000

        def _judge_reader(self) -> None:
            super()._judge_reader()
            app.judged.put_nowait(None)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            app.lost.put_nowait(None)

    socket = listen("127.0.0.1", 0)
    socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, KERNEL)
    options: dict[str, Any] = {"http": Told, "lifespan": "off", "log_config": None, "timeout_keep_alive": 0}
    server = uvicorn.Server(uvicorn.Config(app, **options))
    thread = threading.Thread(target=server.run, args=([socket],))
    thread.start()
    yield socket.getsockname()
    server.should_exit = True
    thread.join(PATIENCE)
    socket.close()


@contextmanager
def calling(address: tuple[str, int], request: str, *more: str) -> Iterator[sockets.socket]:
    """Send a request, and read nothing."""
    with sockets.socket() as client:
        client.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, KERNEL)
        client.settimeout(PATIENCE)
        client.connect(address)
        client.sendall("\r\n".join([f"GET {request} HTTP/1.1", "Host: h", *more, "", ""]).encode())
        yield client


def read(client: sockets.socket, least: int) -> int:
    """Read so much, or all that there is until the end; gives how much it was."""
    count = 0
    try:
        while count < least and (part := client.recv(1 << 16)):
            count += len(part)
    except ConnectionResetError:
        pass
    return count


@pytest.mark.parametrize("way", ["stream", "whole"])
def test_an_answer_that_nobody_reads_is_given_up_and_its_handler_ends(
    address: tuple[str, int], app: App, way: str
) -> None:
    with calling(address, f"/{way}/40") as client:
        app.lost.get(timeout=PATIENCE)
        app.ended.get(timeout=PATIENCE)
        assert read(client, 1 << 30) < 10 * len(PIECE)


@pytest.mark.parametrize("more", [(), ("Connection: close",)], ids=["kept alive", "closed"])
def test_the_last_bytes_of_an_answer_that_nobody_reads_hold_no_connection(
    address: tuple[str, int], app: App, more: tuple[str, ...]
) -> None:
    with calling(address, "/whole/1", *more):
        app.ended.get(timeout=PATIENCE)
        app.lost.get(timeout=PATIENCE)
        assert app.judged.qsize() == 1


def test_who_stops_reading_in_the_middle_is_given_up(address: tuple[str, int], app: App) -> None:
    with calling(address, "/stream/100") as client:
        assert read(client, 10 * len(PIECE))
        app.lost.get(timeout=PATIENCE)
        assert read(client, 1 << 30) < 80 * len(PIECE)


def test_an_answer_may_take_many_periods_if_enough_of_it_is_read_in_each(address: tuple[str, int], app: App) -> None:
    count = 80
    with calling(address, f"/whole/{count}") as client:
        taken = 0
        for _ in range(PERIODS):
            taken += read(client, 10 * len(PIECE))
            app.judged.get(timeout=PATIENCE)
        taken += read(client, count * len(PIECE) - taken)
        assert taken >= count * len(PIECE)
