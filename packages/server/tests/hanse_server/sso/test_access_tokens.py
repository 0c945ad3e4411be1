"""Personal access tokens of who logs in at a provider last no longer than its word."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from hanse_server.sso.models import ExternalIdentity
from hanse_server.sso.people import still_welcome
from hanse_web.clock import FixedClock

pytestmark = pytest.mark.needs("npm")
LATER = timedelta(hours=1)


@pytest.fixture
async def tokens(desk: Any, hospital: Any, make: Any) -> dict[str, str]:
    """Ada is logged in."""
    make.organization("alpha")
    hospital.person("ada", "researchers")
    given: dict[str, str] = (await desk.log_in("ada")).json()
    return given


async def script_of(server: Any, tokens: dict[str, str]) -> httpx.AsyncClient:
    body = {"name": "nightly", "read_only": True, "days": 300}
    made = await server.client(tokens["access_token"]).post("/accesstoken", json=body)
    assert made.status_code == 201, made.text
    client: httpx.AsyncClient = server.client(made.json()["token"])
    return client


@pytest.fixture
async def script(server: Any, tokens: dict[str, str]) -> httpx.AsyncClient:
    """Hold a token that ada made."""
    return await script_of(server, tokens)


async def test_it_works_as_long_as_the_provider_confirms_its_owner_now_and_then(
    script: httpx.AsyncClient, desk: Any, clock: FixedClock
) -> None:
    for _ in range(3):
        clock.moment += timedelta(days=6)
        assert (await desk.log_in("ada")).status_code == 200
        assert (await script.get("/organization")).status_code == 200
    clock.moment += timedelta(days=7)
    late = await script.get("/organization")
    assert (late.status_code, late.json()["code"]) == (401, "unauthenticated")
    assert "log in there" in late.json()["msg"]
    assert (await desk.log_in("ada")).status_code == 200
    assert (await script.get("/organization")).status_code == 200


async def test_it_stops_at_once_when_the_provider_dismisses_its_owner(
    script: httpx.AsyncClient, tokens: dict[str, str], desk: Any, hospital: Any, clock: FixedClock
) -> None:
    hospital.dismiss("ada")
    clock.moment += LATER
    assert (await desk.refresh(tokens)).status_code == 401
    assert (await script.get("/organization")).status_code == 401


async def test_it_stops_at_once_when_its_owner_is_in_no_group_any_more(
    script: httpx.AsyncClient, tokens: dict[str, str], desk: Any, hospital: Any, clock: FixedClock, as_user: Any
) -> None:
    user = (await desk.whoami(tokens)).json()
    roles = (await as_user("root").get("/role", params={"name": "Viewer"})).json()["data"]
    wanted = [*user["permissions"]["roles"], roles[0]["id"]]
    assert (await as_user("root").patch(f"/user/{user['id']}", json={"roles": wanted})).status_code == 200
    hospital.person("ada", "choir")
    clock.moment += LATER
    assert (await desk.refresh(tokens)).status_code == 401
    assert (await script.get("/organization")).status_code == 401, "whatever roles were given by hand"


async def test_it_stops_when_the_link_or_the_provider_is_gone(
    script: httpx.AsyncClient, server: Any, session: Session, clock: FixedClock
) -> None:
    known = server.app.state.settings.oidc
    user_id = session.query(ExternalIdentity.user_id).scalar()
    assert still_welcome(known, clock)(session, user_id, "oidc:hospital")
    assert not still_welcome(known[1:], clock)(session, user_id, "oidc:hospital")
    session.execute(delete(ExternalIdentity))
    session.commit()
    assert (await script.get("/organization")).status_code == 401


async def test_one_made_with_a_password_does_not_need_the_provider(
    server: Any, make: Any, hospital: Any, anonymous: httpx.AsyncClient, clock: FixedClock
) -> None:
    make.user("bob", make.organization("alpha"), roles=["Viewer"])
    login = await anonymous.post("/token/user", json={"username": "bob", "password": "Correct-horse-1"})
    script = await script_of(server, login.json())
    clock.moment += timedelta(days=200)
    assert (await script.get("/organization")).status_code == 200
