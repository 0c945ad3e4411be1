"""What nodes report, and what follows from it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from hanse_core.errors import Conflict
from hanse_core.permissions import Operation, Resource, Scope
from hanse_core.states import RunStatus
from hanse_core.wire.tasks import RunPatch
from hanse_server.collaborations.actors import node_actor
from hanse_server.tasks.results import ReportedResult
from hanse_server.tasks.run_service import Runs


@pytest.mark.replays("22")
async def test_the_start_up_query_of_a_stock_node_gives_its_open_runs(
    clients: Any, world: Any, recording: Any, answers_like: Any
) -> None:
    task = await clients.task(databases=[{"label": "default"}])
    recorded = recording("22")[0]
    for run in recorded["response"]["body"]["data"]:
        run["results"]["methods"] = ["GET"]  # the recorded PATCH does not exist
    query = {"state": "open", "node_id": world.alpha_main.id, "include": "task", "task_id": task["id"]}

    answer = await clients.node("alpha_main").get("/run", params=query)

    answers_like(answer, recorded)
    (run,) = answer.json()["data"]
    assert (run["organization"]["id"], run["node"]["id"]) == (world.alpha.id, world.alpha_main.id)
    assert "runs" not in run["task"]


@pytest.mark.replays("23", 0, 2)
async def test_a_run_lives_as_a_stock_node_reports_it(
    clients: Any, world: Any, recording: Any, answers_like: Any
) -> None:
    task = await clients.task(organizations="alpha")
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    node = clients.node("alpha_main")
    patches = [e for e in recording("23") if e["request"]["method"] == "PATCH"]
    for exchange in patches:
        exchange["response"]["body"]["results"]["methods"] = ["GET"]

    for exchange in patches:
        answers_like(await node.patch(f"/run/{run_id}", json=exchange["request"]["body"]), exchange)
    final = await clients.finish("alpha_main", run_id)

    assert final.json()["status"] == "completed"
    assert final.json()["started_at"] == patches[0]["response"]["body"]["started_at"]
    result = await clients.user("alice").get(f"/result/{run_id}")
    assert (result.json()["result"], result.json()["run"]["id"]) == ("e30=", run_id)
    shown = (await clients.user("alice").get(f"/task/{task['id']}")).json()
    assert (shown["status"], shown["finished_at"]) == ("completed", "2026-03-01T11:59:59.500000")


async def test_what_is_not_given_is_kept(clients: Any, world: Any) -> None:
    task = await clients.task(organizations="alpha")
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    node = clients.node("alpha_main")

    await node.patch(f"/run/{run_id}", json={"log": "line", "result": "e30="})
    answer = await node.patch(f"/run/{run_id}", json={"status": "initializing"})

    assert answer.json()["log"] == "line"
    assert (await node.get(f"/result/{run_id}")).json()["result"] == "e30="


@pytest.mark.parametrize(
    "moment", ["2026-01-01T00:00:00", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00.000000+02:00", "2026-01-01T00:00"]
)
async def test_every_form_of_a_time_is_taken(clients: Any, world: Any, moment: str) -> None:
    task = await clients.task(organizations="alpha")
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]

    answer = await clients.node("alpha_main").patch(f"/run/{run_id}", json={"started_at": moment})

    assert answer.json()["started_at"] == "2026-01-01T00:00:00"


async def test_a_finished_run_is_never_changed_but_its_final_report_may_arrive_twice(
    clients: Any, world: Any, bus: Any
) -> None:
    task = await clients.task(organizations="alpha")
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    first = await clients.finish("alpha_main", run_id)
    told = len(bus.told)

    again = await clients.finish("alpha_main", run_id)
    other = await clients.finish("alpha_main", run_id, status="failed")
    bare = await clients.node("alpha_main").patch(f"/run/{run_id}", json={"log": "more"})

    assert (again.status_code, other.status_code, bare.status_code) == (200, 400, 400)
    assert again.json() == first.json() == (await clients.runs(task["id"]))[world.alpha.id]
    assert len(bus.told) <= told + 1


async def test_only_the_node_of_the_run_may_report(clients: Any, world: Any, make: Any) -> None:
    task = await clients.task(organizations="alpha")
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]

    sibling = await clients.finish("alpha_secure", run_id)
    partner = await clients.finish("beta_main", run_id)
    stranger = await clients.finish("gamma_other", run_id)
    user = await clients.user("alice").patch(f"/run/{run_id}", json={"status": "failed"})

    assert [a.status_code for a in (sibling, partner, stranger, user)] == [404, 401, 404, 403]
    assert (await clients.runs(task["id"]))[world.alpha.id]["status"] == "pending"


async def test_a_failure_fails_the_siblings_that_have_not_started(
    clients: Any, world: Any, recording: Any, bus: Any, until: Any
) -> None:
    task = await clients.task()
    runs = await clients.runs(task["id"])

    await clients.finish("alpha_main", runs[world.alpha.id]["id"], "crashed")

    sibling = (await clients.runs(task["id"]))[world.beta.id]
    assert (sibling["status"], sibling["finished_at"]) == ("failed", "2026-03-01T12:00:00")
    assert str(runs[world.alpha.id]["id"]) in sibling["log"]
    assert (await clients.user("alice").get(f"/task/{task['id']}")).json()["status"] == "failed"
    await until(lambda: {e.data.get("run_id") for e in bus.told} >= {r["id"] for r in runs.values()})


async def test_a_failure_leaves_siblings_alone_that_already_run(clients: Any, world: Any) -> None:
    task = await clients.task()
    runs = await clients.runs(task["id"])
    beta = f"/run/{runs[world.beta.id]['id']}"
    await clients.node("beta_main").patch(beta, json={"started_at": "2026-03-01T11:00:00"})

    await clients.finish("alpha_main", runs[world.alpha.id]["id"], "crashed")
    token = await clients.container("beta_main", task["id"])

    assert (await clients.node("beta_main").get(beta)).json()["status"] == "pending"
    assert (await token.get(f"/task/{task['id']}")).json()["status"] == "crashed"
    places = [{"id": world.beta.id, "input": "e30="}]
    body = {"image": task["image"], "collaboration_id": world.main.id, "organizations": places}
    assert (await token.post("/task", json=body)).status_code == 201


async def test_a_named_end_is_no_open_work_any_more_and_takes_its_details(clients: Any, world: Any) -> None:
    task = await clients.task(organizations="alpha")
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    node = clients.node("alpha_main")

    await node.patch(f"/run/{run_id}", json={"status": "start failed"})
    still_open = await node.get("/run", params={"state": "open", "node_id": world.alpha_main.id})
    details = await clients.finish("alpha_main", run_id, "start failed", result="")

    assert still_open.json()["data"] == []
    assert (details.status_code, details.json()["log"]) == (200, "done")


async def test_unknown_statuses_and_fields_are_refused(clients: Any, world: Any) -> None:
    task = await clients.task(organizations="alpha")
    path = f"/run/{(await clients.runs(task['id']))[world.alpha.id]['id']}"
    node = clients.node("alpha_main")

    assert (await node.patch(path, json={"status": "nonsense"})).status_code == 400
    assert (await node.patch(path, json={"foo": 1})).status_code == 400
    assert (await node.patch("/run/9999", json={})).status_code == 404


async def test_run_filters_select_and_refuse(clients: Any, world: Any) -> None:
    first, second = await clients.task(), await clients.task(organizations="alpha")
    done = (await clients.runs(second["id"]))[world.alpha.id]["id"]
    await clients.node("alpha_main").patch(f"/run/{done}", json={"started_at": "2026-03-01T11:00:00"})
    await clients.node("alpha_main").post("/port", json={"port": 4000, "run_id": done, "label": "api"})
    await clients.finish("alpha_main", done)
    alice = clients.user("alice")

    async def count(**params: Any) -> int:
        answer = await alice.get("/run", params=params)
        assert answer.status_code == 200, answer.text
        return int(answer.headers["total-count"])

    assert await count() == 3
    assert await count(task_id=first["id"]) == 2
    assert await count(state="open") == 2
    assert await count(organization_id=world.alpha.id) == 2
    assert await count(collaboration_id=world.main.id, node_id="") == 3
    assert await count(node_id=world.alpha_main.id) == 2
    assert await count(port=4000) == 1
    assert await count(started_from="2026-01-01") == 1
    assert await count(started_till="2026-01-01") == 0
    assert await count(finished_from="2026-03-01T11:59:00") == 1
    assert await count(assigned_from="2030-01-01") == 0
    for params, status in (
        ({"task_id": 99}, 400),
        ({"node_id": 99}, 400),
        ({"node_id": world.gamma_other.id}, 400),
        ({"organization_id": world.gamma.id}, 401),
        ({"collaboration_id": world.other.id}, 401),
        ({"task_id": "x"}, 400),
        ({"started_from": "x"}, 400),
    ):
        assert (await alice.get("/run", params=params)).status_code == status, params


@pytest.mark.replays("26", 0, 1)
async def test_ports_come_and_go_with_their_run(clients: Any, world: Any, recording: Any, answers_like: Any) -> None:
    task = await clients.task(organizations="alpha")
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    node = clients.node("alpha_main")

    opened = await node.post("/port", json={"port": 49152, "label": "api", "run_id": run_id})
    answers_like(opened, recording("26")[1])
    assert (await clients.runs(task["id"]))[world.alpha.id]["ports"] == [opened.json()]
    assert (await clients.node("beta_main").post("/port", json={"port": 1, "run_id": run_id})).status_code == 401
    assert (await node.post("/port", json={"port": 1, "run_id": 99})).status_code == 404
    assert (await node.post("/port", json={"port": 0, "run_id": run_id})).status_code == 400

    await clients.finish("alpha_main", run_id)
    answers_like(await node.delete("/port", params={"run_id": run_id}), recording("26")[0])
    assert (await clients.runs(task["id"]))[world.alpha.id]["ports"] == []
    assert (await node.delete("/port")).status_code == 400


async def test_of_two_ends_at_the_same_moment_one_is_taken(clients: Any, world: Any) -> None:
    task = await clients.task(organizations="alpha")
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]

    answers = await asyncio.gather(
        clients.finish("alpha_main", run_id, "completed"), clients.finish("alpha_main", run_id, "crashed")
    )

    assert sorted(answer.status_code for answer in answers) == [200, 400]
    (taken,) = (answer.json()["status"] for answer in answers if answer.status_code == 200)
    assert (await clients.runs(task["id"]))[world.alpha.id]["status"] == taken


async def test_a_report_on_a_state_that_has_passed_is_a_conflict(server: Any, clients: Any, world: Any) -> None:
    task = await clients.task(organizations="alpha")
    run_id = (await clients.runs(task["id"]))[world.alpha.id]["id"]

    async def report() -> None:
        async with server.app.state.works.open(write=True) as work:
            node = node_actor(work.session, {"sub": world.alpha_main.id})
            assert node is not None
            result = ReportedResult(work, RunPatch(status=RunStatus.ACTIVE), {}, are_blobs=False)
            seen = Runs(work, node).get(run_id)
            work.session.execute(text("update run set version = version + 1"))  # somebody else was faster
            Runs(work, node).report(node, seen.id, result)

    with pytest.raises(Conflict):
        await report()


async def test_a_run_shows_no_more_of_its_task_than_its_viewer_may_see(
    clients: Any, world: Any, make: Any, as_user: Any
) -> None:
    """Who may view the runs at its organization, but of the tasks only those that it began itself."""
    rules = [(Resource.RUN, Operation.VIEW, Scope.ORGANIZATION), (Resource.TASK, Operation.VIEW, Scope.ORGANIZATION)]
    make.user("ben", world.beta, *rules)
    make.user("bea", world.beta, rules[0])
    theirs = await clients.task()
    own = await clients.task(user="carl")
    for name, seen in (("ben", [own["id"]]), ("bea", [])):
        listed = (await as_user(name).get("/run", params={"include": "task"})).json()["data"]
        assert {run["task"]["id"] for run in listed} == {theirs["id"], own["id"]}
        for run in listed:
            single = (await as_user(name).get(f"/run/{run['id']}", params={"include": "task"})).json()
            assert single == run
            assert ("image" in run["task"]) == (run["task"]["id"] in seen), name
            assert "link" in run["task"] or run["task"]["id"] in seen
