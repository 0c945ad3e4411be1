"""Live events over a real socket on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hanse_core import events
from hanse_node.uplink import live
from hanse_node.uplink.base import Bell, Identity, Kill, kill_of
from hanse_node.uplink.http import HttpUplink

IDENTITY = Identity(2, "a node", 1, "alpha", 1, encrypted=False)


@contextlib.asynccontextmanager
async def listening(server: Any, make_settings: Any, port: int) -> AsyncIterator[HttpUplink]:
    uplink = HttpUplink(make_settings(port))
    await uplink.connect()
    task = asyncio.create_task(uplink.listen())
    try:
        yield uplink
    finally:
        task.cancel()
        await asyncio.wait({task})
        await uplink.close()


async def heard(server: Any, event: str) -> Any:
    async with asyncio.timeout(10):
        while True:
            for name, data in server.heard:
                if name == event:
                    return data
            await asyncio.sleep(0.01)


async def test_the_bell_rings_for_what_the_server_tells(server: Any, make_settings: Any) -> None:
    async with server.listening() as port, listening(server, make_settings, port) as uplink:
        assert (await uplink.bell.heard(10)).synced
        await heard(server, "ping")
        await server.tell(events.NEW_TASK, {"id": 3, "parent_id": None})
        assert (await uplink.bell.heard(10)).kills == ()
        await server.tell(events.KILL, {"collaboration_id": 1, "kill_list": [{"run_id": 5, "organization_id": 1}]})
        assert (await uplink.bell.heard(10)).kills == (Kill(frozenset({5})),)
        waiting = asyncio.create_task(uplink.bell.task_news(9, 10))
        await asyncio.sleep(0)
        await server.tell(events.RUN_STATUS_CHANGED, {"task_id": 9, "run_id": 1})
        await asyncio.wait_for(waiting, 5)


async def test_what_the_node_tells_arrives(server: Any, make_settings: Any) -> None:
    async with server.listening() as port, listening(server, make_settings, port) as uplink:
        await uplink.bell.heard(10)
        await uplink.emit(events.RUN_LOG, {"run_id": 1, "log": "at work"})
        assert await heard(server, events.RUN_LOG) == {"run_id": 1, "log": "at work"}


async def test_without_a_connection_a_message_is_lost_quietly(make_settings: Any) -> None:
    uplink = HttpUplink(make_settings())
    assert await uplink.emit(events.PING) is None
    await uplink.close()


@pytest.mark.parametrize("verdict", [events.EXPIRED_TOKEN, events.INVALID_TOKEN])
async def test_a_rejected_token_leads_to_a_new_connection_with_another(
    server: Any, make_settings: Any, verdict: str
) -> None:
    server.welcome = verdict
    async with server.listening() as port, listening(server, make_settings, port) as uplink:
        await server.connections(1)
        server.welcome = events.SYNC
        assert (await uplink.bell.heard(10)).synced
    assert len(set(server.handshakes)) == 2


async def test_a_server_that_says_nothing_gets_a_new_token(
    server: Any, make_settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WELCOME_SECONDS", 0.1)
    server.welcome = None
    async with server.listening() as port, listening(server, make_settings, port) as uplink:
        await server.connections(2)
        server.welcome = events.SYNC
        assert (await uplink.bell.heard(10)).synced
    assert len(set(server.handshakes)) >= 2


async def test_the_connection_is_made_again_when_the_server_comes_back(server: Any, make_settings: Any) -> None:
    async with server.listening() as port:
        uplink = HttpUplink(make_settings(port))
        await uplink.connect()
        task = asyncio.create_task(uplink.listen())
        assert (await uplink.bell.heard(10)).synced
    async with server.listening(port):
        assert (await uplink.bell.heard(20)).synced
        task.cancel()
        await asyncio.wait({task})
        await uplink.close()


@pytest.mark.parametrize(
    ("payload", "kill"),
    [
        ({"collaboration_id": 1, "kill_list": [{"run_id": 5, "organization_id": 1}]}, Kill(frozenset({5}))),
        ({"collaboration_id": 1, "kill_list": [{"run_id": 5, "organization_id": 9}]}, Kill(frozenset())),
        ({"collaboration_id": 1, "kill_list": []}, Kill(frozenset())),
        ({"collaboration_id": 1, "node_id": 2}, Kill()),
        ({"collaboration_id": 1, "node_id": 3}, None),
        ({"collaboration_id": 2, "node_id": 2}, None),
        ({"collaboration_id": 1}, None),
        (None, None),
    ],
)
def test_only_our_own_runs_are_killed(payload: Any, kill: Kill | None) -> None:
    assert kill_of(payload, IDENTITY) == kill


async def test_many_rings_are_one_waking_and_kills_are_kept() -> None:
    bell = Bell()
    bell.ring()
    bell.kill(Kill(frozenset({1})))
    bell.kill(Kill())
    heard = await bell.heard(1)
    assert heard.kills == (Kill(frozenset({1})), Kill())
    assert (await bell.heard(0.01)).kills == ()
