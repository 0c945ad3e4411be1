"""Large inputs and results: as blobs or within answers, whole after a broken connection, and not held twice."""

from __future__ import annotations

import base64
import json
import tracemalloc
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hanse_core.crypto import envelope, keys
from hanse_core.crypto.streams import BlobPayload, Opener
from hanse_core.errors import Invalid, Unavailable

LARGE = {"text": "x" * 100_000}
TASK = {"collaboration": "lung", "image": "hanse/summary", "method": "summary", "organizations": ["alpha"]}


@pytest.fixture(scope="module")
def own() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


async def test_an_input_is_uploaded_where_the_server_says_so(client: Any, server: Any) -> None:
    server.blobs = {}
    await client.tasks.create(**{**TASK, "organizations": ["alpha", "beta"]}, arguments=LARGE)
    body = json.loads(server.sent("POST", "task")[0].content)
    texts = [server.blobs[each["input"]] for each in body["organizations"]]
    assert len(texts) == len(server.blobs) == 2
    assert json.loads(base64.b64decode(texts[0]))["kwargs"] == LARGE
    await client.tasks.create(**TASK)
    assert len(server.sent("GET", "blobstream/status")) == 1


async def test_an_input_is_sealed_as_a_blob(client: Any, server: Any, own: rsa.RSAPrivateKey) -> None:
    server.blobs = {}
    for each in server.organizations.values():
        each["public_key"] = keys.publish(own)
    await client.setup_encryption(own)
    await client.tasks.create(**{**TASK, "collaboration": "secure"}, arguments=LARGE)
    (blob,) = server.blobs.values()
    opener = Opener(own, is_blob=True)
    assert json.loads(opener.feed(blob) + opener.finish())["kwargs"] == LARGE


async def test_an_organization_without_a_key_is_named(client: Any, server: Any, own: rsa.RSAPrivateKey) -> None:
    server.blobs = {}
    server.organizations[2]["public_key"] = keys.publish(own)
    await client.setup_encryption(own)
    with pytest.raises(Invalid, match=r"beta: .*not published"):
        await client.tasks.create(**{**TASK, "collaboration": "secure", "organizations": ["beta"]})


async def test_an_upload_begins_anew_when_the_connection_breaks(client: Any, server: Any) -> None:
    server.blobs = {}
    await client.session.has_blobs()
    server.faults = [None, None, httpx.WriteError("broken pipe")]
    await client.tasks.create(**TASK, arguments=LARGE)
    assert len(server.sent("POST", "blobstream")) == 2


async def test_a_download_goes_on_where_it_broke_off(client: Any, server: Any) -> None:
    server.blobs = {}
    task = await client.tasks.create(**TASK)
    server.finish(task.id, {2: LARGE})
    server.cuts = [50_000, 30_000, 0]
    assert (await client.tasks.results(task)).result == LARGE
    downloads = [each for each in server.requests if each.url.path.startswith("/api/blobstream/0")]
    assert [each.headers.get("Range") for each in downloads] == [None, "bytes=50000-", "bytes=80000-", "bytes=80000-"]


async def test_a_server_without_ranges_sends_all_again(client: Any, server: Any) -> None:
    server.blobs, server.knows_ranges = {}, False
    task = await client.tasks.create(**TASK)
    server.finish(task.id, {2: LARGE})
    server.cuts = [50_000]
    assert (await client.tasks.results(task)).result == LARGE


async def test_a_connection_that_always_breaks_is_given_up(connect: Any, server: Any) -> None:
    server.blobs = {}
    client = connect(retry_for=0.3)
    task = await _call(client.tasks.create, **TASK)
    server.finish(task.id, {2: LARGE})
    server.cuts = [1000] + [0] * 100
    with pytest.raises(Unavailable, match="again and again"):
        await _call(client.tasks.results, task)
    await _call(client.close)


async def test_a_sealed_result_is_opened_as_it_comes(client: Any, server: Any, own: rsa.RSAPrivateKey) -> None:
    server.blobs = {}
    task = await client.tasks.create(**TASK)
    server.finish(task.id, {2: 1})
    key = server.results[1]
    server.blobs[key] = b"".join(BlobPayload(json.dumps(LARGE).encode(), own.public_key()).pieces())
    with pytest.raises(Invalid, match="setup_encryption"):
        await client.tasks.results(task)
    server.organizations[2]["public_key"] = keys.publish(own)
    await client.setup_encryption(own)
    assert (await client.tasks.results(task)).result == LARGE


async def test_the_name_of_a_blob_leads_nowhere_else(client: Any, server: Any) -> None:
    server.blobs = {}
    task = await client.tasks.create(**TASK)
    server.finish(task.id, {2: 1})
    server.results[1] = "../user/7"
    with pytest.raises(Invalid, match="not the name of a blob"):
        await client.tasks.results(task)
    assert server.sent("GET", "user/7") == []


@pytest.mark.parametrize("variant", ["clear", "sealed", "sealed by the web interface"])
async def test_a_long_result_within_the_answer_is_opened(
    client: Any, server: Any, own: rsa.RSAPrivateKey, variant: str
) -> None:
    task = await client.tasks.create(**{**TASK, "organizations": ["alpha", "beta"]})
    server.organizations[2]["public_key"] = keys.publish(own)
    await client.setup_encryption(own)
    plain = json.dumps(LARGE).encode()
    text = {
        "clear": LARGE,
        "sealed": envelope.seal(plain, own.public_key()),
        "sealed by the web interface": envelope.seal(base64.b64encode(plain), own.public_key()),
    }[variant]
    server.finish(task.id, {2: text, 3: 5})
    assert (await client.tasks.results(task)).by_organization == {"alpha": LARGE, "beta": 5}


async def test_a_result_cannot_pass_for_another(client: Any, server: Any) -> None:
    task = await client.tasks.create(**{**TASK, "organizations": ["alpha", "beta"]})
    server.finish(task.id, {2: LARGE, 3: 1})
    server.results[2] = "0"
    with pytest.raises(Invalid, match="not base64"):
        await client.tasks.results(task)


async def test_a_large_result_is_not_held_twice(client: Any, server: Any) -> None:
    size = 8 << 20
    task = await client.tasks.create(**TASK)
    server.finish(task.id, {2: 1})
    body = json.dumps(
        {"data": [{"id": 1, "result": "@", "blob_storage_used": False, "cleanup_at": None,
                   "task": v4_link("task", 1), "run": v4_link("run", 1)}], "links": {}}
    ).encode().split(b"@")  # fmt: skip
    piece = base64.b64encode(b"x" * 48_000)
    pieces = [body[0], *[piece] * (size // 48_000), body[1]]
    await client.runs.list(task_id=1)
    # Who the members are and the runs come first; then the results.
    server.faults = [None, None, None, httpx.Response(200, stream=v4_held(pieces))]
    tracemalloc.start()
    try:
        (result,) = await client.tasks.results(1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result == b"x" * len(result)
    assert len(result) > size * 0.99
    assert peak < size * 2.3


def v4_link(kind: str, id: int) -> Any:
    return {"id": id, "link": f"/api/{kind}/{id}", "methods": ["GET"]}


def v4_held(pieces: list[bytes]) -> Any:
    import sys

    return sys.modules["v4"].Held(pieces)


async def _call(operation: Any, *args: Any, **kwargs: Any) -> Any:
    given = operation(*args, **kwargs)
    return await given if hasattr(given, "__await__") else given
