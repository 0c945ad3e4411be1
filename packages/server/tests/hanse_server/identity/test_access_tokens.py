"""Personal access tokens: a part of one's rights, for a while, and never the keys to the account."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hanse_core.permissions import RULE_IDS, RULES, Operation, Permissions, Resource, Rule, Scope
from hanse_server.accounts.models import Organization
from hanse_server.identity.access_token_models import AccessToken
from hanse_server.identity.access_tokens import narrowed
from hanse_server.settings import Settings
from hanse_web.clock import FixedClock

PASSWORD = "Correct-horse-1"
VIEW_TASKS = RULE_IDS[Rule(Resource.TASK, Scope.COLLABORATION, Operation.VIEW)]
VIEW_OWN_TASKS = RULE_IDS[Rule(Resource.TASK, Scope.ORGANIZATION, Operation.VIEW)]
CREATE_TASKS = RULE_IDS[Rule(Resource.TASK, Scope.COLLABORATION, Operation.CREATE)]
DELETE_ALL = RULE_IDS[Rule(Resource.TASK, Scope.GLOBAL, Operation.DELETE)]


@pytest.fixture
async def alice(server: Any, anonymous: httpx.AsyncClient, world: Any) -> httpx.AsyncClient:
    """Alice, logged in."""
    answer = await anonymous.post("/token/user", json={"username": "alice", "password": PASSWORD})
    client: httpx.AsyncClient = server.client(answer.json()["access_token"])
    return client


async def create(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await client.post("/accesstoken", json={"name": "nightly", **body})


@pytest.fixture
def script(server: Any, alice: httpx.AsyncClient) -> Any:
    """Give a client with a token of alice's."""

    async def make(**body: Any) -> httpx.AsyncClient:
        answer = await create(alice, **body)
        assert answer.status_code == 201, answer.text
        client: httpx.AsyncClient = server.client(answer.json()["token"])
        return client

    return make


@given(st.sets(st.sampled_from(RULES), max_size=8), st.sets(st.integers(1, 300), max_size=8), st.booleans())
def test_a_token_never_may_more_than_its_owner_nor_than_was_given_to_it(
    held: set[Rule], given_ids: Iterable[int], is_read_only: bool
) -> None:
    owner = Permissions(held)
    mine = narrowed(owner, given_ids, is_read_only=is_read_only)
    for rule in RULES:
        if mine.covers([rule]):
            assert owner.covers([rule])
            assert is_read_only or Permissions(RULES[n - 1] for n in given_ids if n <= len(RULES)).covers([rule])
            assert not is_read_only or rule.operation in (Operation.VIEW, Operation.RECEIVE)


async def test_a_token_that_only_looks_sees_what_its_owner_sees_and_changes_nothing(
    script: Any, alice: httpx.AsyncClient, clients: Any, world: Any
) -> None:
    task = await clients.task()
    client = await script(read_only=True)
    for path in ("/task", "/run", "/organization", "/node", "/user", "/collaboration", "/study", "/role"):
        assert (await client.get(path)).json() == (await alice.get(path)).json(), path
    assert (await client.delete(f"/task/{task['id']}")).status_code == 401
    places = [{"id": world.alpha.id, "input": ""}]
    body = {"collaboration_id": world.main.id, "image": "x:1", "organizations": places}
    assert (await client.post("/task", json=body)).status_code == 401
    assert (await client.patch(f"/user/{world.users['alice'].id}", json={"firstname": "A"})).status_code == 401


async def test_a_token_may_what_its_rules_say_as_long_as_its_owner_may(
    script: Any, clients: Any, world: Any, engine: Any
) -> None:
    task = await clients.task()
    client = await script(rules=[VIEW_OWN_TASKS])
    assert (await client.get(f"/task/{task['id']}")).status_code == 200, "held at a wider scope"
    assert (await client.get("/run")).status_code == 401
    changed = await clients.user("root").patch(f"/user/{world.users['alice'].id}", json={"roles": []})
    assert changed.status_code == 200
    assert (await client.get(f"/task/{task['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"rules": []}, 400),
        ({"rules": [VIEW_TASKS], "read_only": True}, 400),
        ({"rules": [DELETE_ALL]}, 401),
        ({"rules": [9999]}, 404),
        ({"read_only": True, "days": 366}, 400),
        ({"read_only": True, "days": 0}, 400),
        ({"read_only": True, "name": ""}, 400),
    ],
)
async def test_what_cannot_be_given_to_a_token_is_refused(
    alice: httpx.AsyncClient, body: dict[str, Any], status: int
) -> None:
    assert (await create(alice, **body)).status_code == status


