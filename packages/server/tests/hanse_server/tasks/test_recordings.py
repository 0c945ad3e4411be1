"""Whole stories of the stock server, told again: what was answered there is answered here, in the same shape."""

from typing import Any

import pytest

MENDED = {"2026-01-01T00:00:00", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000+02:00"}
"""Times that the stock server answers with an unexpected error."""


def _without_patch(exchange: dict[str, Any]) -> dict[str, Any]:
    """Drop the PATCH that the stock server advertises for results, but does not have."""
    body = exchange["response"]["body"]
    for item in [body, *(body.get("data", []) if isinstance(body, dict) else [])]:
        if isinstance(item, dict) and isinstance(item.get("results"), dict):
            item["results"]["methods"] = ["GET"]
        if isinstance(item, dict) and isinstance(item.get("run"), dict):
            item["run"]["methods"] = ["GET", "PATCH"]
    return exchange


@pytest.fixture
async def family(clients: Any, world: Any) -> dict[str, Any]:
    """A central task of alpha and its subtask at beta."""
    central = await clients.task(organizations="alpha beta")
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


async def test_a_node_finishes_a_run_and_the_container_reads_the_result(
    clients: Any, family: dict[str, Any], recording: Any, answers_like: Any
) -> None:
    node = clients.node("beta_main")
    final = next(e for e in recording("30") if e["request"]["method"] == "PATCH")

    answers_like(await node.get(f"/run/{family['sub_run']}"), _without_patch(recording("30")[0]))
    answers_like(await node.patch(f"/run/{family['sub_run']}", json=final["request"]["body"]), _without_patch(final))
    status, results = recording("32")
    answers_like(await family["container"].get(f"/task/{family['sub']}/status"), status)
    query = {"task_id": [family["sub"], family["sub"]], "page": 1}  # proxies repeat parameters
    listed = await family["container"].get("/result", params=query)
    answers_like(listed, _without_patch(results))
    assert listed.json()["data"][0]["result"] == final["request"]["body"]["result"]


async def test_patches_after_the_end_and_of_others_are_refused(
    clients: Any, family: dict[str, Any], recording: Any, answers_like: Any
) -> None:
    node = clients.node("beta_main")
    late, foreign, _, nonsense = recording("31")
    own = await clients.runs(family["central"])
    await clients.finish("beta_main", family["sub_run"])

    answers_like(await node.patch(f"/run/{family['sub_run']}", json=late["request"]["body"]), late)
    answers_like(await node.patch(f"/run/{family['central_run']}", json=foreign["request"]["body"]), foreign)
    beta_run = next(run["id"] for run in own.values() if run["id"] != family["central_run"])
    answer = await node.patch(f"/run/{beta_run}", json=nonsense["request"]["body"])
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"status"})


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


async def test_a_failing_run_is_reported_as_recorded(
    clients: Any, world: Any, recording: Any, answers_like: Any
) -> None:
    crash, runs, task = recording("39")
    made = await clients.task()
    run_id = (await clients.runs(made["id"]))[world.alpha.id]["id"]
    for run in runs["response"]["body"]["data"]:
        run["results"]["methods"] = ["GET"]

    answers_like(
        await clients.node("alpha_main").patch(f"/run/{run_id}", json=crash["request"]["body"]), _without_patch(crash)
    )
    answers_like(await clients.user("alice").get("/run", params={"task_id": made["id"]}), runs)
    answers_like(await clients.user("alice").get(f"/task/{made['id']}"), task)


@pytest.mark.parametrize("index", range(2, 7))
async def test_tasks_in_studies_are_taken_and_refused_as_recorded(
    clients: Any, world: Any, recording: Any, answers_like: Any, index: int
) -> None:
    exchange = [e for e in recording("40") if e["request"]["method"] == "POST"][index - 2]
    body = exchange["request"]["body"]
    places = {2: world.alpha.id, 3: world.beta.id, 4: world.gamma.id}
    for place in body["organizations"]:
        place["id"] = places[place["id"]]
    name = "bob" if "bob" in exchange["request"]["headers"]["Authorization"] else "alice"

    answer = await clients.user(name).post("/task", json=body)

    assert answer.status_code == exchange["response"]["status"]
    if answer.status_code == 201:
        answers_like(answer, exchange)


async def test_reports_of_every_kind_are_taken_and_refused_as_recorded(
    clients: Any, world: Any, recording: Any
) -> None:
    task = await clients.task(organizations="alpha")
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    asked = 0
    for exchange in recording("58"):
        request = exchange["request"]
        if request["method"] != "PATCH" or "node NA" not in request["headers"]["Authorization"]:
            continue
        expected = exchange["response"]["status"]
        if request["body"].get("started_at") in MENDED or request["body"] == {"result": None}:
            expected = 200  # every form of a time is taken, and null is what is not given
        path = "/run/9999" if request["path"].endswith("9999") else f"/run/{run_id}"
        answer = await clients.node("alpha_main").patch(path, json=request["body"])
        assert answer.status_code == expected, (request["body"], answer.text)
        asked += 1
    assert asked >= 8
