"""A small v4 server: REST for one node, and live events, on loopback."""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import socketio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from hanse_node.settings import Settings

KEY = "1f0c8b7a-0000-4000-8000-000000000000"


def token(serial: int, exp: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": 2, "exp": exp, "n": serial}).encode()).rstrip(b"=")
    return f"e30.{claims.decode()}.x{serial}"


class FakeServer:
    """Answers what a node asks; a test looks at `asked` and changes what it answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.bodies: list[Any] = []
        self.serial = 0
        self.life = 3600.0
        self.valid: set[str] = set()
        self.refreshable = True
        self.key = KEY
        self.runs: list[dict[str, Any]] = []
        self.collaboration: Any = {"id": 1, "link": "", "methods": []}
        self.public_key = ""
        self.patch_answer = (200, {"id": 1})
        self.heard: list[tuple[str, Any]] = []
        self.sids: list[str] = []
        self.handshakes: list[str] = []
        self.shaken = asyncio.Condition()
        self.welcome: str | None = "sync"
        self.blob = b""
        self.has_blobs: bool | None = None
        """None: it has no such address, as servers of before 4.12."""
        self.uploaded = 0
        """Bytes of all blobs that were taken."""
        self.knows_ranges = True
        self.ranges: list[str | None] = []
        self.cut: int | None = None
        """After so many bytes of the next blob the connection breaks."""
        self.socket = socketio.AsyncServer(async_mode="asgi")
        self._listen()
        self.app = socketio.ASGIApp(self.socket, self._rest())

    def issue(self) -> dict[str, str]:
        self.serial += 1
        access = token(self.serial, time.time() + self.life)
        self.valid = {access}
        return {
            "access_token": access,
            "refresh_token": f"r{self.serial}",
            "refresh_url": "/api/token/refresh",
            "node_url": "/api/node/2",
        }

    def _rest(self) -> Starlette:
        routes = [
            Route("/api/token/node", self.login, methods=["POST"]),
            Route("/api/token/refresh", self.refresh, methods=["POST"]),
            Route("/api/{rest:path}", self.rest, methods=["GET", "POST", "PATCH"]),
        ]
        return Starlette(routes=routes)

    async def login(self, request: Request) -> Response:
        self.asked.append("login")
        body = await request.json()
        return JSONResponse(self.issue()) if body["api_key"] == self.key else JSONResponse({"msg": "wrong"}, 401)

    async def refresh(self, request: Request) -> Response:
        self.asked.append("refresh")
        ok = self.refreshable and request.headers["authorization"] == f"Bearer r{self.serial}"
        return JSONResponse(self.issue()) if ok else JSONResponse({"msg": "expired"}, 401)

    async def rest(self, request: Request) -> Response:
        path = request.path_params["rest"]
        self.asked.append(f"{request.method} {path}")
        if path != "version" and request.headers["authorization"].removeprefix("Bearer ") not in self.valid:
            return JSONResponse({"msg": "the token has expired"}, 401)
        if request.method == "POST" and path == "blobstream":
            async for piece in request.stream():
                self.uploaded += len(piece)
            return JSONResponse({"uuid": "b2"}, 201)
        if request.method != "GET":
            self.bodies.append(await request.json())
        return self.answer(request, path)

    def answer(self, request: Request, path: str) -> Response:
        organization = {"id": 1, "name": "alpha", "public_key": self.public_key}
        node = {"id": 2, "name": "a node", "collaboration": self.collaboration, "organization": {"id": 1}}
        fixed: dict[str, Any] = {
            "GET version": {"version": "4.15.2", "hanse": "0.3.0"},
            "GET node/2": node,
            "GET organization/1": organization,
            "PATCH organization/1": organization,
            "GET collaboration/1": {"id": 1, "encrypted": False},
            "GET run/1": {"id": 1, "finished_at": None},
            "POST token/container": {"container_token": "c"},
        }
        if f"{request.method} {path}" == "PATCH run/1":
            return JSONResponse(self.patch_answer[1], self.patch_answer[0])
        if path == "run":
            return self.page(request)
        if path == "blobstream/status":
            known = self.has_blobs is not None
            return JSONResponse({"blob_store_enabled": self.has_blobs} if known else {}, 200 if known else 404)
        if path.startswith("blobstream/"):
            return self.stream(request)
        body = fixed.get(f"{request.method} {path}")
        return JSONResponse(body or {"msg": f"no {path}"}, 200 if body else 404)

    def stream(self, request: Request) -> Response:
        wanted = request.headers.get("range")
        self.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.knows_ranges else 0
        if wanted and start >= len(self.blob):
            return Response(status_code=416)
        cut, self.cut = self.cut, None

        async def pieces() -> AsyncIterator[bytes]:
            yield self.blob[start : None if cut is None else start + cut]
            if cut is not None:
                raise ConnectionError("cut")

        length = {"Content-Length": str(len(self.blob) - start)}
        return StreamingResponse(pieces(), 206 if start else 200, length)

    def page(self, request: Request) -> Response:
        number, size = int(request.query_params["page"]), int(request.query_params["per_page"])
        some = self.runs[(number - 1) * size : number * size]
        links = {"next": "more"} if number * size < len(self.runs) else {}
        return JSONResponse({"data": some, "links": links})

    def _listen(self) -> None:
        async def connect(sid: str, environ: dict[str, Any], *_: Any) -> None:
            async with self.shaken:
                self.handshakes.append(environ["HTTP_AUTHORIZATION"].removeprefix("Bearer "))
                self.shaken.notify_all()
            self.sids.append(sid)
            if self.welcome:
                await self.socket.emit(self.welcome, to=sid, namespace="/tasks")

        def hearing(event: str) -> Any:
            async def hear(sid: str, *data: Any) -> None:
                self.heard.append((event, data[0] if data else None))

            return hear

        self.socket.on("connect", connect, namespace="/tasks")
        for event in ("ping", "node_info_update", "algorithm_status_change", "algorithm_log"):
            self.socket.on(event, hearing(event), namespace="/tasks")

    async def connections(self, count: int) -> None:
        """Return once so many connections have been tried."""
        async with asyncio.timeout(10), self.shaken:
            await self.shaken.wait_for(lambda: len(self.handshakes) >= count)

    async def tell(self, event: str, data: Any = None) -> None:
        await self.socket.emit(event, data, namespace="/tasks")

    @contextlib.asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[int]:
        """Serve on loopback; give the port."""
        config = uvicorn.Config(self.app, host="127.0.0.1", port=port, log_config=None, lifespan="off", ws="wsproto")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve())
        while not server.started:  # noqa: ASYNC110  (uvicorn has no event for it)
            await asyncio.sleep(0.01)
        try:
            yield server.servers[0].sockets[0].getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            await serving


SELECTED = {"query": "select 1", "preprocessing": [{"function": "f"}]}


def item(run_id: int) -> dict[str, Any]:
    link = {"id": 1, "link": "/api/x/1", "methods": []}
    task = {
        "id": 20, "name": "t", "image": "hanse/summary", "job_id": 17, "parent": None, "init_org": link,
        "init_user": {**link, "id": 7}, "algorithm_store": None,
        "databases": [{"label": "default", "parameters": json.dumps(SELECTED)}],
    }  # fmt: skip
    return {"id": run_id, "input": "e30=", "status": "pending", "blob_storage_used": False, "task": task}


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def make_item() -> Any:
    return item


@pytest.fixture
def make_settings(tmp_path: Path) -> Any:
    def make(port: int = 5000, **more: Any) -> Settings:
        given = {"name": "n", "api_key": KEY, "server_url": "http://127.0.0.1", "port": port, "directory": "/tmp/h"}
        return Settings.model_validate({**given, **more})

    return make
