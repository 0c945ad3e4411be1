"""Coupled to an unmodified algorithm store 4.15.2."""

import asyncio
import os
import sys
from typing import Any

import httpx
import pytest

from hanse_server.settings import Settings
from hanse_server.settings.algorithm_stores import AlgorithmStores
from hanse_web.clock import SystemClock

DIGEST = "sha256:" + "cd" * 32

pytestmark = [pytest.mark.needs("uv", "python3.10"), pytest.mark.timeout(300)]


@pytest.fixture
async def image(store_client: httpx.AsyncClient, registry: str) -> str:
    """An image that the store has approved."""
    body = {
        "name": "algo",
        "description": "d",
        "image": f"{registry}/algo:1",
        "partitioning": "horizontal",
        "vantage6_version": "4.15",
        "code_url": "https://code.example",
        "functions": [{"name": "f", "type": "federated", "databases": [], "arguments": []}],
    }
    answer = await store_client.post("/algorithm", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "approved"
    return f"{registry}/algo:1"


async def test_it_is_coupled_used_and_uncoupled(
    clients: Any, world: Any, stock_store: str, own_url: str, image: str, store_client: httpx.AsyncClient, registry: str
) -> None:
    root, alice = clients.user("root"), clients.user("alice")

    body = {"name": "stock", "algorithm_store_url": stock_store, "force": True, "collaboration_id": [world.main.id]}
    coupled = await root.post("/algorithmstore", json=body)
    assert coupled.status_code == 201, coupled.text
    store_id = coupled.json()["id"]

    places = [{"id": world.alpha.id, "input": "e30="}]
    task = {"collaboration_id": world.main.id, "organizations": places, "store_id": store_id}
    made = await alice.post("/task", json={**task, "image": image})
    unknown = await alice.post("/task", json={**task, "image": f"{registry}/other:1"})
    assert made.status_code == 201, made.text
    assert (made.json()["image"], made.json()["algorithm_store"]["id"]) == (f"{image}@{DIGEST}", store_id)
    assert (unknown.status_code, "digest" in unknown.json()["msg"]) == (400, True)

    # What the node's policy asks the store (4.15): whether it knows the image, with the node's own token.
    node = dict(clients.node("alpha_main").headers)
    headers = {"authorization": node["authorization"], "Server-Url": own_url, "Client-Type": "node"}
    asked = await store_client.get("/algorithm", params={"image": made.json()["image"]}, headers=headers)
    assert (asked.status_code, len(asked.json()["data"])) == (200, 1), asked.text

    gone = await root.delete(f"/algorithmstore/{store_id}")
    assert gone.status_code == 200
    assert "may still" not in gone.json()["msg"], gone.text
    assert (await store_client.get("/vantage6-server")).status_code == 403
    assert (await alice.get(f"/task/{made.json()['id']}")).json()["algorithm_store"] is None


async def test_the_token_that_it_gets_is_good_for_nothing_else(
    clients: Any, server: Any, stock_store: str, own_url: str
) -> None:
    """The store finds out who asks by it, and whoever runs the store can do nothing with it."""
    token = server.app.state.pairs.for_store(await _actor(server))
    headers = {"Authorization": f"Bearer {token}", "Server-Url": own_url}
    async with httpx.AsyncClient(base_url=stock_store, headers=headers) as at_store:
        assert (await at_store.get("/algorithm")).status_code == 200
    mine = server.client(token)
    assert {(await mine.get(path)).status_code for path in ("/user", "/organization", "/task")} == {422}


async def _actor(server: Any) -> Any:
    async with server.app.state.works.open(write=False) as work:
        return server.app.state.actor_loaders["user"](work.session, {"sub": 1})


class TestWhereTheOperatorAllowsNothing:
    """A server that may call public stores only."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"algorithm_stores": AlgorithmStores()})

    async def test_a_store_on_this_machine_is_out_of_reach(self, clients: Any, stock_store: str) -> None:
        body = {"name": "stock", "algorithm_store_url": stock_store, "force": True}

        answer = await clients.user("root").post("/algorithmstore", json=body)

        assert answer.status_code == 400
        assert "algorithm_stores.allowed_hosts" in answer.json()["msg"]


class TestByCommand:
    """The command runs beside the server, by the same clock."""

    @pytest.fixture
    def clock(self) -> SystemClock:
        return SystemClock()

    async def test_the_command_couples_and_uncouples_it(
        self, settings: Settings, stock_store: str, own_url: str, store_client: httpx.AsyncClient, world: Any
    ) -> None:
        async def hanse(*arguments: str) -> str:
            where = ["--database", settings.uri, "--server-url", own_url]
            variables = {
                **os.environ,
                "HANSE_SERVER_JWT_SECRET_KEY": str(settings.jwt_secret_text()),
                "HANSE_SERVER_ALGORITHM_STORES__ALLOWED_HOSTS": '["127.0.0.1"]',
            }
            command = [sys.executable, "-m", "hanse_core", "server", "store", *arguments, *where]
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(*command, env=variables, stdout=pipe, stderr=pipe)
            said, wrong = await process.communicate()
            assert process.returncode == 0, wrong.decode()
            return said.decode()

        bare = stock_store.removesuffix("/api")
        assert f"{stock_store} is coupled" in await hanse("add", bare, "--collaboration", str(world.main.id))
        assert (await store_client.get("/vantage6-server")).json()[0]["url"] == own_url

        said = await hanse("remove", bare)

        assert "is deleted" in said
        assert "may still" not in said
        assert (await store_client.get("/vantage6-server")).status_code == 403
