"""Inputs and results that are too large for the database: kept outside, and nobody notices."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hanse_server.settings import Settings
from hanse_server.settings.stores import ValueSettings
from hanse_server.tasks import intake
from hanse_server.tasks.models import Blob, Run
from hanse_server.tasks.rules import CUT, LOG_LIMIT
from hanse_server.tasks.values import Place
from hanse_web.blobs.memory import MemoryBlobs

LARGE = base64.b64encode(b"x" * 30_000).decode()
OTHER = base64.b64encode(b"y" * 30_000).decode()
LIMIT = 1 << 20


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"values": ValueSettings(inline_bytes=1024, limit_bytes=LIMIT)})


@pytest.fixture
def store(server: Any) -> MemoryBlobs:
    """The store of the server, which counts what is opened."""
    store = MemoryBlobs()
    server.app.state.values.stores = {Place.VALUES: store}
    return store


def _body(world: Any, *inputs: str, **fields: Any) -> dict[str, Any]:
    places = (world.alpha, world.beta)
    organizations = [{"id": place.id, "input": text} for place, text in zip(places, inputs, strict=False)]
    return {"collaboration_id": world.main.id, "image": "i", "organizations": organizations, **fields}


@pytest.fixture
async def large(clients: Any, world: Any, store: MemoryBlobs) -> dict[str, Any]:
    """A task with two large inputs, of which alpha's run has a large result."""
    answer = await clients.user("alice").post("/task", json=_body(world, LARGE, OTHER))
    assert answer.status_code == 201, answer.text
    runs = await clients.runs(answer.json()["id"])
    run_id = runs[world.alpha.id]["id"]
    assert (await clients.finish("alpha_main", run_id, result=LARGE)).status_code == 200
    return {"task": answer.json()["id"], "run": run_id, "other": runs[world.beta.id]["id"]}


async def test_large_values_come_back_as_they_were_sent(clients: Any, world: Any, large: Any) -> None:
    alice, node = clients.user("alice"), clients.node("beta_main")
    assert (await node.get(f"/run/{large['other']}")).json()["input"] == OTHER
    listed = await node.get("/run", params={"state": "open", "node_id": world.beta_main.id, "include": "task"})
    assert [run["input"] for run in listed.json()["data"]] == [OTHER]
    assert listed.headers["total-count"] == "1"
    assert (await alice.get(f"/result/{large['run']}")).json()["result"] == LARGE
    results = (await alice.get("/result", params={"task_id": large["task"]})).json()["data"]
    assert {item["id"]: item["result"] for item in results} == {large["run"]: LARGE, large["other"]: None}
    (task,) = (await alice.get("/task", params={"include": "runs,results"})).json()["data"]
    assert [run["input"] for run in task["runs"]] == [LARGE, OTHER]
    assert [result["result"] for result in task["results"]] == [LARGE, None]
    assert (await alice.get(f"/task/{large['task']}?include=results")).json()["results"][0]["result"] == LARGE


async def test_they_are_not_in_the_database(session: Any, large: Any, store: MemoryBlobs) -> None:
    run = session.get_one(Run, large["run"])
    assert (run.input, run.result, run.blob_storage_used) == (None, None, False)
    assert store.values[run.input_key].decode() == store.values[run.result_key].decode() == LARGE


async def test_lists_open_only_what_they_show(clients: Any, large: Any, store: MemoryBlobs) -> None:
    store.opened.clear()
    await clients.user("alice").get("/task")
    assert store.opened == []
    await clients.user("alice").get("/result")
    assert len(store.opened) == 1
    await clients.user("alice").get("/run")
    assert len(store.opened) == 3


