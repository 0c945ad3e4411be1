"""A proxy on real Unix sockets, in front of a fake server."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from hanse_core.crypto import keys
from hanse_node.messages import Answer, Forward
from hanse_node.proxy import tokens
from hanse_node.proxy.relay import ServedRun
from hanse_node.proxy.sockets import Proxy
from hanse_node.settings import Encryption
from hanse_node.uplink.memory import MemoryUplink
from hanse_node.vault import Vault

SECRET = b"s" * 32


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return status, {"content-type": "application/json", **(headers or {})}, json.dumps(body).encode()


class Served:
    """One run on its socket, and what it can do there."""

    def __init__(self, proxy: Proxy, uplink: MemoryUplink, folder: Path) -> None:
        self.proxy = proxy
        self.uplink = uplink
        self.folder = folder
        self.tokens: dict[int, str] = {}

    def answer(self, handler: Callable[[Forward], Answer]) -> None:
        self.uplink.handler = handler

    async def open(self, run_id: int = 1, server_token: str | None = "e30.e30.server") -> None:
        token = tokens.issue(SECRET, run_id, await self.uplink.container_token(run_id, "hanse/summary"))
        self.tokens[run_id] = token
        (self.folder / str(run_id)).mkdir(exist_ok=True)
        await self.proxy.open(ServedRun(run_id, run_id, "hanse/summary", token), self.path(run_id), server_token)

    def path(self, run_id: int) -> Path:
        return self.folder / str(run_id) / "s"

    @contextlib.asynccontextmanager
    async def client(self, run_id: int = 1, token: str | None = "own") -> AsyncIterator[httpx.AsyncClient]:
        given = self.tokens[run_id] if token == "own" else token
        headers = {"Authorization": f"Bearer {given}"} if given else {}
        transport = httpx.AsyncHTTPTransport(uds=str(self.path(run_id)))
        async with httpx.AsyncClient(transport=transport, base_url="http://proxy", headers=headers) as client:
            yield client

    async def ask(self, method: str, path: str, *, run_id: int = 1, token: str | None = "own", **more: Any) -> Any:
        async with self.client(run_id, token) as client:
            return await client.request(method, path, **more)


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="h"))
    yield folder
    shutil.rmtree(folder)


@contextlib.asynccontextmanager
async def _serving(vault: Vault, folder: Path) -> AsyncIterator[Served]:
    uplink = MemoryUplink()
    proxy = Proxy(uplink, vault, 1, SECRET, uplink.bell.task_news)
    served = Served(proxy, uplink, folder)
    await served.open()
    yield served
    await proxy.close_all()


@pytest.fixture
async def served(folder: Path) -> AsyncIterator[Served]:
    async with _serving(Vault(Encryption()), folder) as served:
        yield served


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "private_key.pem"
    path.write_bytes(keys.private_to_pem(keys.generate()))
    return path


@pytest.fixture
async def sealed(folder: Path, key_file: Path) -> AsyncIterator[tuple[Served, Vault]]:
    vault = Vault(Encryption(enabled=True, private_key=key_file))
    async with _serving(vault, folder) as served:
        yield served, vault


@pytest.fixture
async def pinned(folder: Path, key_file: Path) -> AsyncIterator[Served]:
    """An encrypted station that notes the keys of partners."""
    vault = Vault(Encryption(enabled=True, private_key=key_file), folder / "keys.json")
    async with _serving(vault, folder) as served:
        yield served