async def test_a_token_is_shown_once_and_kept_only_as_a_hash(
    alice: httpx.AsyncClient, clients: Any, session: Session
) -> None:
    made = (await create(alice, rules=[VIEW_TASKS, CREATE_TASKS], days=7)).json()
    assert made["token"].startswith("hanse_pat_")
    (listed,) = (await alice.get("/accesstoken")).json()["data"]
    assert listed == {**made, "token": None}
    assert (listed["rules"], listed["last_used_at"]) == (sorted([VIEW_TASKS, CREATE_TASKS]), None)
    stored = session.scalars(select(AccessToken)).one()
    assert made["token"] not in str(vars(stored))
    assert (await clients.user("root").get("/accesstoken")).json()["data"] == []
    assert (await clients.user("root").delete(f"/accesstoken/{made['id']}")).status_code == 404


async def test_its_last_use_is_shown(script: Any, alice: httpx.AsyncClient, server: Any, clock: FixedClock) -> None:
    client = await script(read_only=True)
    await client.get("/task")
    for listener in server.app.state.last_used:
        await listener.flush()
    (listed,) = (await alice.get("/accesstoken")).json()["data"]
    assert listed["last_used_at"] == clock.now().replace(tzinfo=None).isoformat()
    (session,) = (await alice.get("/session")).json()["data"]
    assert session["last_used_at"] == clock.now().replace(tzinfo=None).isoformat()


async def test_a_token_ends_on_its_day_when_deleted_and_with_its_owners_password(
    script: Any, alice: httpx.AsyncClient, anonymous: httpx.AsyncClient, clock: FixedClock
) -> None:
    client = await script(read_only=True, days=0.1)
    assert (await client.get("/task")).status_code == 200
    clock.moment += timedelta(days=0.1)
    assert (await client.get("/task")).status_code == 401
    client = await script(read_only=True)
    (listed,) = (await alice.get("/accesstoken")).json()["data"]
    assert (await alice.delete(f"/accesstoken/{listed['id']}")).status_code == 200
    assert (await client.get("/task")).status_code == 401
    client = await script(read_only=True)
    body = {"current_password": PASSWORD, "new_password": "Better-horse-2"}
    assert (await alice.patch("/password/change", json=body)).status_code == 200
    assert (await client.get("/task")).status_code == 401


async def test_a_token_opens_nothing_that_concerns_how_its_owner_logs_in(
    script: Any, server: Any, world: Any, clients: Any, make: Any
) -> None:
    make.user("rita", world.alpha, roles=["Root"])
    login = await server.client().post("/token/user", json={"username": "rita", "password": PASSWORD})
    body = {"name": "all", "rules": list(range(1, len(RULES) + 1))}
    made = await server.client(login.json()["access_token"]).post("/accesstoken", json=body)
    assert made.status_code == 201, made.text
    mighty = server.client(made.json()["token"])
    assert (await mighty.get("/user")).status_code == 200
    refused: list[tuple[str, str, Any]] = [
        ("POST", "/accesstoken", {"name": "x", "read_only": True}),
        ("GET", "/accesstoken", None),
        ("DELETE", f"/accesstoken/{made.json()['id']}", None),
        ("GET", "/session", None),
        ("DELETE", "/session/x", None),
        ("POST", "/token/revoke", {"all": True}),
        ("PATCH", "/password/change", {"current_password": PASSWORD, "new_password": "Better-horse-2"}),
        ("DELETE", f"/user/{world.users['alice'].id}/second_factor", None),
        ("PATCH", f"/user/{world.users['alice'].id}", {"email": "thief@example.org"}),
        ("PATCH", f"/user/{world.users['alice'].id}", {"username": "alicia"}),
    ]
    for method, path, sent in refused:
        answer = await mighty.request(method, path, json=sent)
        assert (answer.status_code, answer.json()["code"]) == (401, "denied"), f"{method} {path}: {answer.text}"
    for path in ("/token/refresh", "/token/user/validate", "/token/node/validate"):
        assert (await mighty.post(path)).status_code == 422, path


