"""Organizations join a collaboration only when they say so themselves."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session

from hanse_core.events import INVITATION
from hanse_core.permissions import Operation, Resource, Scope
from hanse_server.collaborations.queries import member_ids
from hanse_web.clock import FixedClock


@pytest.fixture
def people(world: Any, make: Any) -> Any:
    """Somebody who administers gamma, beside those of the world: carl of beta may edit collaboration main."""
    make.user("grace", world.gamma, roles=["Organization Admin"])
    return world


@pytest.fixture
def carl(people: Any, as_user: Any) -> httpx.AsyncClient:
    client: httpx.AsyncClient = as_user("carl")
    return client


@pytest.fixture
def grace(people: Any, as_user: Any) -> httpx.AsyncClient:
    client: httpx.AsyncClient = as_user("grace")
    return client


async def invite(client: httpx.AsyncClient, world: Any, **fields: Any) -> httpx.Response:
    addressee = {} if "organization_id" in fields else {"organization_name": "gamma"}
    body = {"collaboration_id": world.main.id, **addressee, **fields}
    return await client.post("/invitation/organization", json=body)


async def test_an_invited_organization_joins_when_its_administrator_accepts(
    people: Any, carl: httpx.AsyncClient, grace: httpx.AsyncClient, session: Session, postbox: Any, bus: Any, until: Any
) -> None:
    sent = await invite(carl, people)
    assert sent.status_code == 201, sent.text
    (mail,) = await postbox.read()
    assert mail.to == "grace@example.org"
    assert "beta" in mail.text
    assert "main" in mail.text
    assert people.gamma.id not in member_ids(session, people.main.id)
    (seen,) = (await grace.get("/invitation/organization")).json()["data"]
    assert (seen["state"], seen["collaboration_name"]) == ("pending", "main")
    accepted = await grace.post(f"/invitation/organization/{seen['id']}/accept")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    session.rollback()
    assert people.gamma.id in member_ids(session, people.main.id)
    await until(lambda: any(told.name == INVITATION for told in bus.told))
    assert [told.data["state"] for told in bus.told if told.name == INVITATION] == ["accepted"]
    assert (await grace.post(f"/invitation/organization/{seen['id']}/accept")).status_code == 409
    assert (await grace.get(f"/collaboration/{people.main.id}")).status_code == 200


async def test_nobody_but_its_administrators_answers_for_an_organization(
    people: Any, carl: httpx.AsyncClient, as_user: Any, session: Session
) -> None:
    key = (await invite(carl, people)).json()["id"]
    for name, status in (("gary", 404), ("alice", 404), ("carl", 401), ("anna", 404)):
        for answer in ("accept", "decline"):
            refused = await as_user(name).post(f"/invitation/organization/{key}/{answer}")
            assert refused.status_code == status, (name, answer, refused.text)
    assert people.gamma.id not in member_ids(session, people.main.id)


async def test_adding_an_organization_without_asking_takes_a_right_for_all_and_says_how_else(
    people: Any, carl: httpx.AsyncClient, as_user: Any
) -> None:
    path = f"/collaboration/{people.main.id}/organization"
    for key in (people.gamma.id, 9999):
        refused = await carl.post(path, json={"id": key})
        assert (refused.status_code, refused.json()["code"]) == (401, "denied")
        assert "/invitation/organization" in refused.json()["msg"]
    assert (await as_user("root").post(path, json={"id": people.gamma.id})).status_code == 200


async def test_the_inviter_does_not_learn_which_organizations_there_are(
    people: Any, make: Any, as_user: Any, postbox: Any
) -> None:
    edit = (Resource.COLLABORATION, Operation.EDIT, Scope.COLLABORATION)
    view = (Resource.COLLABORATION, Operation.VIEW, Scope.ORGANIZATION)
    make.user("cora", people.beta, edit, view, (Resource.ORGANIZATION, Operation.VIEW, Scope.COLLABORATION))
    cora = as_user("cora")
    real = await invite(cora, people)
    unreal = await invite(cora, people, organization_name="no such hospital")
    assert real.status_code == unreal.status_code == 201
    assert real.json().keys() == unreal.json().keys()
    assert {**real.json(), "id": 0, "organization_name": ""} == {**unreal.json(), "id": 0, "organization_name": ""}
    hidden, missing = [await invite(cora, people, organization_id=key) for key in (people.gamma.id, 9999)]
    assert hidden.status_code == missing.status_code == 404
    assert len(await postbox.read()) == 1


async def test_only_who_may_edit_a_collaboration_invites_into_it(people: Any, as_user: Any) -> None:
    assert (await invite(as_user("alice"), people)).status_code == 401
    assert (await invite(as_user("gary"), people)).status_code == 404
    assert (await invite(as_user("carl"), people, collaboration_id=people.other.id)).status_code == 404


async def test_members_and_the_invited_are_not_invited_again(people: Any, carl: httpx.AsyncClient) -> None:
    assert (await invite(carl, people, organization_id=people.alpha.id)).status_code == 400
    assert (await invite(carl, people)).status_code == 201
    assert (await invite(carl, people)).status_code == 409


async def test_both_or_no_name_of_an_organization_is_no_address(people: Any, carl: httpx.AsyncClient) -> None:
    both = {"organization_id": people.alpha.id, "organization_name": "alpha"}
    assert (await invite(carl, people, **both)).status_code == 400
    bare = {"collaboration_id": people.main.id}
    assert (await carl.post("/invitation/organization", json=bare)).status_code == 400


async def test_a_declined_invitation_can_be_repeated_but_mails_are_an_hour_apart(
    people: Any, carl: httpx.AsyncClient, grace: httpx.AsyncClient, postbox: Any, clock: FixedClock
) -> None:
    async def decline() -> None:
        key = (await invite(carl, people)).json()["id"]
        answer = await grace.post(f"/invitation/organization/{key}/decline")
        assert answer.json()["state"] == "declined"

    await decline()
    assert len(await postbox.read()) == 1
    await decline()
    assert await postbox.read() == []
    clock.moment += timedelta(hours=1)
    await decline()
    assert len(await postbox.read()) == 1


async def test_a_withdrawn_invitation_is_not_seen_by_the_invited_and_cannot_be_accepted(
    people: Any, carl: httpx.AsyncClient, grace: httpx.AsyncClient
) -> None:
    key = (await invite(carl, people)).json()["id"]
    assert (await grace.delete(f"/invitation/organization/{key}")).status_code == 401
    assert (await carl.delete(f"/invitation/organization/{key}")).status_code == 200
    assert (await grace.post(f"/invitation/organization/{key}/accept")).status_code == 404
    assert (await carl.delete(f"/invitation/organization/{key}")).status_code == 409


async def test_an_invitation_expires(
    people: Any, carl: httpx.AsyncClient, grace: httpx.AsyncClient, clock: FixedClock
) -> None:
    key = (await invite(carl, people)).json()["id"]
    clock.moment += timedelta(days=7)
    assert (await grace.post(f"/invitation/organization/{key}/accept")).status_code == 409
    assert (await grace.get(f"/invitation/organization/{key}")).json()["state"] == "expired"
    listed = [
        (await grace.get("/invitation/organization", params={"state": one})).json() for one in ("pending", "expired")
    ]
    assert [len(page["data"]) for page in listed] == [0, 1]
    assert (await invite(carl, people)).status_code == 201


async def test_an_invitation_ends_with_the_rights_of_who_gave_it(
    people: Any, carl: httpx.AsyncClient, grace: httpx.AsyncClient, as_user: Any, session: Session
) -> None:
    key = (await invite(carl, people)).json()["id"]
    taken = await as_user("root").patch(f"/user/{people.users['carl'].id}", json={"roles": []})
    assert taken.status_code == 200
    assert (await grace.post(f"/invitation/organization/{key}/accept")).status_code == 409
    assert people.gamma.id not in member_ids(session, people.main.id)


async def test_open_invitations_are_limited(
    people: Any, carl: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hanse_server.collaborations.invitations.OPEN_PER_COLLABORATION", 2)
    for name in ("a hospital", "b hospital"):
        assert (await invite(carl, people, organization_name=name)).status_code == 201
    assert (await invite(carl, people, organization_name="c hospital")).status_code == 409
