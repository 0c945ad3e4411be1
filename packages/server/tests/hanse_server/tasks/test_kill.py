"""Killing and deleting tasks."""

from typing import Any

import pytest

from hanse_server.collaborations.models import Node


@pytest.fixture
async def family(clients: Any, world: Any) -> list[int]:
    """A task, its subtask, and the subtask's subtask; nothing has ended."""
    ids = [(await clients.task(organizations="alpha"))["id"]]
    for node, place in (("alpha_main", world.alpha), ("alpha_main", world.beta)):
        container = await clients.container(node, ids[-1])
        body = {
            "image": "registry.example/algo:1",
            "collaboration_id": world.main.id,
            "organizations": [{"id": place.id, "input": "e30="}],
        }
        answer = await container.post("/task", json=body)
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    return ids


async def test_a_kill_reaches_all_descendants_and_tells_the_nodes_once(
    clients: Any, world: Any, family: list[int], bus: Any, until: Any
) -> None:
    answer = await clients.user("carl").post("/kill/task", json={"id": family[0]})

    assert answer.status_code == 200
    for task_id in family:
        for run in (await clients.runs(task_id)).values():
            assert (run["status"], run["finished_at"]) == ("killed by user", "2026-03-01T12:00:00")
    await until(lambda: any(event.name == "kill_containers" for event in bus.told))
    (kill,) = (event for event in bus.told if event.name == "kill_containers")
    assert kill.data["collaboration_id"] == world.main.id
    assert [entry["task_id"] for entry in kill.data["kill_list"]] == family
    assert set(kill.data["kill_list"][0]) == {"task_id", "run_id", "organization_id"}
    assert (await clients.user("carl").post("/kill/task", json={"id": family[0]})).status_code == 400


async def test_a_kill_leaves_finished_runs_alone(clients: Any, world: Any, family: list[int]) -> None:
    leaf = (await clients.runs(family[2]))[world.beta.id]["id"]
    await clients.finish("beta_main", leaf)

    await clients.user("carl").post("/kill/task", json={"id": family[0]})

    assert (await clients.runs(family[2]))[world.beta.id]["status"] == "completed"


async def test_a_late_report_does_not_bring_a_killed_run_back(clients: Any, world: Any, family: list[int]) -> None:
    run_id = (await clients.runs(family[0]))[world.alpha.id]["id"]
    await clients.user("carl").post("/kill/task", json={"id": family[0]})

    late = await clients.finish("alpha_main", run_id)

    assert late.status_code == 400
    assert (await clients.runs(family[0]))[world.alpha.id]["status"] == "killed by user"


async def test_who_may_not_send_events_may_not_kill(clients: Any, family: list[int]) -> None:
    for name, status in (("alice", 401), ("anna", 401), ("gary", 404)):
        assert (await clients.user(name).post("/kill/task", json={"id": family[0]})).status_code == status


async def test_everything_at_a_node_is_killed_when_it_is_online(
    clients: Any, world: Any, family: list[int], make: Any, bus: Any, until: Any
) -> None:
    anna, body = clients.user("anna"), {"id": world.alpha_main.id}
    offline = await anna.post("/kill/node/tasks", json=body)
    make.add(Node(id=world.alpha_main.id, status="online"))

    killed = await anna.post("/kill/node/tasks", json=body)
    denied = await clients.user("alice").post("/kill/node/tasks", json=body)

    assert (offline.status_code, killed.status_code, denied.status_code) == (400, 200, 401)
    assert [(await clients.runs(key)).popitem()[1]["status"] for key in family] == [
        "killed by user",
        "killed by user",
        "pending",
    ]
    await until(lambda: any(event.name == "kill_containers" for event in bus.told))
    (kill,) = (event for event in bus.told if event.name == "kill_containers")
    assert dict(kill.data) == {"node_id": world.alpha_main.id, "collaboration_id": world.main.id}


async def test_deleting_a_running_task_kills_and_removes_all_of_it(
    clients: Any, world: Any, family: list[int], bus: Any, until: Any
) -> None:
    answer = await clients.user("alice").delete(f"/task/{family[0]}")

    assert answer.status_code == 200
    assert (await clients.user("root").get("/task")).json()["data"] == []
    assert (await clients.user("root").get("/run")).json()["data"] == []
    await until(lambda: any(event.name == "kill_containers" for event in bus.told))
    assert (await clients.user("alice").delete(f"/task/{family[0]}")).status_code == 404


async def test_only_the_own_organization_deletes_its_tasks(clients: Any, family: list[int]) -> None:
    assert (await clients.user("bob").delete(f"/task/{family[0]}")).status_code == 401
    assert (await clients.user("carl").delete(f"/task/{family[0]}")).status_code == 401
    assert (await clients.user("gary").delete(f"/task/{family[0]}")).status_code == 404
