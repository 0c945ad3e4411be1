"""Sockets end, or hear something else, when the rights behind them do."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hanse_server.live import namespace as namespace_module
from hanse_server.live.server import Live

PASSWORD = "Correct-horse-1"


@pytest.fixture
def live(harbour: Any) -> Live:
    part: Live = harbour.app.state.live
    assert part.namespace is not None
    part.namespace.refused_seconds = 0.05
    return part


@pytest.fixture
def log_in(harbour: Any, world: Any) -> Any:
    async def do() -> str:
        body = {"username": "alice", "password": PASSWORD}
        async with harbour.client() as client:
            token: str = (await client.post("/token/user", json=body)).json()["access_token"]
        return token

    return do


async def entered(harbour: Any, token: str) -> Any:
    listener = await harbour.connect(token)
    await listener.hears("message", 2)
    return listener


async def test_logging_out_ends_the_sockets_of_that_session_only(harbour: Any, live: Live, log_in: Any) -> None:
    here, there = await log_in(), await log_in()
    left, stays = await entered(harbour, here), await entered(harbour, there)
    async with harbour.client(here) as client:
        assert (await client.post("/token/revoke")).status_code == 200
    await left.hears("disconnect")
    assert [name for name, _ in left.heard][-2:] == ["invalid_token", "disconnect"]
    assert stays.client.connected


async def test_a_new_password_ends_all_sockets(harbour: Any, live: Live, log_in: Any) -> None:
    token = await log_in()
    listeners = [await entered(harbour, token), await entered(harbour, await log_in())]
    body = {"current_password": PASSWORD, "new_password": "Better-horse-2"}
    async with harbour.client(token) as client:
        assert (await client.patch("/password/change", json=body)).status_code == 200
    for listener in listeners:
        await listener.hears("disconnect")


async def test_a_socket_outlives_its_token_by_a_moment_and_a_node_comes_back_with_the_next(
    harbour: Any, live: Live, world: Any, clock: Any
) -> None:
    assert live.namespace is not None
    pairs = harbour.app.state.pairs
    old = pairs.for_node(world.alpha_main.id, 0)
    alpha = await entered(harbour, old.access_token)
    clock.moment += timedelta(hours=6, seconds=59)
    await live.namespace.review()
    assert alpha.client.connected
    clock.moment += timedelta(seconds=1)
    await live.namespace.review()
    await alpha.hears("disconnect")
    assert [name for name, _ in alpha.heard][-2:] == ["expired_token", "disconnect"]

    async with harbour.client(old.refresh_token) as client:
        renewed = (await client.post("/token/refresh")).json()
    again = await entered(harbour, renewed["access_token"])
    assert again.data_of("sync") == [None]


async def test_who_loses_the_right_to_hear_a_collaboration_hears_it_no_more(
    harbour: Any, live: Live, world: Any, clients: Any
) -> None:
    alice = await harbour.user(world.users["alice"])
    bob = await harbour.user(world.users["bob"])
    alpha = await harbour.node(world.alpha_main)
    key = world.users["alice"].id
    assert (await clients.user("root").patch(f"/user/{key}", json={"roles": []})).status_code == 200
    await bob.hears("message", 5)  # two of its own, one of the node, two of alice
    assert f"alice left room collaboration_{world.main.id}" in bob.data_of("message")
    await clients.task("carl")
    await bob.hears("new_task")
    await alpha.hears("new_task")
    assert alice.data_of("new_task") == []
    assert alice.client.connected


async def test_users_of_an_organization_that_leaves_a_collaboration_leave_its_room(
    harbour: Any, live: Live, world: Any, clients: Any
) -> None:
    alice, bob = await harbour.user(world.users["alice"]), await harbour.user(world.users["bob"])
    path = f"/collaboration/{world.main.id}/organization"
    gone = await clients.user("root").request("DELETE", path, json={"id": world.beta.id})
    assert gone.status_code == 200
    await alice.hears("message", 5)
    assert f"bob left room collaboration_{world.main.id}" in alice.data_of("message")
    assert bob.client.connected
    await clients.task(organizations="alpha")
    await alice.hears("new_task")
    assert bob.data_of("new_task") == []


async def test_a_new_collaboration_is_heard_without_connecting_again(
    harbour: Any, live: Live, world: Any, clients: Any, make: Any
) -> None:
    rita = await harbour.connect(harbour.token("user", make.user("rita", world.alpha, roles=["Root"]).id))
    await rita.hears("message", 3)
    body = {"name": "newer", "organization_ids": [world.gamma.id], "encrypted": False}
    made = (await clients.user("root").post("/collaboration", json=body)).json()
    await rita.hears("message", 4)
    assert rita.data_of("message")[-1] == f"User <rita> joined room <collaboration_{made['id']}>"


async def test_between_the_reason_and_the_end_a_socket_hears_and_says_nothing(
    harbour: Any, live: Live, world: Any, clients: Any
) -> None:
    assert live.namespace is not None
    live.namespace.refused_seconds = 60
    alpha, beta = await harbour.node(world.alpha_main), await harbour.node(world.beta_main)
    task = await clients.task()
    await alpha.hears("new_task")
    run = (await clients.runs(task["id"]))[world.alpha.id]
    assert (await clients.user("root").post("/recover/node", json={"id": world.alpha_main.id})).status_code == 200
    await alpha.hears("invalid_token")
    await clients.task()
    await beta.hears("new_task", 2)
    await alpha.tell("algorithm_log", {"run_id": run["id"], "log": "too late"})
    await alpha.tell("ping")
    await beta.tell("ping")
    assert len(alpha.data_of("new_task")) == 1
    assert (await clients.runs(task["id"]))[world.alpha.id]["log"] in (None, "")
    await harbour.app.state.live.drain()


async def test_of_very_many_sockets_of_one_identity_the_oldest_is_closed(
    harbour: Any, live: Live, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespace_module, "MOST_SOCKETS", 2)
    listeners = [await harbour.node(world.alpha_main) for _ in range(3)]
    await listeners[0].hears("disconnect")
    assert [listener.client.connected for listener in listeners] == [False, True, True]
    assert listeners[0].data_of("invalid_token") == []


async def test_a_transport_that_joins_nothing_is_closed(harbour: Any, live: Live, world: Any) -> None:
    alpha = await harbour.node(world.alpha_main)
    async with httpx.AsyncClient(base_url=harbour.url) as raw:
        await raw.get("/socket.io/", params={"EIO": "4", "transport": "polling"})
        assert [await live.cut_strangers() for _ in range(4)] == [0, 0, 1, 0]
    assert alpha.client.connected


@pytest.mark.parametrize("transports", [("polling",), ("websocket",), ("polling", "websocket")])
async def test_when_the_server_stops_stock_peers_look_for_the_next_one_by_themselves(
    harbour: Any, live: Live, world: Any, transports: tuple[str, ...]
) -> None:
    """The library of stock nodes comes back from a fault of the network, but never once it is told of an end."""
    token = harbour.token("node", world.alpha_main.id)
    node = await harbour.connect(token, transports, reconnection=True, reconnection_delay=0.01)
    await node.hears("message", 2)
    await live.drain()
    await node.hears("disconnect")
    await node.hears("message", 4)  # welcomed again, here by the same server


async def test_a_peer_that_polls_and_leaves_is_not_kept_until_its_poll_runs_out(harbour: Any, world: Any) -> None:
    node = await harbour.connect(harbour.token("node", world.alpha_main.id), ("polling",))
    await node.hears("message", 2)
    async with asyncio.timeout(10):  # a held poll lasts for the interval of pings and then some
        await node.client.disconnect()
    await node.hears("disconnect")
