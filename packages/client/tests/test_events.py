"""Waiting on live events, against a real Socket.IO server on the loopback interface."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import socketio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hanse import AsyncClient, Client
from hanse_core import events
from hanse_core.protocol import NAMESPACE

SUMMARY: dict[str, Any] = {"collaboration": "lung", "image": "hanse/summary", "method": "summary"}


class LiveServer:
    """The server in memory, with a socket. Tests say what happens once somebody listens."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.tokens: list[str] = []
        self.refuses = False
        self.then: Callable[[Any], None] = lambda _: None
        self.sio = socketio.AsyncServer(async_mode="asgi")
        self.sio.on("connect", self.connected, namespace=NAMESPACE)
        rest = Starlette(routes=[Route("/api/{path:path}", self.rest, methods=["GET", "POST", "PATCH", "DELETE"])])
        app = socketio.ASGIApp(self.sio, rest)
        config = uvicorn.Config(app, log_level="critical", ws="websockets-sansio")
        self.uvicorn = uvicorn.Server(config)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=lambda: asyncio.run(self.uvicorn.serve([self.listener])))

    async def rest(self, request: Request) -> Response:
        asked = httpx.Request(
            request.method, str(request.url), headers=request.headers.raw, content=await request.body()
        )
        self.server.requests.append(asked)
        answer = self.server.answer(asked)
        body = b"".join([chunk async for chunk in answer.stream])
        return Response(body, answer.status_code, media_type=answer.headers.get("Content-Type"))

    async def connected(self, sid: str, environ: dict[str, Any], auth: object = None) -> bool:
        self.tokens.append(environ["HTTP_AUTHORIZATION"])
        asyncio.get_running_loop().call_later(0.2, lambda: self.then(asyncio.get_running_loop()))
        return not self.refuses

    def emit(self, loop: asyncio.AbstractEventLoop, name: str, data: Any = None) -> None:
        self._tasks = getattr(self, "_tasks", [])
        self._tasks.append(loop.create_task(self.sio.emit(name, data, namespace=NAMESPACE)))


@pytest.fixture
def live(server: Any) -> Iterator[LiveServer]:
    live = LiveServer(server)
    live.thread.start()
    yield live
    live.uvicorn.should_exit = True
    live.thread.join(10)
    live.listener.close()


async def waited(mode: str, live: LiveServer, **options: Any) -> list[Any]:
    """Create a task and wait for it; gives the results."""
    if mode == "awaiting":
        async with AsyncClient(live.url, "alice", "Secret.1") as client:
            task = await client.tasks.create(**SUMMARY)
            answers = await client.tasks.wait(task, progress=False, **options)
    else:
        with Client(live.url, "alice", "Secret.1") as blocking:
            task = blocking.tasks.create(**SUMMARY)
            answers = blocking.tasks.wait(task, progress=False, **options)
    return list(answers)


async def test_an_event_wakes_whoever_waits(mode: str, live: LiveServer) -> None:
    def finish(loop: Any) -> None:
        live.emit(loop, events.RUN_LOG, {"run_id": 1, "task_id": 1, "log": "not worth a look"})
        live.server.finish(1, {2: 1, 3: 2, 4: 3})
        live.emit(loop, events.STATUS_UPDATE, {"run_id": 1})

    live.then = finish
    results = await waited(mode, live)
    assert results == [1, 2, 3]
    assert live.tokens == ["Bearer access-1"]
    assert live.server.sent("GET", "task/1/status") == []


async def test_a_token_that_the_socket_refuses_is_renewed(mode: str, live: LiveServer) -> None:
    def refuse_then_finish(loop: Any) -> None:
        if len(live.tokens) == 1:
            live.server.access = 2
            live.emit(loop, events.EXPIRED_TOKEN)
        else:
            live.server.finish(1, {2: 1, 3: 2, 4: 3})
            live.emit(loop, events.STATUS_UPDATE, {"run_id": 1})

    live.then = refuse_then_finish
    results = await waited(mode, live)
    assert results == [1, 2, 3]
    assert live.tokens == ["Bearer access-1", "Bearer access-2"]


async def test_events_of_other_computations_do_not_ring(mode: str, live: LiveServer) -> None:
    def mislead(loop: Any) -> None:
        for job_id in range(100, 120):
            live.emit(
                loop, events.RUN_STATUS_CHANGED, {"job_id": job_id, "run_id": 9, "task_id": 9, "status": "active"}
            )

    live.then = mislead
    with pytest.raises(TimeoutError):
        await waited(mode, live, timeout=0.6)
    assert len(live.server.sent("GET", "task/1")) == 3


async def test_where_no_socket_answers_the_held_status_is_used(mode: str, live: LiveServer) -> None:
    live.refuses = True
    live.server.on_status = lambda id: live.server.finish(id, {2: 1, 3: 2, 4: 3})
    results = await waited(mode, live)
    assert results == [1, 2, 3]
    assert len(live.server.sent("GET", "task/1/status")) == 1
