"""Whole stories of the stock server, told again: what was answered there is answered here, in the same shape."""

from typing import Any

import pytest

from ...recorded import each, mended


@pytest.fixture
async def family(clients: Any, world: Any) -> dict[str, Any]:
    """A central task of alpha and its subtask at beta."""
    central = await clients.task(organizations="alpha beta", databases=[{"label": "default"}])
    container = await clients.container("alpha_main", central["id"])
    places = [{"id": world.beta.id, "input": "e30="}]
    body = {"image": central["image"], "collaboration_id": world.main.id, "organizations": places}
    sub = (await container.post("/task", json=body)).json()
    runs = {**await clients.runs(central["id"])}
    return {
        "central": central["id"],
        "sub": sub["id"],
        "container": container,
        "central_run": runs[world.alpha.id]["id"],
        "sub_run": (await clients.runs(sub["id"]))[world.beta.id]["id"],
    }


@pytest.mark.replays("35")
async def test_kills_are_answered_as_recorded(
    clients: Any, family: dict[str, Any], recording: Any, answers_like: Any, bus: Any, until: Any, recording_data: Any
) -> None:
    for exchange, name in zip(recording("35"), ("alice", "carl", "carl"), strict=False):
        answers_like(await clients.user(name).post("/kill/task", json={"id": family["central"]}), exchange)
    shown = await clients.user("alice").get(f"/task/{family['central']}")
    answers_like(shown, recording("35")[3])

    await until(lambda: any(event.name == "kill_containers" for event in bus.told))
    (told,) = (event.data for event in bus.told if event.name == "kill_containers")
    recorded = recording_data("37")["received_per_identity"]["node beta-main"][0]["args"][0]
    assert told.keys() == recorded.keys()
    assert told["kill_list"][0].keys() == recorded["kill_list"][0].keys()


@pytest.mark.replays("39")
async def test_a_failing_run_is_reported_as_recorded(
    clients: Any, world: Any, recording: Any, answers_like: Any
) -> None:
    crash, runs, task = recording("39")
    made = await clients.task()
    run_id = (await clients.runs(made["id"]))[world.alpha.id]["id"]

    answers_like(await clients.node("alpha_main").patch(f"/run/{run_id}", json=crash["request"]["body"]), mended(crash))
    answers_like(await clients.user("alice").get("/run", params={"task_id": made["id"]}), mended(runs))
    answers_like(await clients.user("alice").get(f"/task/{made['id']}"), task)


@each("40", *range(2, 7))
async def test_tasks_in_studies_are_taken_and_refused_as_recorded(
    clients: Any, world: Any, recording: Any, answers_like: Any, index: int
) -> None:
    exchange = recording("40")[index]
    body = exchange["request"]["body"]
    places = {2: world.alpha.id, 3: world.beta.id, 4: world.gamma.id}
    for place in body["organizations"]:
        place["id"] = places[place["id"]]
    name = "bob" if "bob" in exchange["request"]["headers"]["Authorization"] else "alice"

    answer = await clients.user(name).post("/task", json=body)

    answers_like(answer, exchange)
