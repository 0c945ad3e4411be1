"""An algorithm store in this process, reached by names and addresses of the test's own."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hanse_server.settings import Settings
from hanse_web.outbound import Destinations, Outbound

STORE = "https://store.example/api"
OWN_URL = "https://hanse.example/api"
DIGEST = "sha256:" + "ab" * 32
NAMES = {
    "store.example": ["8.8.8.8"],
    "store.cotopaxi.vantage6.ai": ["8.8.8.8"],
    "other.example": ["2001:4860:4860::8888", "8.8.4.4"],
}


@dataclass
class Store:
    """A store that does what a stock one does, or, where told so, something worse."""

    servers: list[dict[str, Any]] = field(default_factory=list)
    images: dict[str, Any] = field(default_factory=dict)
    """What is found by an image's name."""
    policy: str = "whitelisted"
    allows: bool = True
    instead: Response | None = None
    """What it answers, whatever it is asked."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    hanse: Any = None
    """The server that it asks about tokens."""

    async def note(self, request: Request) -> None:
        self.calls.append((request.method, request.url.path))
        self.headers.append(request.headers)
        self.bodies.append(await request.body())

    async def knows_caller(self, request: Request) -> bool:
        client: httpx.AsyncClient = self.hanse.client()
        headers = {"Authorization": request.headers["authorization"]}
        return (await client.post("/token/user/validate", headers=headers)).status_code == 200

    async def handle(self, request: Request) -> Response:
        await self.note(request)
        if self.instead is not None:
            return self.instead
        if request.url.path == "/api/version":
            return JSONResponse({"version": "4.15.2"})
        if request.url.path == "/api/policy/public":
            return JSONResponse({"algorithm_view": self.policy, "allowed_servers": "all"})
        if self.policy != "public" and not await self.knows_caller(request):
            return JSONResponse({"msg": "Token is not valid"}, status_code=401)
        if request.url.path == "/api/algorithm":
            row = self.images.get(request.query_params["image"])
            return JSONResponse({"data": [row] if row else [], "links": {}})
        return await self._server(request)

    async def _server(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse(self.servers)
        if request.method == "DELETE":
            self.servers = [row for row in self.servers if row["id"] != request.path_params["key"]]
            return JSONResponse({"msg": "deleted"})
        if not self.allows:
            return JSONResponse({"msg": "this server is not wanted here"}, status_code=403)
        url = (await request.json())["url"]
        if any(row["url"] == url for row in self.servers):
            return JSONResponse({"msg": "already"}, status_code=208)
        self.servers.append({"id": len(self.servers) + 1, "url": url, "users": ""})
        return JSONResponse(self.servers[-1], status_code=201)

    def app(self) -> Starlette:
        every = ["GET", "POST", "DELETE"]
        paths = (
            "/api/version",
            "/api/policy/public",
            "/api/algorithm",
            "/api/vantage6-server",
            "/api/vantage6-server/{key:int}",
        )
        return Starlette(routes=[Route(path, self.handle, methods=every) for path in paths])


async def look_up(host: str, port: int) -> Sequence[str]:
    """Know a few names; addresses stand for themselves."""
    if host in NAMES:
        return NAMES[host]
    if host.replace(".", "").isdigit() or ":" in host:
        return [host]
    raise OSError("unknown name")


@pytest.fixture
def store() -> Store:
    """The store behind every public address."""
    return Store(images={"algo:1": {"image": "registry.example/algo:1", "digest": DIGEST, "status": "approved"}})


@pytest.fixture
def outbound(store: Store) -> Outbound:
    return Outbound(Destinations(), seconds=5, resolver=look_up, transport=httpx.ASGITransport(store.app()))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"server_url": "https://hanse.example"})


@pytest.fixture(autouse=True)
def _connected(store: Store, server: Any) -> None:
    store.hanse = server


@pytest.fixture
def couple(clients: Any) -> Any:
    """Couple the store, as root unless said otherwise; gives the item."""

    async def do(user: str = "root", status: int = 201, **fields: Any) -> dict[str, Any]:
        body = {"name": "st", "algorithm_store_url": STORE, **fields}
        answer = await clients.user(user).post("/algorithmstore", json=body)
        assert answer.status_code == status, answer.text
        made: dict[str, Any] = answer.json()
        return made

    return do


@pytest.fixture
def opens_nothing_else(server: Any) -> Callable[[Mapping[str, str]], Awaitable[None]]:
    """Check that with the token that a store was sent it can ask whose it is, and do nothing else."""

    async def check(headers: Mapping[str, str]) -> None:
        client: httpx.AsyncClient = server.client(headers["authorization"].removeprefix("Bearer "))
        assert (await client.post("/token/user/validate")).status_code == 200
        assert (await client.get("/organization")).status_code == 422
        assert (await client.post("/token/node/validate")).status_code in (401, 403, 422)

    return check


REDIRECT = RedirectResponse("https://10.0.0.1/secrets")
