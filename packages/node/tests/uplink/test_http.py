"""The REST side of the uplink against a small server in this process."""

import asyncio
import os
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.responses import Response as StarletteResponse
from structlog.testing import capture_logs

from hanse_core.crypto.streams import Writer
from hanse_core.errors import Invalid, NotFound
from hanse_node import blobs
from hanse_node.errors import CannotStart, Unreachable, WrongKey
from hanse_node.messages import Forward
from hanse_node.offers import DatabaseChoice, Offer
from hanse_node.uplink.base import Identity
from hanse_node.uplink.http import HttpUplink
from hanse_node.uplink.transport import Response
from waiting import until


@pytest.fixture
async def uplink(server: Any, make_settings: Any) -> AsyncIterator[HttpUplink]:
    async with server.listening() as port:
        uplink = HttpUplink(make_settings(port))
        yield uplink
        await uplink.close()


async def test_a_node_learns_who_it_is(server: Any, uplink: HttpUplink) -> None:
    assert await uplink.connect() == Identity(2, "a node", 1, "alpha", 1, encrypted=False)
    assert uplink.repeatable
    assert server.asked[0] == "login"


async def test_a_wrong_key_is_not_tried_again(server: Any, uplink: HttpUplink) -> None:
    server.key = "another"
    with pytest.raises(WrongKey, match="API key"):
        await uplink.connect()
    assert server.asked == ["login"]


async def test_a_node_without_collaboration_cannot_start(server: Any, uplink: HttpUplink) -> None:
    server.collaboration = None
    with pytest.raises(CannotStart, match="no collaboration"):
        await uplink.connect()


async def test_a_server_that_is_down_is_waited_for(server: Any, make_settings: Any) -> None:
    async with server.listening() as port:
        pass
    uplink = HttpUplink(make_settings(port))
    with capture_logs() as logs:
        connecting = asyncio.create_task(uplink.connect())
        await until(lambda: [line for line in logs if line["event"] == "server_unreachable"])
    assert not connecting.done()
    async with server.listening(port):
        assert (await connecting).name == "a node"
        await uplink.close()


async def test_open_runs_are_read_over_all_pages(server: Any, uplink: HttpUplink, make_item: Any) -> None:
    server.runs = [make_item(run_id) for run_id in range(250, 0, -1)]
    await uplink.connect()
    offers = await uplink.open_runs()
    assert len(offers) == 250
    choice = DatabaseChoice("default", query="select 1", preprocessing='[{"function": "f"}]')
    assert offers[-1] == Offer(1, 20, 17, "hanse/summary", "e30=", 1, 7, None, (choice,))


async def test_a_run_that_cannot_be_read_does_not_hide_the_others(
    server: Any, uplink: HttpUplink, make_item: Any
) -> None:
    server.runs = [{"id": 2, "task": None}, make_item(1)]
    await uplink.connect()
    assert [offer.run_id for offer in await uplink.open_runs()] == [1]


async def test_an_old_token_is_refreshed_before_it_ends(server: Any, uplink: HttpUplink) -> None:
    server.life = 0.0
    await uplink.connect()
    server.asked.clear()
    server.life = 3600.0
    await uplink.is_open(1)
    assert server.asked == ["refresh", "GET run/1"]


async def test_a_rejected_token_is_replaced_and_the_request_repeated(server: Any, uplink: HttpUplink) -> None:
    await uplink.connect()
    server.valid = set()
    server.asked.clear()
    assert await uplink.is_open(1)
    assert server.asked == ["GET run/1", "refresh", "GET run/1"]


async def test_the_key_serves_when_the_refresh_token_has_ended_too(server: Any, uplink: HttpUplink) -> None:
    await uplink.connect()
    server.valid, server.refreshable = set(), False
    server.asked.clear()
    assert await uplink.is_open(1)
    assert server.asked == ["GET run/1", "refresh", "login", "GET run/1"]


async def test_a_denial_is_not_answered_with_a_new_token(server: Any, uplink: HttpUplink) -> None:
    await uplink.connect()
    server.patch_answer = (401, {"msg": "not yours", "code": "denied"})
    server.asked.clear()
    with pytest.raises(Exception, match="not yours"):
        await uplink.report(1, {"status": "active"})
    assert server.asked == ["PATCH run/1"]


async def test_the_reason_of_a_refusal_comes_through(server: Any, uplink: HttpUplink) -> None:
    await uplink.connect()
    server.patch_answer = (400, {"msg": "run is already finished"})
    with pytest.raises(Invalid, match="already finished"):
        await uplink.report(1, {"status": "active"})
    assert server.bodies == [{"status": "active"}]
    with pytest.raises(NotFound):
        await uplink.organization(77)


