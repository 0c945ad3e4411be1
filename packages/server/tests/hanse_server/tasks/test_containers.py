"""What containers may do, and for how long."""

from datetime import timedelta
from typing import Any

import jwt
import pytest

from hanse_server.collaborations.models import Node

IMAGE = "registry.example/algo:1"


def _subtask(world: Any, **fields: Any) -> dict[str, Any]:
    places = [{"id": world.beta.id, "input": "e30="}]
    return {"image": IMAGE, "collaboration_id": world.main.id, "organizations": places, **fields}


async def test_a_token_carries_exactly_the_recorded_claims(clients: Any, world: Any, recording_data: Any) -> None:
    databases = recording_data("25")["payload"]["sub"]["databases"]
    task = await clients.task(organizations="alpha", databases=databases)
    body = {"task_id": task["id"], "image": IMAGE}

    token = (await clients.node("alpha_main").post("/token/container", json=body)).json()["container_token"]

    claims = jwt.decode(token, options={"verify_signature": False})
    recorded = recording_data("25")["payload"]
    assert claims.keys() == {*recorded, "ver"}, "ours, too: the number that renewing the node's key raises"
    assert claims["sub"].keys() == recorded["sub"].keys()
    assert claims["sub"]["databases"] == databases
    assert (claims["client_type"], claims["sub"]["node_id"]) == ("container", world.alpha_main.id)


async def test_tokens_are_refused_where_there_is_nothing_to_do(clients: Any, world: Any) -> None:
    task = await clients.task(organizations="alpha")

    async def ask(node: str, task_id: int, image: str = IMAGE) -> int:
        answer = await clients.node(node).post("/token/container", json={"task_id": task_id, "image": image})
        status: int = answer.status_code
        return status

    assert await ask("alpha_main", 999) == 400
    assert await ask("alpha_main", task["id"], "other") == 401
    assert await ask("beta_main", task["id"]) == 401
    assert await ask("gamma_other", task["id"]) == 400
    await clients.finish("alpha_main", (await clients.runs(task["id"]))[world.alpha.id]["id"])
    assert await ask("alpha_main", task["id"]) == 400


@pytest.mark.replays("27", 2)
async def test_a_subtask_inherits_from_its_parent(
    clients: Any, world: Any, recording: Any, answers_like: Any, bus: Any, until: Any
) -> None:
    parent = await clients.task(organizations="alpha")
    container = await clients.container("alpha_main", parent["id"])
    recorded = next(e for e in recording("27") if e["request"]["method"] == "POST")
    body = {**recorded["request"]["body"], **_subtask(world)}

    answer = await container.post("/task", json=body)

    answers_like(answer, recorded)
    sub = answer.json()
    assert (sub["parent"]["id"], sub["job_id"], sub["image"]) == (parent["id"], parent["job_id"], IMAGE)
    assert (sub["init_user"]["id"], sub["init_org"]["id"]) == (world.users["alice"].id, world.alpha.id)
    await until(lambda: len(bus.told) == 2)
    assert dict(bus.told[1].data) == {"id": sub["id"], "parent_id": parent["id"]}


async def test_the_same_key_of_two_containers_makes_two_tasks(clients: Any, world: Any) -> None:
    first, second = await clients.task(organizations="alpha"), await clients.task(organizations="alpha")
    key = {"Idempotency-Key": "k"}
    made = [
        (await (await clients.container("alpha_main", task["id"])).post("/task", json=_subtask(world), headers=key))
        for task in (first, first, second)
    ]

    assert [answer.status_code for answer in made] == [201, 201, 201]
    ids = [answer.json()["id"] for answer in made]
    assert ids[0] == ids[1] != ids[2]


async def test_a_container_may_only_send_its_own_image_within_its_collaboration(clients: Any, world: Any) -> None:
    parent = await clients.task(organizations="alpha")
    container = await clients.container("alpha_main", parent["id"])

    other = await container.post("/task", json=_subtask(world, image="evil/" + IMAGE))
    places = [{"id": world.alpha.id, "input": "e30="}]
    elsewhere = await container.post(
        "/task", json=_subtask(world, collaboration_id=world.secure.id, organizations=places)
    )

    assert (other.status_code, elsewhere.status_code) == (401, 404)


