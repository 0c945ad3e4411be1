"""The v4 blob protocol."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from hanse_server.settings import Settings
from hanse_server.settings.stores import StoreSettings, ValueSettings
from hanse_server.tasks.models import Blob
from hanse_server.tasks.values import Place

from ...recorded import mended

PAYLOAD = b"eyJtZXRob2QiOiAibSJ9"
LIMIT = 1 << 20


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """A server with a blob store; `@pytest.mark.parametrize("settings", [None], indirect=True)` makes one without."""
    store = getattr(request, "param", StoreSettings())
    values = ValueSettings(limit_bytes=LIMIT, unclaimed_bytes=LIMIT)
    return settings.model_copy(update={"large_result_store": store, "values": values})


without_store = pytest.mark.parametrize("settings", [None], indirect=True)


async def upload(client: Any, payload: bytes = PAYLOAD) -> str:
    answer = await client.post("/blobstream", content=payload, headers={"Content-Type": "application/octet-stream"})
    assert answer.status_code == 201, answer.text
    uuid: str = answer.json()["uuid"]
    return uuid


async def create(client: Any, world: Any, *inputs: str, **fields: Any) -> Any:
    places = zip((world.alpha, world.beta), inputs, strict=False)
    organizations = [{"id": place.id, "input": text} for place, text in places]
    body = {"collaboration_id": world.main.id, "image": "i", "organizations": organizations, **fields}
    return await client.post("/task", json=body)


async def stored(server: Any) -> set[str]:
    return {found.key async for found in server.app.state.values.stores[Place.BLOBS].list()}


@pytest.fixture
async def run(clients: Any, world: Any) -> dict[str, Any]:
    """A run of alpha with an uploaded input."""
    uuid = await upload(clients.user("alice"))
    answer = await create(clients.user("alice"), world, uuid)
    assert answer.status_code == 201, answer.text
    runs = await clients.runs(answer.json()["id"])
    found: dict[str, Any] = runs[world.alpha.id]
    return found


@pytest.mark.replays("51")
@without_store
async def test_without_a_store_all_is_answered_as_recorded(clients: Any, recording: Any, answers_like: Any) -> None:
    status, posted, got = recording("51")
    alice = clients.user("alice")
    answers_like(await alice.get("/blobstream/status"), status)
    assert (await alice.get("/blobstream/status")).json() == {"blob_store_enabled": False}
    answers_like(await alice.post("/blobstream", content=b"abc"), posted)
    answers_like(await alice.get("/blobstream/abc"), got)


@pytest.mark.replays("80")
@pytest.mark.replays("81")
@pytest.mark.replays("82")
async def test_a_task_is_made_and_finished_as_recorded(
    clients: Any, world: Any, recording: Any, answers_like: Any
) -> None:
    alice, node = clients.user("alice"), clients.node("alpha_main")
    organization, status, uploaded, created = recording("80")
    answers_like(await alice.get(f"/organization/{world.alpha.id}"), organization)
    answers_like(await alice.get("/blobstream/status"), status)
    answer = await alice.post("/blobstream", content=PAYLOAD, headers={"X-Public-Key": "bm9uZQ=="})
    answers_like(answer, uploaded)
    answers_like(await create(alice, world, answer.json()["uuid"], name="b", databases=[]), created)

    listing, download, started, token, receiver, status, second, final = map(mended, recording("81"))
    listed = await node.get("/run", params={"state": "open", "node_id": world.alpha_main.id, "include": "task"})
    answers_like(listed, listing)
    (run,) = listed.json()["data"]
    assert (run["blob_storage_used"], run["input"]) == (True, answer.json()["uuid"])
    loaded = await node.get(f"/blobstream/{run['input']}")
    assert (loaded.status_code, loaded.content) == (200, PAYLOAD)
    assert loaded.headers["content-type"] == download["response"]["headers"]["Content-Type"]
    assert loaded.headers["content-disposition"] == f"attachment; filename=result_{run['input']}.bin"

    run_path = f"/run/{run['id']}"
    answers_like(await node.patch(run_path, json=started["request"]["body"]), started)
    asking = {"task_id": run["task"]["id"], "image": run["task"]["image"]}
    answers_like(await node.post("/token/container", json=asking), token)
    answers_like(await node.get(f"/organization/{world.alpha.id}"), receiver)
    answers_like(await node.get("/blobstream/status"), status)
    answer = await node.post("/blobstream", content=second["request"]["body"].encode())
    answers_like(answer, second)
    uuid = answer.json()["uuid"]
    answer = await node.patch(run_path, json={**final["request"]["body"], "result": uuid})
    answers_like(answer, final)
    assert answer.json()["blob_storage_used"] is True
    results, bytes_of = recording("82")
    listed = await alice.get("/result", params={"task_id": run["task"]["id"]})
    answers_like(listed, mended(results))
    (result,) = listed.json()["data"]
    assert (result["result"], result["blob_storage_used"]) == (uuid, True)
    given = await alice.get(f"/blobstream/{uuid}")
    answers_like(given, bytes_of | {"response": bytes_of["response"] | {"body": None}})
    assert given.content == b64decode(bytes_of["response"]["body"]["__base64__"])


@pytest.mark.replays("83")
async def test_refusals_are_as_recorded(clients: Any, world: Any, run: Any, recording: Any, answers_like: Any) -> None:
    viewer, unknown, no_uuid, ended, status = recording("83")
    answers_like(await clients.user("bob").post("/blobstream", content=b"x"), viewer)
    answers_like(await clients.user("alice").get(unknown["request"]["path"].removeprefix("/api")), unknown)
    answers_like(await create(clients.user("alice"), world, "e30="), no_uuid, more=frozenset({"errors"}))
    container = await clients.container("alpha_main", run["task"]["id"], "i")
    answers_like(await container.get("/blobstream/status"), status)
    assert (await clients.finish("alpha_main", run["id"], result=None)).status_code in (200, 400)
    await clients.node("alpha_main").patch(
        f"/run/{run['id']}", json={"status": "completed", "finished_at": "2026-03-01T11:59:59.5"}
    )
    answers_like(await container.post("/blobstream", content=b"x"), ended)


async def test_a_container_uploads_the_input_of_its_subtask(clients: Any, world: Any, run: Any) -> None:
    container = await clients.container("alpha_main", run["task"]["id"], "i")
    uuid = await upload(container)
    node_uploaded = await upload(clients.node("alpha_main"))
    assert (await create(container, world, node_uploaded)).status_code == 400
    made = await create(container, world, uuid)
    assert made.status_code == 201, made.text
    assert (await clients.node("alpha_main").get(f"/blobstream/{uuid}")).content == PAYLOAD


async def test_only_who_uploaded_a_blob_may_use_it_and_only_once(clients: Any, world: Any) -> None:
    alice, carl = clients.user("alice"), clients.user("carl")
    uuid = await upload(alice)
    assert (await create(carl, world, uuid)).status_code == 400
    assert (await create(alice, world, uuid, uuid)).status_code == 400
    assert (await create(alice, world, uuid)).status_code == 201
    assert (await create(alice, world, uuid)).status_code == 400
    assert len((await clients.user("root").get("/task")).json()["data"]) == 1


async def test_a_result_must_be_the_nodes_own_upload(clients: Any, world: Any, run: Any) -> None:
    foreign = await upload(clients.node("beta_main"))
    assert (await clients.finish("alpha_main", run["id"], result=foreign)).status_code == 400
    assert (await clients.finish("alpha_main", run["id"], result=run["input"])).status_code == 400
    own = await upload(clients.node("alpha_main"))
    assert (await clients.finish("alpha_main", run["id"], result=own)).status_code == 200
    assert (await clients.finish("alpha_main", run["id"], result=own)).status_code == 200


async def test_a_result_inside_of_the_request_is_taken_and_said_to_be_one(clients: Any, run: Any) -> None:
    assert (await clients.finish("alpha_main", run["id"], result="e30=")).status_code == 200
    result = (await clients.user("alice").get(f"/result/{run['id']}")).json()
    assert (result["result"], result["blob_storage_used"]) == ("e30=", False)


async def test_nobody_sees_what_is_not_theirs(clients: Any, run: Any) -> None:
    unclaimed = await upload(clients.user("alice"))
    for client, key in (
        (clients.user("gary"), run["input"]),
        (clients.node("gamma_other"), run["input"]),
        (clients.user("alice"), unclaimed),
        (clients.user("root"), unclaimed),
    ):
        assert (await client.get(f"/blobstream/{key}")).status_code == 404
    assert (await clients.user("bob").get(f"/blobstream/{run['input']}")).status_code == 200


async def test_values_that_are_not_blobs_cannot_be_had_as_such(clients: Any, world: Any, session: Any) -> None:
    text = "QUFB" * 30_000
    node = clients.node("alpha_main")
    uuid = await upload(clients.user("alice"))
    task = (await create(clients.user("alice"), world, uuid)).json()
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    assert (await clients.finish("alpha_main", run_id, result=text)).status_code == 200
    key = session.query(Blob).filter(Blob.field == "result").one().key
    assert (await node.get(f"/blobstream/{key}")).status_code == 404
    assert (await node.get(f"/result/{run_id}")).json()["result"] == text


@pytest.mark.parametrize(
    ("header", "status", "content", "content_range"),
    [
        ("bytes=0-3", 206, PAYLOAD[:4], "bytes 0-3/20"),
        ("bytes=5-", 206, PAYLOAD[5:], "bytes 5-19/20"),
        ("bytes=-4", 206, PAYLOAD[-4:], "bytes 16-19/20"),
        ("bytes=18-400", 206, PAYLOAD[18:], "bytes 18-19/20"),
        ("bytes=20-", 416, b"", "bytes */20"),
        ("bytes=-0", 416, b"", "bytes */20"),
        ("bytes=0-1,4-5", 200, PAYLOAD, None),
        ("bytes=7-3", 200, PAYLOAD, None),
        ("lines=1-2", 200, PAYLOAD, None),
    ],
)
async def test_a_download_is_resumed_where_it_broke_off(
    clients: Any, run: Any, header: str, status: int, content: bytes, content_range: str | None
) -> None:
    answer = await clients.node("alpha_main").get(f"/blobstream/{run['input']}", headers={"Range": header})
    assert (answer.status_code, answer.content, answer.headers.get("content-range")) == (status, content, content_range)
    assert answer.headers["accept-ranges"] == "bytes"


async def test_a_range_of_another_version_gives_all(clients: Any, run: Any) -> None:
    node, path = clients.node("alpha_main"), f"/blobstream/{run['input']}"
    tag = (await node.get(path)).headers["etag"]
    for condition, status in ((tag, 206), ('"other"', 200)):
        answer = await node.get(path, headers={"Range": "bytes=0-1", "If-Range": condition})
        assert answer.status_code == status


async def test_an_empty_blob_is_a_blob(clients: Any, run: Any) -> None:
    uuid = await upload(clients.node("alpha_main"), b"")
    assert (await clients.finish("alpha_main", run["id"], result=uuid)).status_code == 200
    assert (await clients.user("alice").get(f"/blobstream/{uuid}")).content == b""


async def test_an_upload_has_a_limit(clients: Any, server: Any) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 10_000

    answer = await clients.user("alice").post("/blobstream", content=endless())
    assert answer.status_code == 413
    assert await stored(server) == set()


async def test_nobody_can_fill_the_store_with_what_they_do_not_use(clients: Any, world: Any) -> None:
    alice = clients.user("alice")
    first = await upload(alice, b"x" * (LIMIT - 10))
    await upload(alice, b"x" * 20)
    assert (await alice.post("/blobstream", content=b"x")).status_code == 413
    await upload(clients.user("carl"))
    assert (await create(alice, world, first)).status_code == 201
    await upload(alice)


async def test_nor_by_uploading_much_at_the_same_time(clients: Any, world: Any, server: Any) -> None:
    begun, goes_on = [asyncio.Event(), asyncio.Event()], asyncio.Event()

    async def slow(is_begun: asyncio.Event) -> AsyncIterator[bytes]:
        yield b"x" * (LIMIT // 2)
        is_begun.set()
        await goes_on.wait()

    async def send(content: Any) -> int:
        answer = await clients.user("alice").post("/blobstream", content=content)
        return int(answer.status_code)

    async with asyncio.TaskGroup() as group:
        sent = [group.create_task(send(slow(event))) for event in begun]
        for event in begun:
            await event.wait()
        assert await send(b"x") == 413, "what is under way counts, too"
        await upload(clients.user("carl"))
        goes_on.set()
    assert [task.result() for task in sent] == [201, 201]
    assert len(await stored(server)) == 3


async def test_what_nobody_used_expires(clients: Any, world: Any, server: Any, clock: Any) -> None:
    alice = clients.user("alice")
    used, unused = await upload(alice), await upload(alice)
    assert (await create(alice, world, used)).status_code == 201
    await server.app.state.janitor.sweep()
    assert await stored(server) == {used, unused}
    clock.moment += timedelta(hours=25)
    await server.app.state.janitor.sweep()
    assert await stored(server) == {used}
    assert (await create(alice, world, unused)).status_code == 400


async def test_blobs_go_with_their_task(clients: Any, run: Any, server: Any, session: Any) -> None:
    result = await upload(clients.node("alpha_main"))
    await clients.finish("alpha_main", run["id"], result=result)
    assert await stored(server) == {run["input"], result}
    assert (await clients.user("root").delete(f"/task/{run['task']['id']}")).status_code == 200
    await server.app.state.janitor.sweep()
    assert await stored(server) == set()
    assert session.query(Blob).count() == 0


async def test_a_blob_that_is_lost_is_not_found(clients: Any, run: Any, server: Any) -> None:
    await server.app.state.values.stores[Place.BLOBS].delete([run["input"]])
    answer = await clients.node("alpha_main").get(f"/blobstream/{run['input']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