async def test_a_run_that_is_gone_is_not_open(uplink: HttpUplink) -> None:
    await uplink.connect()
    assert await uplink.is_open(1)
    assert not await uplink.is_open(55)


async def test_public_keys_are_asked_for_once_a_minute(server: Any, uplink: HttpUplink) -> None:
    await uplink.connect()
    server.asked.clear()
    await uplink.organization(1)
    await uplink.organization(1)
    assert server.asked == []
    await uplink.publish_key("key")
    assert server.bodies == [{"public_key": "key"}]


async def test_requests_of_algorithms_carry_their_own_token(server: Any, uplink: HttpUplink) -> None:
    await uplink.connect()
    status, headers, body = await uplink.forward(Forward("GET", "/organization/1", token=next(iter(server.valid))))
    assert (status, headers["content-type"]) == (200, "application/json")
    assert b"alpha" in body
    assert (await uplink.forward(Forward("GET", "/organization/1", token="other")))[0] == 401
    assert await uplink.container_token(20, "hanse/summary") == "c"


async def test_no_answer_tells_whether_the_request_may_have_arrived(make_settings: Any) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    for behaviour in (cut, silent):
        listener = await asyncio.start_server(behaviour, "127.0.0.1")
        uplink = HttpUplink(make_settings(listener.sockets[0].getsockname()[1]))
        with pytest.raises(Unreachable) as caught:
            await uplink.forward(Forward("GET", "/version"), patience=0.2)
        assert caught.value.sent
        listener.close()
        await uplink.close()

    uplink = HttpUplink(make_settings(1))
    with pytest.raises(Unreachable) as refused:
        await uplink.forward(Forward("GET", "/version"))
    assert not refused.value.sent
    await uplink.close()


async def test_something_that_is_not_a_server_is_named(make_settings: Any) -> None:
    class Page:
        async def request(self, *_: Any, **__: Any) -> Response:
            return Response(200, {}, b'{"hello": "world"}')

        async def close(self) -> None:
            return None

    with pytest.raises(Unreachable, match="not a Hanse server"):
        await HttpUplink(make_settings(), Page()).connect(wait=False)


async def _downloaded(uplink: HttpUplink, start: int = 0) -> bytes:
    return b"".join([piece async for piece in uplink.download("b1", start)])


@pytest.mark.parametrize("knows_ranges", [True, False])
async def test_a_blob_is_read_from_where_it_broke_off(server: Any, uplink: HttpUplink, knows_ranges: bool) -> None:
    server.blob, server.knows_ranges = bytes(range(256)) * 4000, knows_ranges
    await uplink.connect()
    server.cut, pieces = 500_000, uplink.download("b1")
    received = [await anext(pieces)]
    with pytest.raises(Unreachable):
        received += [piece async for piece in pieces]
    first = len(received[0])
    assert 0 < first <= 500_000
    assert received[0] + await _downloaded(uplink, first) == server.blob
    assert server.ranges[0] is None
    assert server.ranges[1] is not None


async def test_nothing_is_left_of_a_blob_that_was_read(server: Any, uplink: HttpUplink) -> None:
    server.blob = b"all"
    await uplink.connect()
    assert await _downloaded(uplink, 3) == b""


async def test_a_blob_is_asked_for_with_a_new_token_when_the_old_one_is_rejected(
    server: Any, uplink: HttpUplink
) -> None:
    server.blob = b"all"
    await uplink.connect()
    server.valid = set()
    assert await _downloaded(uplink) == b"all"


async def test_a_blob_that_nobody_has_is_not_found(server: Any, uplink: HttpUplink) -> None:
    await uplink.connect()
    server.stream = lambda request: StarletteResponse(status_code=404)
    with pytest.raises(NotFound):
        await _downloaded(uplink)


async def test_a_large_result_is_sealed_and_uploaded_in_constant_memory(
    server: Any, uplink: HttpUplink, tmp_path: Path
) -> None:
    size = 500_000_000
    output, blob = tmp_path / "output", tmp_path / "blob"
    output.touch()
    os.truncate(output, size)
    await uplink.connect()
    server.valid = set()  # So that it begins with a token that is no longer taken.
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    tracemalloc.start()
    try:
        with output.open("rb") as plain:
            written = blobs.write(plain, Writer(key), blob)
        assert await uplink.upload(blob) == "b2"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        blob.unlink()
    assert server.uploaded == written > size
    assert peak < 20_000_000


@pytest.mark.parametrize("said", [None, False, True])
async def test_the_server_says_whether_results_are_to_be_uploaded(
    server: Any, uplink: HttpUplink, said: bool | None
) -> None:
    server.has_blobs = said
    await uplink.connect()
    assert uplink.has_blobs == bool(said)
