"""Studies and their members."""

from typing import Any

import pytest


@pytest.mark.replays("06")
async def test_a_collaboration_admin_makes_a_study_in_the_recorded_shape(
    clients: Any, world: Any, recording: Any, answers_like: Any
) -> None:
    body = {"name": "new", "collaboration_id": world.main.id, "organization_ids": [world.beta.id]}

    answer = await clients.user("carl").post("/study", json=body)

    assert answer.status_code == 201
    answers_like(answer, recording("06")[0])


async def test_a_study_takes_only_members_of_its_collaboration(clients: Any, world: Any) -> None:
    body = {"name": "new", "collaboration_id": world.main.id, "organization_ids": [world.gamma.id]}

    answer = await clients.user("root").post("/study", json=body)

    assert answer.status_code == 400


async def test_an_unknown_collaboration_is_not_found(clients: Any, world: Any) -> None:
    answer = await clients.user("root").post(
        "/study", json={"name": "new", "collaboration_id": 99, "organization_ids": [world.alpha.id]}
    )

    assert answer.status_code == 404


@pytest.mark.replays("13")
async def test_members_see_the_study_and_others_do_not(
    clients: Any, world: Any, recording: Any, answers_like: Any
) -> None:
    listed = await clients.user("alice").get("/study", params={"include": "organizations", "per_page": 20})

    answers_like(listed, recording("13")[0])
    assert (await clients.user("bob").get("/study")).json()["data"] == []
    assert (await clients.user("bob").get("/study/1")).status_code == 404
    assert (await clients.user("carl").get("/study/1")).status_code == 200


async def test_filters_are_refused_for_foreign_places(clients: Any, world: Any) -> None:
    alice = clients.user("alice")

    assert (await alice.get("/study", params={"organization_id": world.beta.id})).status_code == 401
    assert (await alice.get("/study", params={"collaboration_id": world.other.id})).status_code == 401
    assert len((await alice.get("/study", params={"collaboration_id": world.main.id})).json()["data"]) == 1


@pytest.mark.replays("48", 0)
async def test_members_come_and_go(clients: Any, world: Any, recording: Any, answers_like: Any) -> None:
    carl = clients.user("carl")

    added = await carl.post("/study/1/organization", json={"id": world.beta.id})
    removed = await carl.request("DELETE", "/study/1/organization", json={"id": world.beta.id})
    stranger = await carl.post("/study/1/organization", json={"id": world.gamma.id})

    answers_like(added, recording("48")[0])
    assert [row["name"] for row in added.json()] == ["alpha", "beta"]
    assert [row["name"] for row in removed.json()] == ["alpha"]
    assert stranger.status_code == 400


async def test_a_patch_replaces_the_members_and_keeps_the_collaboration(clients: Any, world: Any) -> None:
    body = {"organization_ids": [world.beta.id], "collaboration_id": world.other.id, "name": "renamed"}

    answer = await clients.user("carl").patch("/study/1", json=body)

    assert answer.status_code == 200
    assert answer.json()["collaboration"]["id"] == world.main.id
    assert [row["id"] for row in answer.json()["organizations"]] == [world.beta.id]


async def test_a_study_with_tasks_is_deleted_only_where_asked(clients: Any, world: Any) -> None:
    task = await clients.task(organizations="alpha", study_id=1)
    carl = clients.user("carl")

    assert task["study"]["id"] == 1
    assert (await carl.delete("/study/1", params={"delete_dependents": "false"})).status_code == 400
    assert (await carl.delete("/study/1", params={"delete_dependents": "1"})).status_code == 200
    assert (await clients.user("alice").get(f"/task/{task['id']}")).status_code == 404


async def test_a_researcher_may_see_but_not_change_a_study(clients: Any, world: Any) -> None:
    answer = await clients.user("alice").patch("/study/1", json={"name": "mine"})

    assert (answer.status_code, answer.json()["code"]) == (401, "denied")
