"""Nodes, their API keys and their login."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_server.collaborations.models import Node


async def _new_node(clients: Any, world: Any) -> httpx.Response:
    await clients.user("root").request("DELETE", "/node/" + str(world.alpha_secure.id))
    body = {"collaboration_id": world.secure.id, "organization_id": world.alpha.id}
    answer = await clients.user("anna").post("/node", json=body)
    assert answer.status_code == 201, answer.text
    created: httpx.Response = answer
    return created


@pytest.mark.replays("05", 0)
@pytest.mark.replays("16", 0, 1)
async def test_a_new_node_shows_its_key_once_and_logs_in_with_it(
    clients: Any, world: Any, anonymous: httpx.AsyncClient, recording: Any, answers_like: Any, session: Session
) -> None:
    created = await _new_node(clients, world)
    made = created.json()
    answers_like(created, recording("05")[0])
    assert made["name"] == "alpha - secure Node"
    session.rollback()
    assert made["api_key"] not in session.get_one(Node, made["id"]).api_key_hash

    tokens = await anonymous.post("/token/node", json={"api_key": made["api_key"]})

    answers_like(tokens, recording("16")[0])
    assert tokens.headers["jwt-token"] == tokens.json()["access_token"]
    itself = await anonymous.get(
        f"/node/{made['id']}", headers={"Authorization": f"Bearer {tokens.json()['access_token']}"}
    )
    answers_like(itself, recording("16")[1])
    assert "api_key" not in itself.json()


async def test_a_key_that_is_no_uuid_is_a_bad_request(world: Any, anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.post("/token/node", json={"api_key": "secret"})).status_code == 400


async def test_a_renewed_key_ends_the_old_one_and_its_tokens(
    clients: Any, world: Any, anonymous: httpx.AsyncClient
) -> None:
    made = (await _new_node(clients, world)).json()
    tokens = (await anonymous.post("/token/node", json={"api_key": made["api_key"]})).json()

    renewed = await clients.user("anna").post("/recover/node", json={"id": made["id"]})

    assert (await anonymous.post("/token/node", json={"api_key": made["api_key"]})).status_code == 401
    assert (await anonymous.post("/token/node", json={"api_key": renewed.json()["api_key"]})).status_code == 200
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await anonymous.get(f"/node/{made['id']}", headers=bearer)).status_code == 401
    assert (await clients.user("alice").post("/recover/node", json={"id": made["id"]})).status_code == 401


async def test_a_node_out_of_its_collaboration_cannot_log_in(
    clients: Any, world: Any, anonymous: httpx.AsyncClient
) -> None:
    made = (await _new_node(clients, world)).json()
    path = f"/collaboration/{world.secure.id}/node"
    await clients.user("root").request("DELETE", path, json={"id": made["id"]})

    answer = await anonymous.post("/token/node", json={"api_key": made["api_key"]})

    assert answer.status_code == 401


async def test_an_organization_has_one_node_per_collaboration(clients: Any, world: Any) -> None:
    body = {"organization_id": world.alpha.id, "collaboration_id": world.main.id}

    answer = await clients.user("root").post("/node", json=body)

    assert answer.status_code == 400


@pytest.mark.parametrize("names", [(None, None), ("one", "two")], ids=["alike", "of other names"])
async def test_of_nodes_made_at_the_same_time_one_stays(
    clients: Any, world: Any, session: Session, names: tuple[str | None, str | None]
) -> None:
    place = {"organization_id": world.beta.id, "collaboration_id": world.secure.id}
    bodies = [{**place, "name": name} if name else place for name in names * 3]

    answers = await asyncio.gather(*(clients.user("root").post("/node", json=body) for body in bodies))

    first, *others = sorted(answer.status_code for answer in answers)
    assert first == 201
    assert set(others) <= {400, 409}, [answer.text for answer in answers]
    assert len(session.scalars(select(Node).filter_by(**place)).all()) == 1


async def test_a_node_needs_a_member_as_its_organization(clients: Any, world: Any) -> None:
    body = {"organization_id": world.gamma.id, "collaboration_id": world.main.id}

    answer = await clients.user("root").post("/node", json=body)

    assert answer.status_code == 400


@pytest.mark.replays("12")
async def test_nodes_are_listed_in_the_recorded_shape(
    clients: Any, world: Any, recording: Any, answers_like: Any
) -> None:
    answer = await clients.user("alice").get("/node", params={"collaboration_id": world.main.id, "per_page": 20})

    answers_like(answer, recording("12")[0])
    assert {row["name"] for row in answer.json()["data"]} == {"alpha - main Node", "beta main node"}


async def test_node_filters_select_and_refuse(clients: Any, world: Any) -> None:
    alice = clients.user("alice")

    async def ids(**params: Any) -> set[int]:
        return {row["id"] for row in (await alice.get("/node", params=params)).json()["data"]}

    everything = {world.alpha_main.id, world.beta_main.id, world.alpha_secure.id}
    assert await ids() == everything
    assert await ids(status="offline") == everything
    assert await ids(status="online") == set()
    assert await ids(organization_id=world.beta.id) == {world.beta_main.id}
    assert await ids(name="beta%") == {world.beta_main.id}
    assert await ids(study_id=world.study.id) == {world.alpha_main.id}
    assert await ids(last_seen_from="2020-01-01") == set()
    assert (await alice.get("/node", params={"organization_id": world.gamma.id})).status_code == 401
    assert (await alice.get("/node", params={"collaboration_id": world.other.id})).status_code == 401
    assert (await alice.get("/node", params={"last_seen_from": "yesterday"})).status_code == 400


async def test_a_node_changes_itself_but_not_its_sibling(clients: Any, world: Any) -> None:
    node = clients.node("alpha_main")

    own = await node.patch(f"/node/{world.alpha_main.id}", json={"ip": "10.0.0.7"})
    cleared = await node.patch(f"/node/{world.alpha_main.id}", json={"clear_ip": True})
    sibling = await node.patch(f"/node/{world.alpha_secure.id}", json={"ip": "10.0.0.7"})

    assert (own.json()["ip"], cleared.json()["ip"]) == ("10.0.0.7", None)
    assert sibling.status_code == 401


async def test_a_node_cannot_be_moved_or_given_a_taken_name(clients: Any, world: Any) -> None:
    root = clients.user("root")
    path = f"/node/{world.alpha_main.id}"

    assert (await root.patch(path, json={"collaboration_id": world.secure.id})).status_code == 400
    assert (await root.patch(path, json={"name": "beta main node"})).status_code == 400
    assert (await root.patch(path, json={"ip": "not an address"})).status_code == 400
    assert (await root.patch(path, json={"name": "renamed"})).json()["name"] == "renamed"


async def test_a_deleted_node_is_gone_but_its_runs_stay(clients: Any, world: Any) -> None:
    task = await clients.task(organizations="beta")

    assert (await clients.user("carl").delete(f"/node/{world.beta_main.id}")).status_code == 200

    assert (await clients.runs(task["id"]))[world.beta.id]["node"] == {}
    assert (await clients.node("beta_main").get("/node")).status_code == 401


async def test_a_node_token_can_be_checked_by_a_store(clients: Any, world: Any) -> None:
    answer = await clients.node("alpha_main").post("/token/node/validate")

    assert answer.json().items() >= {"node_id": world.alpha_main.id, "organization_id": world.alpha.id}.items()
    assert (await clients.user("alice").post("/token/node/validate")).status_code == 403
