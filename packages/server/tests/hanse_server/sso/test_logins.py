"""Logging in through a browser at a real provider."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hanse_server.accounts.models import Organization, User
from hanse_server.identity.models import LoginSession
from hanse_server.sso.models import ExternalIdentity
from hanse_web.clock import FixedClock

pytestmark = pytest.mark.needs("npm")


async def test_the_providers_are_listed_without_what_is_secret(anonymous: httpx.AsyncClient) -> None:
    listed = (await anonymous.get("/oidc")).json()
    assert listed == {
        "data": [{"name": "hospital", "label": "The hospital"}, {"name": "university", "label": "university"}]
    }


async def test_a_person_logs_in_and_gets_an_account_with_the_roles_of_its_groups(
    desk: Any, ada: str, alpha: Organization, session: Session, hospital: Any
) -> None:
    answer = await desk.log_in(ada)
    assert answer.status_code == 200, answer.text
    assert answer.headers["jwt-token"] == answer.json()["access_token"]
    user = (await desk.whoami(answer.json())).json()
    assert (user["username"], user["firstname"], user["email"]) == ("ada", "Ada", "ada@x.example")
    assert user["organization"]["id"] == alpha.id
    row = session.scalars(select(User).where(User.username == "ada")).one()
    assert [role.name for role in row.roles] == ["Researcher"]
    identity = session.scalars(select(ExternalIdentity)).one()
    assert (identity.user_id, identity.issuer, identity.subject) == (row.id, hospital.issuer, "ada")


async def test_a_second_login_finds_the_same_account(desk: Any, ada: str, session: Session) -> None:
    first, second = await desk.log_in(ada), await desk.log_in(ada)
    assert first.json()["user_url"] == second.json()["user_url"]
    assert session.scalar(select(func.count()).select_from(ExternalIdentity)) == 1


async def test_the_account_has_no_password(desk: Any, ada: str, anonymous: httpx.AsyncClient) -> None:
    await desk.log_in(ada)
    for password in ("!", "adaada", " "):
        answer = await anonymous.post("/token/user", json={"username": "ada", "password": password})
        assert answer.status_code == 401


async def test_the_refresh_token_of_the_provider_is_unreadable_in_the_database(
    desk: Any, ada: str, session: Session
) -> None:
    await desk.log_in(ada)
    row = session.scalars(select(LoginSession)).one()
    assert row.method == "oidc:hospital"
    assert row.external
    assert "refresh_token" not in row.external


async def test_another_state_is_refused(desk: Any, ada: str) -> None:
    body = await desk.brought_back(ada, await desk.start())
    for state in ("", "x", body["state"] + "x"):
        assert (await desk.finish({**body, "state": state})).status_code == 401
    assert (await desk.finish(body)).status_code == 200


async def test_the_code_of_somebody_else_does_not_log_one_in(desk: Any, ada: str, hospital: Any) -> None:
    """Login CSRF: a stranger's link with the stranger's code, opened by somebody who has begun a login."""
    hospital.person("mallory", "researchers")
    planted = await desk.brought_back("mallory", await desk.start())
    begun = await desk.start()
    for state in (planted["state"], begun["state"]):
        answer = await desk.finish({**planted, "ticket": begun["ticket"], "state": state})
        assert answer.status_code == 401


async def test_a_code_is_good_for_one_login(desk: Any, ada: str) -> None:
    body = await desk.brought_back(ada, await desk.start())
    assert (await desk.finish(body)).status_code == 200
    replayed = await desk.finish(body)
    assert replayed.status_code == 401
    assert "invalid_grant" in replayed.json()["msg"]


async def test_an_answer_of_another_issuer_is_refused(desk: Any, ada: str, university: Any) -> None:
    body = await desk.brought_back(ada, await desk.start())
    for issuer in (university.issuer, None):
        answer = await desk.finish({**body, "iss": issuer})
        assert answer.status_code == 401
        assert "another provider" in answer.json()["msg"]


async def test_a_ticket_works_at_its_provider_only_and_for_ten_minutes(desk: Any, ada: str, clock: FixedClock) -> None:
    body = await desk.brought_back(ada, await desk.start())
    assert (await desk.finish(body, "university")).status_code == 401
    clock.moment += timedelta(minutes=10)
    late = await desk.finish(body)
    assert late.status_code == 401
    assert "start again" in late.json()["msg"]


async def test_a_changed_nonce_is_noticed(desk: Any, ada: str) -> None:
    begun = await desk.start()
    url = httpx.URL(begun["authorization_url"])
    begun["authorization_url"] = str(url.copy_set_param("nonce", "planted"))
    answer = await desk.finish(await desk.brought_back(ada, begun))
    assert answer.status_code == 401
    assert "nonce" in answer.json()["msg"]


@pytest.mark.parametrize(
    "address",
    [
        "https://ui.example/callback/",
        "https://ui.example/callback?x=1",
        "https://evil.example/callback",
        "http://127.0.0.1:80/other",
        "http://127.0.0.1:x/callback",
        "http://127.0.0.1.evil.example:80/callback",
        "http://user@127.0.0.1:80/callback",
        "http://localhost:80/callback",
        "javascript:alert(1)",
    ],
)
async def test_codes_are_sent_to_listed_addresses_only(anonymous: httpx.AsyncClient, address: str) -> None:
    answer = await anonymous.post("/oidc/hospital/start", json={"redirect_uri": address})
    assert answer.status_code == 400
    assert "redirect_uri" in answer.json()["errors"]


async def test_an_unknown_provider_is_not_found(anonymous: httpx.AsyncClient) -> None:
    for path in ("start", "finish", "device", "device/finish"):
        body = {
            "start": {"redirect_uri": "https://ui.example/callback"},
            "finish": {"ticket": "x", "state": "x", "code": "x"},
            "device/finish": {"ticket": "x"},
        }.get(path)
        answer = await anonymous.post(f"/oidc/nobody/{path}", json=body)
        assert answer.status_code == 404


async def test_a_start_leaves_nothing_in_the_database(desk: Any, statements: Callable[[], Any]) -> None:
    with statements() as sent:
        await desk.start()
    assert sent == []


async def test_an_e_mail_that_somebody_here_has_merges_nothing(desk: Any, ada: str, make: Any, alpha: Any) -> None:
    local = make.user("ada.local", alpha, roles=["Organization Admin"], email="ADA@x.example")
    answer = await desk.log_in(ada)
    assert answer.status_code == 401
    assert "link" in answer.json()["msg"]
    assert str(local.id) not in answer.text


async def test_an_unverified_e_mail_is_not_taken(desk: Any, hospital: Any, make: Any, alpha: Any) -> None:
    make.user("ada.local", alpha, email="ada@x.example")
    hospital.person("ada", "researchers", email="ada@x.example", email_verified=False)
    answer = await desk.log_in("ada")
    assert answer.status_code == 200
    assert (await desk.whoami(answer.json())).json()["email"].endswith("@hospital.invalid")


async def test_a_username_that_somebody_here_has_leads_to_another_one(
    desk: Any, ada: str, hospital: Any, make: Any, alpha: Any
) -> None:
    local = make.user("Ada", alpha)
    answer = await desk.log_in(ada)
    user = (await desk.whoami(answer.json())).json()
    assert user["username"] == "ada-hospital"
    assert user["id"] != local.id


async def test_the_same_subject_at_two_providers_is_two_people(
    desk: Any, ada: str, university: Any, make: Any, alpha: Any, as_user: Any
) -> None:
    university.person("ada", "researchers", email="ada@x.example", email_verified=True)
    first = await desk.log_in(ada)
    stranger = await desk.log_in("ada", "university")
    assert stranger.status_code == 401
    other = make.user("ada.b", alpha)
    registered = {"provider": "university", "subject": "ada"}
    assert (await as_user("root").post(f"/user/{other.id}/identity", json=registered)).status_code == 201
    second = await desk.log_in("ada", "university")
    assert second.status_code == 200
    assert first.json()["user_url"] != second.json()["user_url"]


async def test_who_is_in_no_listed_group_gets_no_account(
    desk: Any, hospital: Any, alpha: Any, session: Session
) -> None:
    for groups in ((), ("choir",), ("researchers ", "Researchers")):
        hospital.person("eve", *groups)
        answer = await desk.log_in("eve")
        assert answer.status_code == 401
        assert "groups" in answer.json()["msg"]
    assert session.scalar(select(func.count()).select_from(ExternalIdentity)) == 0


async def test_groups_of_two_organizations_make_no_account(desk: Any, hospital: Any, make: Any, alpha: Any) -> None:
    make.organization("beta")
    hospital.person("eve", "researchers", "partners")
    answer = await desk.log_in("eve")
    assert answer.status_code == 401
    assert "more than one organization" in answer.json()["msg"]


async def test_where_unknown_people_are_refused_they_learn_what_to_tell_an_administrator(
    desk: Any, university: Any
) -> None:
    university.person("eve", "researchers")
    answer = await desk.log_in("eve", "university")
    assert answer.status_code == 401
    assert "subject there is eve" in answer.json()["msg"]


async def test_no_group_gives_more_than_a_default_role_below_root_could(
    desk: Any, ada: str, make: Any, alpha: Any, settings: Any, server: Any, roles: Any
) -> None:
    from hanse_core.permissions import Operation, Resource, Scope

    make.role("Researcher+", alpha, (Resource.USER, Operation.CREATE, Scope.GLOBAL))
    provider = server.app.state.sso.providers["hospital"]
    grant = provider.settings.groups["researchers"].model_copy(update={"roles": ("Viewer", "Researcher+", "nothing")})
    provider.settings.groups["researchers"] = grant
    assert (await desk.log_in(ada)).status_code == 200
    assert roles("ada") == {"Viewer"}


async def test_a_device_logs_in_while_the_person_uses_a_browser_elsewhere(
    desk: Any, ada: str, anonymous: httpx.AsyncClient, browser: Any, clock: FixedClock
) -> None:
    begun = (await anonymous.post("/oidc/hospital/device")).json()
    body = {"ticket": begun["ticket"]}
    waiting = await anonymous.post("/oidc/hospital/device/finish", json=body)
    assert (waiting.status_code, waiting.json()["status"]) == (202, "pending")
    hasty = await anonymous.post("/oidc/hospital/device/finish", json=body)
    assert (hasty.status_code, hasty.json()["status"]) == (202, "slow_down")
    assert "Success" in browser(ada).visit(begun["verification_uri"], user_code=begun["user_code"])
    clock.moment += timedelta(seconds=begun["interval"])
    answer = await anonymous.post("/oidc/hospital/device/finish", json=body)
    assert answer.status_code == 200, answer.text
    assert (await desk.whoami(answer.json())).json()["username"] == "ada"
    clock.moment += timedelta(seconds=begun["interval"])
    assert (await anonymous.post("/oidc/hospital/device/finish", json=body)).status_code == 401


async def test_a_device_login_can_be_switched_off(
    desk: Any, ada: str, anonymous: httpx.AsyncClient, server: Any
) -> None:
    begun = (await anonymous.post("/oidc/hospital/device")).json()
    provider = server.app.state.sso.providers["hospital"]
    provider.settings = provider.settings.model_copy(update={"device_login": False})
    refused = await anonymous.post("/oidc/hospital/device")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    answer = await anonymous.post("/oidc/hospital/device/finish", json={"ticket": begun["ticket"]})
    assert answer.status_code == 409
    assert (await desk.log_in(ada)).status_code == 200


async def test_a_device_that_is_declined_or_too_late_is_refused(
    desk: Any, ada: str, anonymous: httpx.AsyncClient, clock: FixedClock
) -> None:
    begun = (await anonymous.post("/oidc/hospital/device")).json()
    for path, name in (("device/finish", "university"), ("finish", "hospital")):
        body = {"ticket": begun["ticket"]} | ({} if path == "device/finish" else {"state": "x", "code": "x"})
        assert (await anonymous.post(f"/oidc/{name}/{path}", json=body)).status_code == 401
    clock.moment += timedelta(seconds=begun["expires_in"])
    late = await anonymous.post("/oidc/hospital/device/finish", json={"ticket": begun["ticket"]})
    assert late.status_code == 401


async def test_a_provider_that_does_not_answer_is_unavailable_and_passwords_go_on_working(
    desk: Any, ada: str, hospital: Any, anonymous: httpx.AsyncClient, make: Any, alpha: Any
) -> None:
    make.user("bob", alpha)
    body = await desk.brought_back(ada, await desk.start())
    hospital.mood(500)
    answer = await desk.finish(body)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    login = {"username": "bob", "password": "Correct-horse-1"}
    assert (await anonymous.post("/token/user", json=login)).status_code == 200


async def test_whoever_fails_too_often_must_pause_and_the_provider_is_left_in_peace(
    desk: Any, ada: str, server: Any, clock: FixedClock
) -> None:
    server.app.state.sso._patience._most = 3
    body = await desk.brought_back(ada, await desk.start())
    for _ in range(3):
        assert (await desk.finish({**body, "state": "x"})).status_code == 401
    paused = await desk.finish(body)
    assert (paused.status_code, paused.headers["retry-after"]) == (503, "601")
    assert (await desk.client.post("/oidc/hospital/device")).status_code == 503
    clock.moment += timedelta(minutes=10)
    assert (await desk.log_in(ada)).status_code == 200


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "%00", "\\u202e"])
async def test_odd_texts_are_refused_as_anything_else(desk: Any, ada: str, text: str) -> None:
    begun = await desk.start()
    for field in ("ticket", "state", "code", "iss"):
        right = {"ticket": begun["ticket"], "state": begun["state"], "code": "x", "iss": "x"}
        raw = json.dumps({**right, field: "@"}).replace("@", text)
        answer = await desk.client.post(
            "/oidc/hospital/finish", content=raw, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (400, 401), answer.text