async def test_a_container_sees_its_collaboration_only(clients: Any, world: Any) -> None:
    sealed = "a2V5$MTIzNDU2Nzg5MDEyMzQ1Ng==$Ym9keQ=="
    places = [{"id": world.alpha.id, "input": sealed}]
    secret = await clients.user("alice").post(
        "/task", json={"collaboration_id": world.secure.id, "image": "i", "organizations": places}
    )
    task = await clients.task(organizations="alpha")
    container = await clients.container("alpha_main", task["id"])

    assert [row["id"] for row in (await container.get("/task")).json()["data"]] == [task["id"]]
    assert len((await container.get("/run")).json()["data"]) == 1
    assert (await container.get(f"/task/{secret.json()['id']}")).status_code == 404
    assert (await container.get(f"/collaboration/{world.secure.id}")).status_code == 404
    assert (await container.get(f"/organization/{world.gamma.id}")).status_code == 404
    assert (await container.get(f"/organization/{world.beta.id}")).status_code == 200


async def test_a_container_of_a_study_stays_in_the_study(clients: Any, world: Any) -> None:
    outside = await clients.task(organizations="alpha")
    task = await clients.task(organizations="alpha", study_id=world.study.id)
    container = await clients.container("alpha_main", task["id"])
    places = [{"id": world.alpha.id, "input": "e30="}]

    sub = await container.post("/task", json=_subtask(world, organizations=places))
    out = await container.post("/task", json=_subtask(world))

    assert (sub.status_code, sub.json()["study"]["id"]) == (201, world.study.id)
    assert out.status_code == 400
    assert (await container.get(f"/task/{outside['id']}")).status_code == 404
    assert (await container.get(f"/task/{sub.json()['id']}")).status_code == 200
    assert [row["id"] for row in (await container.get("/study")).json()["data"]] == [world.study.id]
    assert (await container.get(f"/organization/{world.beta.id}")).status_code == 404


async def test_a_token_reads_for_a_moment_after_the_end_and_then_dies(clients: Any, world: Any, clock: Any) -> None:
    task = await clients.task(organizations="alpha")
    container = await clients.container("alpha_main", task["id"])
    await clients.finish("alpha_main", (await clients.runs(task["id"]))[world.alpha.id]["id"])

    reading = await container.get(f"/task/{task['id']}")
    creating = await container.post("/task", json=_subtask(world))
    clock.moment += timedelta(minutes=2)
    late = await container.get(f"/task/{task['id']}")

    assert (reading.status_code, creating.status_code, late.status_code) == (200, 401, 401)


@pytest.mark.parametrize("gone", ["task", "node"])
async def test_a_token_dies_with_its_task_and_its_node(clients: Any, world: Any, gone: str) -> None:
    task = await clients.task(organizations="alpha")
    container = await clients.container("alpha_main", task["id"])
    node: Node = world.alpha_main
    path = f"/task/{task['id']}" if gone == "task" else f"/node/{node.id}"

    assert (await clients.user("root").delete(path)).status_code == 200

    assert (await container.get("/task")).status_code == 401


async def test_a_forged_subject_is_no_container(server: Any, world: Any) -> None:
    for subject in ({}, {"node_id": "1", "task_id": 1}, {"id": "7"}, 3):
        client = server.client(server.token("container", subject))
        assert (await client.get("/task")).status_code == 401


async def test_lists_for_people_are_not_for_containers(clients: Any, world: Any) -> None:
    task = await clients.task(organizations="alpha")
    container = await clients.container("alpha_main", task["id"])

    for path in ("/node", "/collaboration"):
        assert (await container.get(path)).status_code == 403
    assert (await container.patch("/run/1", json={"status": "completed"})).status_code == 403


async def test_a_subtask_belongs_to_who_began_the_computation(clients: Any, world: Any, make: Any) -> None:
    """Where its container runs is a partner, whose researchers must not end the computations of others."""
    make.user("rolf", world.beta, roles=["Researcher"])
    make.user("ruth", world.alpha, roles=["Researcher"])
    parent = await clients.task(organizations="beta")
    container = await clients.container("beta_main", parent["id"])
    made = (await container.post("/task", json=_subtask(world))).json()
    assert made["init_org"]["id"] == world.beta.id

    refused = await clients.user("rolf").delete(f"/task/{made['id']}")
    assert (refused.status_code, refused.json()["code"]) == (401, "denied")
    assert (await clients.user("ruth").delete(f"/task/{made['id']}")).status_code == 200
