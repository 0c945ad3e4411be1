"""Whose account a person of a provider has."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session

from hanse_server.accounts.models import Organization, User
from hanse_web.clock import FixedClock

pytestmark = pytest.mark.needs("npm")
PASSWORD = {"current_password": "Correct-horse-1"}


@pytest.fixture
def alice(make: Any, alpha: Organization) -> User:
    user: User = make.user("alice", alpha, roles=["Viewer"])
    return user


@pytest.fixture
def at_home(desk: Any, alice: User, as_user: Any) -> Any:
    """The desk, with Alice logged in."""
    return type(desk)(as_user("alice"))


async def linked(desk: Any, name: str, provider: str = "university") -> httpx.Response:
    begun = await desk.start(provider, "link", **PASSWORD)
    answer: httpx.Response = await desk.finish(await desk.brought_back(name, begun), provider, "link/finish")
    return answer


async def test_a_user_links_whom_it_proves_to_be_and_logs_in_so(
    at_home: Any, desk: Any, university: Any, alice: User
) -> None:
    university.person("a.smith")
    answer = await linked(at_home, "a.smith")
    assert answer.status_code == 201, answer.text
    assert (answer.json()["provider"], answer.json()["subject"]) == ("university", "a.smith")
    tokens = (await desk.log_in("a.smith", "university")).json()
    assert tokens["user_url"] == f"/api/user/{alice.id}"
    listed = (await at_home.client.get(f"/user/{alice.id}/identity")).json()["data"]
    assert [each["subject"] for each in listed] == ["a.smith"]


async def test_linking_gives_the_roles_of_the_groups_beside_the_others(at_home: Any, hospital: Any, roles: Any) -> None:
    hospital.person("a.smith", "researchers", "partners")
    assert (await linked(at_home, "a.smith", "hospital")).status_code == 201
    assert roles("alice") == {"Viewer", "Researcher"}


async def test_linking_wants_the_password(at_home: Any, university: Any) -> None:
    body = {"redirect_uri": "https://ui.example/callback"}
    without = await at_home.client.post("/oidc/university/link", json=body)
    assert (without.status_code, list(without.json()["errors"])) == (400, ["current_password"])
    wrong = await at_home.client.post("/oidc/university/link", json={**body, "current_password": "Wrong-1"})
    assert wrong.status_code == 401


async def test_what_somebody_began_nobody_else_finishes(
    at_home: Any, desk: Any, university: Any, make: Any, alpha: Any, as_user: Any
) -> None:
    university.person("mallory")
    make.user("mallory", alpha)
    body = await at_home.brought_back("mallory", await at_home.start("university", "link", **PASSWORD))
    path = "/oidc/university/link/finish"
    assert (await as_user("mallory").post(path, json=body)).status_code == 401
    assert (await desk.client.post(path, json=body)).status_code == 401
    assert (await desk.finish(body, "university")).status_code == 401


async def test_a_login_is_no_proof_for_linking(at_home: Any, university: Any) -> None:
    university.person("mallory")
    body = await at_home.brought_back("mallory", await at_home.start("university"))
    assert (await at_home.client.post("/oidc/university/link/finish", json=body)).status_code == 401


async def test_a_person_has_one_account(
    at_home: Any, desk: Any, university: Any, make: Any, alpha: Any, as_user: Any
) -> None:
    university.person("a.smith")
    make.user("bob", alpha)
    assert (await linked(at_home, "a.smith")).status_code == 201
    assert (await linked(at_home, "a.smith")).status_code == 201
    refused = await linked(type(desk)(as_user("bob")), "a.smith")
    assert refused.status_code == 409


async def test_an_administrator_registers_people_of_his_organization_only(
    desk: Any, university: Any, alice: User, make: Any, alpha: Any, as_user: Any
) -> None:
    beta = make.organization("beta")
    make.user("admin", alpha, roles=["Organization Admin"])
    stranger = make.user("stranger", beta, roles=["Viewer"])
    body = {"provider": "university", "subject": "a.smith"}
    admin = as_user("admin")
    assert (await admin.post(f"/user/{alice.id}/identity", json=body)).status_code == 201
    assert (await admin.post(f"/user/{stranger.id}/identity", json=body)).status_code == 404
    assert (await admin.get(f"/user/{stranger.id}/identity")).status_code == 404
    unknown = await admin.post(f"/user/{alice.id}/identity", json={**body, "provider": "nobody"})
    assert unknown.status_code == 400
    university.person("a.smith")
    tokens = (await desk.log_in("a.smith", "university")).json()
    assert tokens["user_url"] == f"/api/user/{alice.id}"


async def test_nobody_registers_himself_as_somebody_who_may_do_more(
    alice: User, make: Any, alpha: Any, as_user: Any
) -> None:
    admin = make.user("admin", alpha, roles=["Organization Admin"])
    chief = make.user("chief", alpha, roles=["Collaboration Admin"])
    body = {"provider": "university", "subject": "mallory"}
    assert (await as_user("admin").post(f"/user/{chief.id}/identity", json=body)).status_code == 401
    assert (await as_user("admin").post(f"/user/{admin.id}/identity", json=body)).status_code == 401
    assert (await as_user("alice").post(f"/user/{admin.id}/identity", json=body)).status_code == 401
    assert (await as_user("alice").get(f"/user/{admin.id}/identity")).status_code == 401


async def test_a_link_that_is_removed_ends_its_sessions_and_takes_its_roles(
    at_home: Any, desk: Any, hospital: Any, alice: User, roles: Any
) -> None:
    hospital.person("a.smith", "researchers")
    key = (await linked(at_home, "a.smith", "hospital")).json()["id"]
    tokens = (await desk.log_in("a.smith")).json()
    assert (await at_home.client.delete(f"/user/{alice.id}/identity/{key}")).status_code == 200
    assert (await desk.whoami(tokens)).status_code == 401
    assert roles("alice") == {"Viewer"}
    assert (await at_home.client.delete(f"/user/{alice.id}/identity/{key}")).status_code == 404


async def test_nobody_removes_his_only_way_in(
    desk: Any, hospital: Any, alpha: Any, as_user: Any, session: Session
) -> None:
    hospital.person("ada", "researchers")
    key = int((await desk.log_in("ada")).json()["user_url"].rpartition("/")[2])
    listed = (await as_user("root").get(f"/user/{key}/identity")).json()["data"]
    path = f"/user/{key}/identity/{listed[0]['id']}"
    assert (await as_user("ada").delete(path)).status_code == 400
    assert (await as_user("root").delete(path)).status_code == 200


async def test_a_user_without_password_links_another_person_without_one(
    desk: Any, hospital: Any, university: Any, alpha: Any, server: Any, clock: FixedClock
) -> None:
    hospital.person("ada", "researchers")
    university.person("ada.l")
    tokens = (await desk.log_in("ada")).json()
    home = type(desk)(server.client(tokens["access_token"]))
    body = await home.brought_back("ada.l", await home.start("university", "link"))
    assert (await home.finish(body, "university", "link/finish")).status_code == 201
    clock.moment += timedelta(minutes=11)
    body = {"redirect_uri": "https://ui.example/callback"}
    late = await home.client.post("/oidc/university/link", json=body)
    assert late.status_code == 401
    assert "log in again" in late.json()["msg"], "a session that was taken over must not become a way in for ever"


async def test_a_removed_user_leaves_no_identity_behind(
    desk: Any, hospital: Any, alpha: Any, as_user: Any, session: Session
) -> None:
    from hanse_server.sso.models import ExternalIdentity

    hospital.person("ada", "researchers")
    key = (await desk.log_in("ada")).json()["user_url"].rpartition("/")[2]
    answer = await as_user("root").delete(f"/user/{key}")
    assert answer.status_code == 200, answer.text
    assert session.query(ExternalIdentity).count() == 0
    assert (await desk.log_in("ada")).status_code == 200


async def test_the_owner_is_told(at_home: Any, university: Any, postbox: Any) -> None:
    """Whoever adds a way to log in may be somebody else."""
    university.person("a.smith")
    assert (await linked(at_home, "a.smith")).status_code == 201
    (mail,) = await postbox.read()
    assert mail.to == "alice@example.org"
    assert "you can now log in through university" in mail.text


async def test_who_has_no_password_cannot_get_one_by_mail(desk: Any, hospital: Any, alpha: Any, postbox: Any) -> None:
    hospital.person("ada", "researchers", email="ada@x.example", email_verified=True)
    assert (await desk.log_in("ada")).status_code == 200
    for lost in ({"username": "ada"}, {"email": "ada@x.example"}):
        assert (await desk.client.post("/recover/lost", json=lost)).status_code == 200
    assert await postbox.read() == []
