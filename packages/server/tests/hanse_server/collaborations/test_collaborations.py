"""Collaborations and their members."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_core.permissions import Operation, Resource, Scope
from hanse_server.collaborations.models import Collaboration, Node


@pytest.mark.replays("04")
async def test_root_founds_a_collaboration_in_the_recorded_shape(
    clients: Any, world: Any, recording: Any, answers_like: Any
) -> None:
    body = {"name": "new", "organization_ids": [world.alpha.id, world.beta.id], "encrypted": False}

    answer = await clients.user("root").post("/collaboration", json=body)

    assert answer.status_code == 200
    answers_like(answer, recording("04")[0])


async def test_an_unknown_organization_is_named_instead_of_left_out(clients: Any, world: Any) -> None:
    body = {"name": "new", "organization_ids": [world.alpha.id, 999], "encrypted": True}

    answer = await clients.user("root").post("/collaboration", json=body)

    assert answer.status_code == 400
    assert "999" in answer.json()["msg"]


async def test_the_words_for_true_create_an_encrypted_collaboration(clients: Any, world: Any) -> None:
    body = {"name": "new", "organization_ids": [world.alpha.id], "encrypted": "yes"}

    answer = await clients.user("root").post("/collaboration", json=body)

    assert answer.json()["encrypted"] is True


async def test_only_those_with_global_scope_found_collaborations(clients: Any, world: Any) -> None:
    body = {"name": "new", "organization_ids": [world.beta.id], "encrypted": False}

    answer = await clients.user("carl").post("/collaboration", json=body)

    assert (answer.status_code, answer.json()["code"]) == (401, "denied")


@pytest.mark.replays("11", 0)
async def test_a_member_sees_its_collaborations_with_nested_organizations(
    clients: Any, world: Any, recording: Any, answers_like: Any
) -> None:
    answer = await clients.user("alice").get("/collaboration/1", params={"include": "organizations"})

    answers_like(answer, recording("11")[0])
    assert [row["name"] for row in answer.json()["organizations"]] == ["alpha", "beta"]


async def test_lists_show_only_own_collaborations_and_filter(clients: Any, world: Any) -> None:
    alice = clients.user("alice")

    async def names(**params: Any) -> list[str]:
        answer = await alice.get("/collaboration", params=params)
        assert answer.status_code == 200, answer.text
        return [row["name"] for row in answer.json()["data"]]

    assert await names() == ["main", "secure"]
    assert await names(encrypted="True") == ["secure"]
    assert await names(encrypted="0", sort="-name") == ["main"]
    assert await names(name="sec%") == ["secure"]
    assert await names(organization_id=world.alpha.id) == ["main", "secure"]
    assert (await alice.get("/collaboration", params={"organization_id": world.gamma.id})).status_code == 401
    assert (await alice.get("/collaboration", params={"algorithm_store_id": 1})).status_code == 404


async def test_a_collaboration_admin_renames_but_does_not_change_who_is_in(clients: Any, world: Any) -> None:
    carl = clients.user("carl")

    renamed = await carl.patch("/collaboration/1", json={"name": "better"})
    opened = await carl.patch("/collaboration/1", json={"organization_ids": [world.beta.id]})
    added = await carl.post("/collaboration/1/organization", json={"id": world.gamma.id})

    assert renamed.json()["name"] == "better"
    assert (opened.status_code, added.status_code) == (401, 401)


async def test_a_name_cannot_be_taken_twice(clients: Any, world: Any) -> None:
    answer = await clients.user("root").patch("/collaboration/1", json={"name": "secure"})

    assert answer.status_code == 400
    assert answer.json()["errors"] == {"name": ["is taken"]}


async def test_a_member_added_by_several_at_the_same_time_is_a_member_once(clients: Any, world: Any) -> None:
    root = clients.user("root")
    path = f"/collaboration/{world.main.id}/organization"

    answers = await asyncio.gather(*(root.post(path, json={"id": world.gamma.id}) for _ in range(6)))

    statuses = {answer.status_code for answer in answers}
    assert 200 in statuses
    assert statuses <= {200, 409}, [answer.text for answer in answers]
    members = (await root.get("/organization", params={"collaboration_id": world.main.id})).json()["data"]
    assert [row["id"] for row in members] == [world.alpha.id, world.beta.id, world.gamma.id]


async def test_encryption_is_not_switched_while_something_runs(clients: Any, world: Any) -> None:
    task = await clients.task(organizations="alpha")

    refused = await clients.user("root").patch("/collaboration/1", json={"encrypted": True})
    await clients.finish("alpha_main", (await clients.runs(task["id"]))[world.alpha.id]["id"])
    allowed = await clients.user("root").patch("/collaboration/1", json={"encrypted": True})

    assert (refused.status_code, allowed.status_code) == (409, 200)


async def test_encryption_is_not_switched_off_while_something_runs(clients: Any, world: Any) -> None:
    root, path = clients.user("root"), f"/collaboration/{world.secure.id}"
    sealed = "a2V5$MTIzNDU2Nzg5MDEyMzQ1Ng==$Ym9keQ=="
    places = [{"id": world.alpha.id, "input": sealed}]

    made = await clients.user("alice").post(
        "/task", json={"collaboration_id": world.secure.id, "image": "i", "organizations": places}
    )
    refused = await root.patch(path, json={"encrypted": False})
    still = (await root.get(path)).json()["encrypted"]
    run_id = (await clients.runs(made.json()["id"]))[world.alpha.id]["id"]
    ended = await clients.finish("alpha_secure", run_id, result=sealed)
    allowed = await root.patch(path, json={"encrypted": False})

    assert [a.status_code for a in (made, refused, ended, allowed)] == [201, 409, 200, 200]
    assert (still, allowed.json()["encrypted"]) == (True, False)


async def test_leaving_detaches_the_node_and_ends_its_tokens(clients: Any, world: Any, session: Session) -> None:
    node = clients.node("alpha_main")
    assert (await node.get(f"/node/{world.alpha_main.id}")).status_code == 200

    answer = await clients.user("root").request("DELETE", "/collaboration/1/organization", json={"id": world.alpha.id})

    assert [row["id"] for row in answer.json()] == [world.beta.id]
    session.rollback()
    stored = session.get_one(Node, world.alpha_main.id)
    assert (stored.collaboration_id, stored.token_version) == (None, 1)
    assert (await node.get(f"/node/{world.alpha_main.id}")).status_code == 401
    study = await clients.user("root").get("/study/1", params={"include": "organizations"})
    assert study.json()["organizations"] == []


async def test_removing_a_stranger_is_not_found(clients: Any, world: Any) -> None:
    answer = await clients.user("root").request("DELETE", "/collaboration/1/organization", json={"id": world.gamma.id})

    assert answer.status_code == 404


@pytest.mark.replays("47", 0)
async def test_root_adds_an_organization_and_it_is_listed_once(
    clients: Any, world: Any, recording: Any, answers_like: Any
) -> None:
    root = clients.user("root")
    for _ in range(2):
        answer = await root.post("/collaboration/1/organization", json={"id": world.gamma.id})

    answers_like(answer, recording("47")[0])
    assert [row["name"] for row in answer.json()] == ["alpha", "beta", "gamma"]


async def test_a_node_moves_only_where_its_organization_is_a_member(clients: Any, world: Any, session: Session) -> None:
    root = clients.user("root")
    there = await root.post("/collaboration/1/node", json={"id": world.alpha_main.id})
    stranger = await root.post("/collaboration/1/node", json={"id": world.gamma_other.id})
    out = await root.request("DELETE", "/collaboration/1/node", json={"id": world.alpha_main.id})
    again = await root.post("/collaboration/1/node", json={"id": world.alpha_main.id})

    assert (there.status_code, stranger.status_code, out.status_code) == (400, 400, 200)
    assert again.status_code == 201
    assert {row["id"] for row in again.json()} == {world.alpha_main.id, world.beta_main.id}
    assert set(again.json()[0]) == {"id", "name", "status", "ip", "last_seen", "organization"}


async def test_what_hangs_on_a_collaboration_is_only_deleted_where_asked(
    clients: Any, world: Any, session: Session
) -> None:
    root = clients.user("root")
    await clients.task()

    kept = await root.delete("/collaboration/1", params={"delete_dependents": "False"})
    deleted = await root.delete("/collaboration/1", params={"delete_dependents": "true"})

    assert kept.status_code == 400
    assert "1 tasks, 2 nodes, 1 studies" in kept.json()["msg"]
    assert deleted.status_code == 200
    session.rollback()
    assert set(session.scalars(select(Collaboration.name))) == {"secure", "other"}
    assert (await root.get("/task/1")).status_code == 404
    assert (await root.get(f"/node/{world.alpha_main.id}")).status_code == 404


async def test_nobody_moves_the_station_of_a_partner(clients: Any, world: Any, make: Any, session: Session) -> None:
    third = make.collaboration("third", [world.alpha, world.beta])
    stolen = await clients.user("carl").post(f"/collaboration/{third.id}/node", json={"id": world.alpha_main.id})
    assert (stolen.status_code, stolen.json()["code"]) == (401, "denied")
    own = await clients.user("carl").post(f"/collaboration/{third.id}/node", json={"id": world.beta_main.id})
    assert own.status_code == 201, own.text


async def test_members_are_nested_as_far_as_one_may_see_them(world: Any, make: Any, as_user: Any) -> None:
    collaborations = Resource.COLLABORATION, Operation.VIEW, Scope.ORGANIZATION
    studies = Resource.STUDY, Operation.VIEW, Scope.COLLABORATION
    make.user("ann", world.alpha, collaborations, studies, (Resource.ORGANIZATION, Operation.VIEW, Scope.ORGANIZATION))
    make.user("ada", world.beta, collaborations, studies, (Resource.ORGANIZATION, Operation.VIEW, Scope.COLLABORATION))
    paths = (f"/collaboration/{world.main.id}", f"/study/{world.study.id}")
    alone, both = [world.alpha.id], [world.alpha.id, world.beta.id]
    for name, expected in (("ann", [alone, alone]), ("ada", [both, alone])):
        for path, ids in zip(paths, expected, strict=True):
            shown = (await as_user(name).get(path, params={"include": "organizations"})).json()
            assert [each["id"] for each in shown["organizations"]] == ids
            kind = path.split("/")[1]
            listed = (await as_user(name).get(f"/{kind}", params={"include": "organizations"})).json()["data"]
            assert next(each for each in listed if each["id"] == shown["id"]) == shown