async def test_a_long_list_holds_the_texts_of_few_runs_at_a_time(
    clients: Any, world: Any, store: MemoryBlobs, statements: Any
) -> None:
    for number in range(12):
        text = base64.b64encode(f"input {number}".encode()).decode()
        answer = await clients.user("alice").post("/task", json=_body(world, text, LARGE))
        assert answer.status_code == 201
    with statements() as sent:
        runs = (await clients.user("alice").get("/run", params={"per_page": 100})).json()["data"]
    assert len(runs) == 24
    shown = [base64.b64decode(run["input"]) for run in runs if run["organization"]["id"] == world.alpha.id]
    assert shown == [f"input {number}".encode() for number in reversed(range(12))]
    whole = [text for text in sent if "run.input," in text or "run.input " in text.split("IS NOT NULL")[0]]
    assert 3 <= len(whole) <= 5
    results = (await clients.user("alice").get("/result", params={"per_page": 100})).json()["data"]
    assert {item["result"] for item in results} == {None}


async def test_a_text_with_anything_in_it_survives(clients: Any, world: Any, store: MemoryBlobs) -> None:
    task = await clients.task(organizations="alpha")
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    odd = '"\\/\b\f\n\r\t\x00\x1f é € 𝄞' * 300
    assert (await clients.finish("alpha_main", run_id, result=odd)).status_code == 200
    assert len(store.values) == 1
    assert (await clients.user("alice").get(f"/result/{run_id}")).json()["result"] == odd


async def test_a_repeated_report_is_recognised_and_leaves_nothing(
    clients: Any, large: Any, store: MemoryBlobs, until: Any
) -> None:
    before = set(store.values)
    assert (await clients.finish("alpha_main", large["run"], result=LARGE)).status_code == 200
    assert (await clients.finish("alpha_main", large["run"], result=OTHER)).status_code == 400
    await until(lambda: set(store.values) == before)
    assert (await clients.user("alice").get(f"/result/{large['run']}")).json()["result"] == LARGE


async def test_a_replaced_result_is_deleted(
    clients: Any, world: Any, large: Any, store: MemoryBlobs, until: Any
) -> None:
    node = clients.node("beta_main")
    for text in (LARGE, OTHER, "c21hbGw="):
        assert (await node.patch(f"/run/{large['other']}", json={"result": text})).status_code == 200
        assert (await node.get(f"/result/{large['other']}")).json()["result"] == text
    await until(lambda: len(store.values) == 3)


@pytest.mark.parametrize("text", ["$" * 3000, LARGE[:-1], LARGE + "=A==", base64.b64encode(b"\xff" * 3000).decode()])
async def test_large_inputs_are_checked_like_small_ones(
    clients: Any, world: Any, store: MemoryBlobs, until: Any, text: str
) -> None:
    answer = await clients.user("alice").post("/task", json=_body(world, LARGE, text))
    assert answer.status_code == 400
    assert f"organization {world.beta.id}" in answer.json()["msg"]
    await until(lambda: not store.values)


async def test_large_inputs_must_be_sealed_where_everything_is(clients: Any, world: Any, store: MemoryBlobs) -> None:
    sealed = "$".join(base64.b64encode(part).decode() for part in (b"k" * 512, b"i" * 16, b"c" * 40_000))
    alice = clients.user("alice")
    refused = await alice.post("/task", json=_body(world, LARGE, collaboration_id=world.secure.id))
    taken = await alice.post("/task", json=_body(world, sealed, collaboration_id=world.secure.id))
    assert (refused.status_code, taken.status_code) == (400, 201), taken.text
    assert [value.decode() for value in store.values.values()] == [sealed]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "n" * 2000},
        {"server_url": "u" * 2000},
        {"databases": [{"label": "d", "query": "q" * 2000}]},
        {"databases": [{"label": "d", "arguments": {"input": LARGE}}]},
        {"unknown": "x" * 2000},
    ],
)
async def test_no_other_text_may_be_as_long(clients: Any, world: Any, store: MemoryBlobs, fields: Any) -> None:
    answer = await clients.user("alice").post("/task", json=_body(world, LARGE, **fields))
    assert answer.status_code in (400, 413)
    assert (await clients.user("root").get("/task")).json()["data"] == []