@pytest.mark.parametrize("token", ["hanse_pat_", "hanse_pat_x", "hanse_pat_" + "a" * 5000])
async def test_an_unknown_token_is_refused(server: Any, token: str) -> None:
    answer = await server.client(token).get("/task")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_nobody_has_too_many(alice: httpx.AsyncClient) -> None:
    statuses = [(await create(alice, read_only=True)).status_code for _ in range(51)]
    assert statuses == [201] * 50 + [400]


async def test_deleting_a_user_deletes_its_tokens(alice: httpx.AsyncClient, script: Any, clients: Any) -> None:
    client = await script(read_only=True)
    me = (await alice.post("/token/user/validate")).json()["user_id"]
    assert (await clients.user("root").delete(f"/user/{me}")).status_code == 200
    assert (await client.get("/task")).status_code == 401


class TestWithoutTokens:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        limits = settings.sessions.model_copy(update={"access_token_max_days": 0})
        return settings.model_copy(update={"sessions": limits})

    async def test_an_operator_can_forbid_them(self, alice: httpx.AsyncClient) -> None:
        answer = await create(alice, read_only=True)
        assert (answer.status_code, answer.json()["code"]) == (401, "denied")


class TestSecondFactor:
    """A token does not stand in for a second factor that is required."""

    @pytest.fixture
    def code(self, clock: FixedClock) -> Any:
        def of(secret: str) -> str:
            clock.moment += timedelta(seconds=30)
            return pyotp.TOTP(secret).at(clock.moment)

        return of

    async def set_up(self, client: httpx.AsyncClient, code: Any) -> str:
        made = (await client.post("/second_factor", json={"password": PASSWORD})).json()
        answer = await client.post("/second_factor/confirm", json={"mfa_code": code(made["otp_secret"])})
        assert answer.status_code == 200, answer.text
        secret: str = made["otp_secret"]
        return secret

    def require(self, session: Session, world: Any) -> None:
        """Say so behind the back of the server, which ends logins and tokens of who has none when it is asked."""
        session.execute(update(Organization).where(Organization.id == world.alpha.id).values(two_factor_required=True))
        session.commit()

    async def test_one_from_before_the_requirement_stops_until_its_owner_has_set_one_up(
        self, script: Any, alice: httpx.AsyncClient, server: Any, session: Session, world: Any, code: Any
    ) -> None:
        client = await script(read_only=True)
        self.require(session, world)
        server.app.state.works.known.forget()
        refused = await client.get("/task")
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
        assert "second factor" in refused.json()["msg"]
        await self.set_up(alice, code)
        assert (await client.get("/task")).status_code == 200

    async def test_one_is_made_only_after_a_login_with_the_second_factor(
        self,
        alice: httpx.AsyncClient,
        anonymous: httpx.AsyncClient,
        server: Any,
        session: Session,
        world: Any,
        code: Any,
    ) -> None:
        login = await anonymous.post("/token/user", json={"username": "alice", "password": PASSWORD})
        without = server.client(login.json()["access_token"])
        secret = await self.set_up(alice, code)
        self.require(session, world)
        refused = await create(without, read_only=True)
        assert (refused.status_code, refused.json()["code"]) == (401, "denied")
        assert (await create(alice, read_only=True)).status_code == 201, "the second factor was confirmed in this login"
        body = {"username": "alice", "password": PASSWORD, "mfa_code": code(secret)}
        login = await anonymous.post("/token/user", json=body)
        assert (await create(server.client(login.json()["access_token"]), read_only=True)).status_code == 201

    async def test_losing_the_second_factor_ends_what_was_made_without(
        self, script: Any, alice: httpx.AsyncClient, session: Session, world: Any, code: Any
    ) -> None:
        client = await script(read_only=True)
        secret = await self.set_up(alice, code)
        assert (await client.get("/task")).status_code == 200
        proof = {"password": PASSWORD, "mfa_code": code(secret)}
        assert (await alice.request("DELETE", "/second_factor", json=proof)).status_code == 200
        self.require(session, world)
        assert (await client.get("/task")).status_code == 401

    class TestOfTheServer:
        @pytest.fixture
        def settings(self, settings: Settings) -> Settings:
            return settings.model_copy(update={"two_factor_auth": True})

        async def test_tokens_of_a_login_without_one_cannot_be_made(self, as_user: Any, world: Any) -> None:
            refused = await create(as_user("alice"), read_only=True)
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
            assert "does not prove that one was shown" in refused.json()["msg"]
