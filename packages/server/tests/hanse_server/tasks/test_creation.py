"""Making tasks."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from hanse_server.collaborations.models import NodeSetting
from hanse_server.tasks.models import Task

from ...recorded import each

INPUT = "eyJtZXRob2QiOiAibSJ9"


def _body(world: Any, **fields: Any) -> dict[str, Any]:
    organizations = [{"id": world.alpha.id, "input": INPUT}]
    return {"collaboration_id": world.main.id, "image": "i", "organizations": organizations, **fields}


@pytest.mark.replays("20", 4)
async def test_a_task_and_its_runs_are_made_in_the_recorded_shape(
    clients: Any, world: Any, recording: Any, answers_like: Any, bus: Any
) -> None:
    (recorded,) = (e for e in recording("20") if e["request"]["method"] == "POST")
    body = {**recorded["request"]["body"], "collaboration_id": world.main.id}
    body["organizations"] = [{"id": world.alpha.id, "input": INPUT}, {"id": world.beta.id, "input": INPUT}]

    answer = await clients.user("alice").post("/task", json=body)

    answers_like(answer, recorded)
    made = answer.json()
    assert made["databases"] == recorded["response"]["body"]["databases"]
    assert (made["status"], made["init_user"]["id"]) == ("pending", world.users["alice"].id)
    assert made["runs"] == f"/api/run?task_id={made['id']}"
    assert set(await clients.runs(made["id"])) == {world.alpha.id, world.beta.id}


async def test_runs_are_assigned_when_they_are_made_not_when_the_server_started(
    clients: Any, world: Any, clock: Any
) -> None:
    for _ in range(2):
        clock.moment += timedelta(hours=1)
        task = await clients.task()
        made = [run["assigned_at"] for run in (await clients.runs(task["id"])).values()]

        assert made == [f"{clock.moment:%Y-%m-%dT%H:%M:%S}"] * 2


async def test_the_nodes_are_told_after_the_commit(
    clients: Any, world: Any, bus: Any, until: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[list[int]] = []
    publish = bus.publish

    async def look_and_publish(event: Any) -> None:
        with engine.connect() as other:
            stored.append(list(other.scalars(select(Task.id))))
        await publish(event)

    monkeypatch.setattr(bus, "publish", look_and_publish)
    task = await clients.task()

    await until(lambda: bus.told)

    (told,) = bus.told
    assert stored == [[task["id"]]], "others see the task when they hear of it"
    assert (told.name, dict(told.data)) == ("new_task", {"id": task["id"], "parent_id": None})
    assert list(told.rooms) == [f"collaboration_{world.main.id}"]


async def test_nothing_is_made_or_told_when_the_task_is_refused(clients: Any, world: Any, bus: Any) -> None:
    organizations = [{"id": world.alpha.id, "input": INPUT}, {"id": world.beta.id, "input": "///"}]

    answer = await clients.user("alice").post("/task", json=_body(world, organizations=organizations))

    assert answer.status_code == 400
    assert f"organization {world.beta.id}" in answer.json()["msg"]
    assert (await clients.user("root").get("/task")).json()["data"] == []
    assert bus.told == []


async def test_each_computation_has_a_job_of_its_own(clients: Any, world: Any) -> None:
    first, second = await clients.task(), await clients.task()

    assert second["job_id"] > first["job_id"]


async def test_a_repeated_key_gives_the_task_of_the_first_request(clients: Any, world: Any, bus: Any) -> None:
    key = {"Idempotency-Key": "once"}
    alice = clients.user("alice")

    first = await alice.post("/task", json=_body(world), headers=key)
    again = await alice.post("/task", json=_body(world), headers=key)
    other = await clients.user("carl").post("/task", json=_body(world), headers=key)

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 201)
    assert first.json() == again.json()
    assert other.json()["id"] != first.json()["id"]
    assert len((await clients.user("root").get("/task")).json()["data"]) == 2


async def test_of_requests_with_one_key_at_the_same_time_one_makes_the_task(clients: Any, world: Any, bus: Any) -> None:
    alice = clients.user("alice")
    headers = {"Idempotency-Key": "once"}

    answers = await asyncio.gather(*(alice.post("/task", json=_body(world), headers=headers) for _ in range(6)))

    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len((await clients.user("root").get("/task")).json()["data"]) == 1


async def test_tasks_made_at_the_same_time_have_jobs_of_their_own(clients: Any, world: Any) -> None:
    made = await asyncio.gather(*(clients.task() for _ in range(6)))

    assert len({task["job_id"] for task in made}) == 6


@each("57", *range(17))
async def test_malformed_bodies_are_refused_as_recorded(clients: Any, world: Any, recording: Any, index: int) -> None:
    exchange = recording("57")[index]
    request = exchange["request"]
    if (
        request["method"] != "POST"
        or request["path"] != "/api/task"
        or "alice" not in request["headers"]["Authorization"]
    ):
        pytest.fail("the recording has changed")
    body = request["body"]
    if isinstance(body, dict) and body.get("description", "").startswith("<"):
        body["description"] = "x" * 1025

    answer = await clients.user("alice").post("/task", json=body)

    expected = {500: 400}.get(exchange["response"]["status"], exchange["response"]["status"])
    if isinstance(body, dict) and body.get("name") == "":
        expected = 201  # an empty name is what an absent one becomes, so it is taken
    assert answer.status_code == expected, answer.text
    if expected == 400:
        assert isinstance(answer.json()["msg"], str)


@each("57", *range(17, 21))
async def test_other_bodies_and_callers_are_answered_as_recorded(
    clients: Any, world: Any, recording: Any, index: int
) -> None:
    exchange = recording("57")[index]
    caller = exchange["request"]["headers"]["Authorization"]
    users = {"Bearer <access token of user alice": "alice", "Bearer <access token of user ": "root"}
    name = next((user for start, user in users.items() if caller.startswith(start)), None)
    client = clients.user(name) if name else clients.node("alpha_main")

    answer = await client.post("/task", json=exchange["request"]["body"])

    # The stock server fails over a node that asks; ours says that it may not.
    expected = {500: 403}.get(exchange["response"]["status"], exchange["response"]["status"])
    assert answer.status_code == expected, answer.text


async def test_a_store_that_does_not_exist_is_named(clients: Any, world: Any) -> None:
    answer = await clients.user("alice").post("/task", json=_body(world, store_id=77))

    assert answer.status_code == 400
    assert "store 77" in answer.json()["msg"]


async def test_places_that_do_not_fit_are_named(clients: Any, world: Any, make: Any) -> None:
    alice = clients.user("alice")
    strangers = [{"id": world.gamma.id, "input": INPUT}]
    nodeless = {"collaboration_id": world.secure.id, "organizations": [{"id": world.beta.id, "input": INPUT}]}

    async def message(**fields: Any) -> str:
        answer = await alice.post("/task", json=_body(world, **fields))
        assert answer.status_code == 400, answer.text
        text: str = answer.json()["msg"]
        return text

    assert "not in the collaboration" in await message(organizations=strangers)
    assert "not in the study" in await message(
        study_id=world.study.id, organizations=[{"id": world.beta.id, "input": INPUT}]
    )
    assert "no node" in await message(**nodeless)
    twice = [{"id": world.alpha.id, "input": INPUT}] * 2
    assert "more than once" in await message(organizations=twice)


async def test_a_study_is_enough_to_say_where(clients: Any, world: Any) -> None:
    body = _body(world, study_id=world.study.id)
    del body["collaboration_id"]

    answer = await clients.user("alice").post("/task", json=body)

    assert answer.json()["collaboration"]["id"] == world.main.id
    assert answer.json()["study"]["id"] == world.study.id


async def test_a_study_of_another_collaboration_is_refused(clients: Any, world: Any) -> None:
    answer = await clients.user("root").post("/task", json=_body(world, collaboration_id=3, study_id=1))

    assert answer.status_code == 400


async def test_viewers_and_outsiders_may_not_create(clients: Any, world: Any) -> None:
    viewer = await clients.user("bob").post("/task", json=_body(world))
    outsider = await clients.user("gary").post("/task", json=_body(world))
    root = await clients.user("root").post("/task", json=_body(world))
    node = await clients.node("alpha_main").post("/task", json=_body(world))

    assert [a.status_code for a in (viewer, outsider, root, node)] == [401, 404, 401, 403]


async def test_nodes_say_for_whom_they_work(clients: Any, world: Any, make: Any) -> None:
    make.add(NodeSetting(node_id=world.alpha_main.id, key="allowed_users", value="not a number"))
    refused = await clients.user("alice").post("/task", json=_body(world))

    make.add(NodeSetting(node_id=world.alpha_main.id, key="allowed_orgs", value="alpha"))
    taken = await clients.user("alice").post("/task", json=_body(world))
    other = await clients.user("carl").post("/task", json=_body(world))

    assert (refused.status_code, taken.status_code, other.status_code) == (400, 201, 400)
    assert str(world.alpha.id) in refused.json()["msg"]


async def test_an_encrypted_collaboration_takes_only_sealed_inputs(clients: Any, world: Any) -> None:
    sealed = "a2V5$MTIzNDU2Nzg5MDEyMzQ1Ng==$Ym9keQ=="

    async def send(text: str) -> int:
        places = [{"id": world.alpha.id, "input": text}]
        body = _body(world, collaboration_id=world.secure.id, organizations=places)
        status: int = (await clients.user("alice").post("/task", json=body)).status_code
        return status

    assert (await send(sealed), await send("e30=")) == (201, 400)