async def test_a_body_holds_so_many_long_texts_and_no_more(
    clients: Any, store: MemoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MOST_TEXTS", 3)
    content = json.dumps({"input": [LARGE] * 6})
    answer = await clients.user("alice").post("/task", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert "3 long texts" in answer.json()["msg"]
    assert store.values == {}


async def test_a_refused_task_leaves_nothing(
    clients: Any, world: Any, store: MemoryBlobs, until: Any, session: Any
) -> None:
    answer = await clients.user("gary").post("/task", json=_body(world, LARGE))
    assert answer.status_code == 404
    await until(lambda: not store.values)
    assert session.query(Blob).count() == 0


async def test_a_body_beyond_the_limit_is_not_read_to_its_end(clients: Any, world: Any, store: MemoryBlobs) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield json.dumps(_body(world, "")).encode()[:-4]
        while True:
            sent += 4000
            yield b"a" * 4000

    answer = await clients.user("alice").post("/task", content=endless(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert sent <= LIMIT + 8000
    assert store.values == {}


async def test_a_body_that_says_it_is_too_large_is_not_read_at_all(clients: Any, store: MemoryBlobs) -> None:
    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = {"Content-Type": "application/json", "Content-Length": str(LIMIT + 1)}
    answer = await clients.user("alice").post("/task", content=unread(), headers=headers)
    assert answer.status_code == 413


async def test_a_broken_body_is_refused_as_ever(clients: Any, world: Any, store: MemoryBlobs, until: Any) -> None:
    for body in (
        b'{"result": "' + b"a" * 5000,
        b'{"result": "' + b"a" * 5000 + b'"]',
        b'{"r": "' + b"\\q" * 5000 + b'"}',
    ):
        headers = {"Content-Type": "application/json"}
        answer = await clients.user("alice").post("/task", content=body, headers=headers)
        assert answer.status_code in (400, 413), body[:20]
    await until(lambda: not store.values)


async def test_a_long_log_is_cut_as_ever(clients: Any, world: Any, store: MemoryBlobs, session: Any) -> None:
    server_limit = clients._server.app.state.values.settings
    clients._server.app.state.values.settings = server_limit.model_copy(update={"limit_bytes": 1 << 24})
    task = await clients.task(organizations="alpha")
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    log = "".join(f"line {number} é\n" for number in range(400_000))
    assert (await clients.finish("alpha_main", run_id, log=log)).status_code == 200
    kept = (await clients.user("alice").get(f"/run/{run_id}")).json()["log"]
    assert len(kept) == LOG_LIMIT
    head, tail = kept.split(CUT)
    assert log.startswith(head)
    assert log.endswith(tail)
    assert store.values == {}


async def test_values_go_with_their_task(
    clients: Any, large: Any, store: MemoryBlobs, until: Any, session: Any
) -> None:
    assert len(store.values) == 3
    assert (await clients.user("root").delete(f"/task/{large['task']}")).status_code == 200
    await until(lambda: not store.values)
    await until(lambda: session.query(Blob).count() == 0 or session.rollback())


async def test_a_store_that_is_away_loses_nothing(
    clients: Any, world: Any, large: Any, store: MemoryBlobs, server: Any
) -> None:
    store.is_away = True
    refused = await clients.user("alice").post("/task", json=_body(world, LARGE))
    unread = await clients.user("alice").get(f"/result/{large['run']}")
    assert (refused.status_code, unread.status_code) == (503, 503)
    assert (await clients.user("root").delete(f"/task/{large['task']}")).status_code == 200
    store.is_away = False
    await server.app.state.janitor.sweep()
    assert store.values == {}


async def test_a_partner_cannot_report_on_a_run_of_somebody_else(clients: Any, large: Any, store: MemoryBlobs) -> None:
    before = set(store.values)
    answer = await clients.finish("alpha_main", large["other"], result=LARGE)
    assert answer.status_code == 401
    assert set(store.values) == before
