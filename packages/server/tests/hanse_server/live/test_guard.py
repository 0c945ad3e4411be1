"""Odd messages on sockets: each ends its socket at most, and nothing reaches the log whole."""

import json
from typing import Any

import aiohttp
import httpx
import pytest
from structlog.testing import capture_logs

from hanse_server.live.guard import guarded

JOIN = "40/tasks,"
ODD = [
    b"\x00\x01",
    "",
    "x",
    "7",
    "4",
    "49",
    '43/tasks,1["ack"]',
    '451-/tasks,["algorithm_log",{"_placeholder":true,"num":0}]',
    '4599999999-/tasks,["algorithm_log"]',
    '46/tasks,1["x"]',
    "42/tasks,",
    "42/tasks,{}",
    "42/tasks,[]",
    "42/tasks,[1]",
    '42/tasks,[{"a":1}]',
    "42/tasks,[null]",
    '42/tasks,["connect",{"HTTP_AUTHORIZATION":"Bearer x"}]',
    '42/tasks,["disconnect"]',
    "42/tasks,[broken",
    "42/tasks," + "[" * 200_000,
    "4" + "[" * 200_000,
    "42/tasks," + "9" * 200,
    '42/tasks,["ping","' + "x" * 1_000_000 + '"]',
]
IGNORED = [
    '42/tasks,["unknown_event",1,2,3]',
    '42/tasks,["ping",1,{}]',
    '42/tasks,["algorithm_log"]',
    '42/tasks,["algorithm_log",[1]]',
    '42/tasks,["algorithm_log",{"run_id":1180591620717411303424,"log":"x"}]',
    '42/tasks,["algorithm_log",{"run_id":1,"log":"\\ud800"}]',
    '42/tasks,["node_info_update",{"a":"\\ud800"}]',
    '42/tasks,["node_info_update",{"a":{"b":{"c":[[[]]]}}}]',
    '42/tasks,["algorithm_status_change",{"run_id":true,"status":{}}]',
    '42/other,["ping"]',
    '427["ping"]',
]


async def opened(harbour: Any, session: aiohttp.ClientSession, token: str) -> aiohttp.ClientWebSocketResponse:
    headers = {"Authorization": f"Bearer {token}"}
    socket = await session.ws_connect(f"{harbour.url}/socket.io/?EIO=4&transport=websocket", headers=headers)
    await socket.receive_str()
    await socket.send_str(JOIN)
    while "joined room" not in await socket.receive_str():
        pass
    return socket


@pytest.mark.parametrize("frame", ODD, ids=[str(number) for number in range(len(ODD))])
async def test_an_odd_message_ends_its_socket_and_nothing_else(harbour: Any, world: Any, frame: str | bytes) -> None:
    with capture_logs() as logs:
        async with aiohttp.ClientSession() as session:
            socket = await opened(harbour, session, harbour.token("node", world.alpha_main.id))
            await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_str(frame))
            async for _ in socket:
                pass
            assert socket.closed
    assert {entry["log_level"] for entry in logs} <= {"info", "debug"}
    assert not [entry for entry in logs if "exc_info" in entry]
    other = await harbour.node(world.beta_main)
    assert other.client.connected


@pytest.mark.parametrize("frame", IGNORED, ids=[str(number) for number in range(len(IGNORED))])
async def test_what_means_nothing_is_ignored(harbour: Any, world: Any, clients: Any, frame: str) -> None:
    await clients.task(organizations="alpha")
    async with aiohttp.ClientSession() as session:
        socket = await opened(harbour, session, harbour.token("node", world.alpha_main.id))
        await socket.send_str(frame)
        await socket.send_str('42/tasks,9["ping"]')
        heard = ""
        while not heard.startswith("43/tasks,9"):
            heard = await socket.receive_str()
        assert not socket.closed
        await socket.close()


@pytest.mark.parametrize("frame", ["45" + "1-/tasks," + json.dumps(["x"]), "bAAEC", "42/tasks,[1]", "\x1e" * 40])
async def test_by_polling_it_is_the_same(harbour: Any, world: Any, frame: str) -> None:
    headers = {"Authorization": f"Bearer {harbour.token('node', world.alpha_main.id)}"}
    async with httpx.AsyncClient(base_url=harbour.url, headers=headers) as raw:
        query = {"EIO": "4", "transport": "polling"}
        query["sid"] = (await raw.get("/socket.io/", params=query)).text.split('"')[3]
        await raw.post("/socket.io/", params=query, content=JOIN)
        answer = await raw.post("/socket.io/", params=query, content=frame)
        assert answer.status_code in (200, 400)
        assert (await raw.get("/socket.io/", params=query)).status_code in (200, 400)
    await harbour.app.state.live.drain()


async def test_a_fault_of_the_library_is_an_answer() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("what a peer sent")

    sent: dict[str, list[Any]] = {"http": [], "websocket": []}
    for kind, messages in sent.items():

        async def send(message: Any, messages: list[Any] = messages) -> None:
            messages.append(message)

        with capture_logs() as logs:
            await guarded(broken)({"type": kind}, _nothing, send)
        assert [(entry["event"], entry["error"]) for entry in logs] == [("socket-request-refused", "RuntimeError")]
    assert sent["http"][0]["status"] == 400
    assert sent["websocket"] == [{"type": "websocket.close", "code": 1003}]


async def _nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}
