"""People are invited by mail, and become no more than the inviter may make of them by then."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hanse_server.accounts.models import Organization, Role, User
from hanse_web.clock import FixedClock
from hanse_web.mail import MemoryMailer

NEW = "Battery-staple-2"
GUEST = "guest@example.org"
AsUser = Callable[[str], httpx.AsyncClient]


@pytest.fixture
def alpha(make: Any) -> Organization:
    organization: Organization = make.organization("alpha")
    make.user("anna", organization, roles=["Organization Admin"])
    make.user("bob", organization, roles=["Viewer"])
    return organization


@pytest.fixture
def anna(alpha: Organization, as_user: AsUser) -> httpx.AsyncClient:
    return as_user("anna")


@pytest.fixture
def viewer(session: Session) -> int:
    return session.scalars(select(Role.id).where(Role.name == "Viewer")).one()


async def invite(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await client.post("/invitation/user", json={"email": GUEST, **fields})


async def accept(client: httpx.AsyncClient, token: str, **fields: Any) -> httpx.Response:
    body = {"token": token, "username": "guest", "password": NEW, "firstname": "Gus", **fields}
    return await client.post("/invitation/user/accept", json=body)


async def test_an_invited_person_chooses_name_and_password_and_logs_in(
    anna: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    alpha: Organization,
    viewer: int,
    postbox: Any,
    session: Session,
) -> None:
    answer = await invite(anna, roles=[viewer])
    assert answer.status_code == 201, answer.text
    token = await postbox.token()
    assert token not in answer.text
    assert token not in str(session.execute(text("SELECT * FROM user_invitation")).all())
    session.rollback()
    seen = (await anonymous.post("/invitation/user/view", json={"token": token})).json()
    assert (seen["email"], seen["organization_name"]) == (GUEST, "alpha")
    accepted = await accept(anonymous, token)
    assert accepted.status_code == 201, accepted.text
    login = await anonymous.post("/token/user", json={"username": "guest", "password": NEW})
    assert login.status_code == 200
    user = session.get_one(User, accepted.json()["id"])
    assert (user.email, user.firstname, user.organization_id) == (GUEST, "Gus", alpha.id)
    assert [role.id for role in user.roles] == [viewer]
    assert (await anna.get("/invitation/user")).json()["data"] == []
    assert (await accept(anonymous, token, username="again")).status_code == 400, "a token works once"


async def test_of_two_who_accept_at_once_one_becomes_a_user(
    anna: httpx.AsyncClient, anonymous: httpx.AsyncClient, postbox: Any
) -> None:
    await invite(anna)
    token = await postbox.token()
    answers = await asyncio.gather(accept(anonymous, token), accept(anonymous, token, username="other"))
    assert sorted(answer.status_code for answer in answers) == [201, 400]


async def test_nobody_is_invited_with_more_than_the_inviter_may_give(
    anna: httpx.AsyncClient, as_user: AsUser, make: Any, session: Session, postbox: Any
) -> None:
    root = session.scalars(select(Role.id).where(Role.name == "Root")).one()
    beta = make.organization("beta")
    assert (await invite(anna, roles=[root])).status_code == 401
    assert (await invite(anna, rules=[1])).status_code == 401
    assert (await invite(anna, roles=[9999])).status_code == 404
    assert (await invite(anna, organization_id=beta.id)).status_code == 404
    assert (await invite(as_user("bob"))).status_code == 401
    assert (await invite(anna, email="anna@example.org")).status_code == 400, "is a user already"
    assert await postbox.read() == []


@pytest.mark.parametrize("change", ["lost the role", "is gone", "cannot give the role"])
async def test_what_the_inviter_may_by_then_counts(
    anna: httpx.AsyncClient, anonymous: httpx.AsyncClient, as_user: AsUser, viewer: int, postbox: Any, session: Session,
    change: str,
) -> None:  # fmt: skip
    await invite(anna, roles=[viewer])
    token = await postbox.token()
    me = session.scalars(select(User.id).where(User.username == "anna")).one()
    root = as_user("root")
    if change == "is gone":
        assert (await root.delete(f"/user/{me}")).status_code == 200
    elif change == "lost the role":
        assert (await root.patch(f"/user/{me}", json={"roles": [viewer]})).status_code == 200
    else:
        rules = (await root.get("/rule", params={"name": "user", "per_page": 100})).json()["data"]
        create = [rule["id"] for rule in rules if (rule["operation"], rule["scope"]) == ("CREATE", "ORGANIZATION")]
        assert (await root.patch(f"/user/{me}", json={"roles": [], "rules": create})).status_code == 200
    refused = await accept(anonymous, token)
    assert refused.status_code == (400 if change == "is gone" else 401)
    session.rollback()
    assert session.scalar(select(User.id).where(User.username == "guest")) is None


async def test_an_invitation_is_withdrawn_declined_or_expires(
    anna: httpx.AsyncClient, anonymous: httpx.AsyncClient, postbox: Any, clock: FixedClock
) -> None:
    key = (await invite(anna)).json()["id"]
    token = await postbox.token()
    assert (await anna.delete(f"/invitation/user/{key}")).status_code == 200
    assert (await anna.delete(f"/invitation/user/{key}")).status_code == 404
    assert (await accept(anonymous, token)).status_code == 400
    clock.moment += timedelta(hours=1)
    await invite(anna)
    token = await postbox.token()
    assert (await anonymous.post("/invitation/user/decline", json={"token": token})).status_code == 200
    assert (await accept(anonymous, token)).status_code == 400
    clock.moment += timedelta(hours=1)
    await invite(anna)
    token = await postbox.token()
    clock.moment += timedelta(days=7)
    assert (await accept(anonymous, token)).status_code == 401


async def test_invitations_are_no_way_to_fill_a_mailbox(
    anna: httpx.AsyncClient, postbox: Any, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (await invite(anna)).json()["id"]
    assert (await invite(anna)).status_code == 409
    await anna.delete(f"/invitation/user/{key}")
    assert (await invite(anna)).status_code == 409, "also after it was withdrawn"
    assert len(await postbox.read()) == 1
    monkeypatch.setattr("hanse_server.identity.invitations.PER_DAY", 2)
    assert (await invite(anna, email="second@example.org")).status_code == 201
    assert (await invite(anna, email="third@example.org")).status_code == 409
    clock.moment += timedelta(days=1)
    assert (await invite(anna, email="third@example.org")).status_code == 201


async def test_a_newer_invitation_ends_the_older_one(
    anna: httpx.AsyncClient, anonymous: httpx.AsyncClient, postbox: Any, clock: FixedClock
) -> None:
    await invite(anna)
    old = await postbox.token()
    clock.moment += timedelta(hours=1)
    await invite(anna)
    new = await postbox.token()
    assert (await accept(anonymous, old)).status_code == 400
    assert (await accept(anonymous, new)).status_code == 201


async def test_invitations_are_seen_by_those_who_may_create_users_there(
    anna: httpx.AsyncClient, as_user: AsUser, make: Any
) -> None:
    make.user("gary", make.organization("gamma"), roles=["Organization Admin"])
    key = (await invite(anna)).json()["id"]
    assert [item["id"] for item in (await as_user("root").get("/invitation/user")).json()["data"]] == [key]
    assert (await as_user("gary").get("/invitation/user")).json()["data"] == []
    assert (await as_user("gary").delete(f"/invitation/user/{key}")).status_code == 404
    assert (await as_user("bob").get("/invitation/user")).status_code == 401


async def test_a_bad_password_or_a_taken_name_leaves_the_invitation_open(
    anna: httpx.AsyncClient, anonymous: httpx.AsyncClient, postbox: Any
) -> None:
    await invite(anna)
    token = await postbox.token()
    assert (await accept(anonymous, token, password="Password1!")).status_code == 400
    assert (await accept(anonymous, token, username="bob")).status_code == 400
    assert (await accept(anonymous, token)).status_code == 201


@pytest.mark.parametrize("path", ["view", "accept", "decline"])
async def test_an_unknown_token_opens_nothing(anonymous: httpx.AsyncClient, path: str) -> None:
    body = {"token": "x", **({"username": "guest", "password": NEW} if path == "accept" else {})}
    assert (await anonymous.post(f"/invitation/user/{path}", json=body)).status_code == 400


class TestWithoutMail:
    @pytest.fixture
    def mailer(self) -> MemoryMailer | None:
        return None

    async def test_nobody_can_be_invited(self, anna: httpx.AsyncClient) -> None:
        assert (await invite(anna)).status_code == 400
