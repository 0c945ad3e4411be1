"""Who asks for large values and never reads them holds nothing of the server for long."""

import os
import socket as sockets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hanse_server.settings import Settings
from hanse_server.settings.stores import StoreSettings
from hanse_web.arrivals import Arrivals

SIZE = 24 << 20
"""More than the system takes off our hands on both sides of a connection."""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    stores = {name: StoreSettings(folder=tmp_path / f"store-{name}") for name in ("blobs", "large_result_store")}
    return settings.model_copy(update=stores)


@pytest.fixture
def readers(tmp_path: Path) -> Any:
    """Count the files of values that are open in this process."""

    def count() -> int:
        found = 0
        for file in Path("/proc/self/fd").iterdir():
            try:
                found += os.readlink(file).startswith(str(tmp_path / "store-"))
            except FileNotFoundError:
                continue
        return found

    return count


@pytest.fixture
async def result(clients: Any, world: Any) -> dict[str, str]:
    """Two runs with large results; gives the path of the one that is a blob, and of the one in a store of ours."""
    alice, node = clients.user("alice"), clients.node("alpha_main")
    paths = {}
    for kind in ("blob", "value"):
        key = (await alice.post("/blobstream", content=b"e30=")).json()["uuid"]
        body = {
            "image": "i",
            "collaboration_id": world.main.id,
            "organizations": [{"id": world.alpha.id, "input": key}],
        }
        task = (await alice.post("/task", json=body)).json()
        (run,) = (await clients.runs(task["id"])).values()
        value = "QUFB" * (SIZE // 4)
        if kind == "blob":
            value = (await node.post("/blobstream", content=value.encode())).json()["uuid"]
        ended = await clients.finish("alpha_main", run["id"], result=value)
        assert ended.status_code == 200, ended.text
        paths[kind] = f"/blobstream/{value}" if kind == "blob" else f"/result/{run['id']}"
    return paths


@pytest.mark.parametrize("kind", ["blob", "value"])
async def test_it_is_given_up_and_the_file_closed(
    harbour: Any, world: Any, result: Any, readers: Any, until: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    token = harbour.token("user", world.users["alice"].id)
    head = f"GET /api{result[kind]} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\r\n"
    address = urlsplit(harbour.url)
    before = readers()
    lost: list[Any] = []
    monkeypatch.setattr(Arrivals, "answer_seconds", 0.5)
    monkeypatch.setattr(Arrivals, "give_up", lambda self, cause: (lost.append(cause), self.transport.abort()))
    with sockets.create_connection((address.hostname, address.port)) as client:
        client.sendall(head.encode())
        await until(lambda: readers() > before)
        await until(lambda: lost)
        await until(lambda: readers() == before)
        assert lost == ["its answer is not read"]
