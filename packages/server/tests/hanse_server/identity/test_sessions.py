"""Staying logged in, being shown to third parties, and changing one's password."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hanse_server.accounts.models import User
from hanse_server.settings import Settings
from hanse_web.clock import FixedClock

PASSWORD = "Correct-horse-1"


@pytest.fixture
async def alice(make: Any) -> User:
    user: User = make.user("alice", make.organization("alpha"), roles=["Researcher"])
    return user


@pytest.fixture
async def tokens(anonymous: httpx.AsyncClient, alice: User) -> dict[str, str]:
    answer = await anonymous.post("/token/user", json={"username": "alice", "password": PASSWORD})
    body: dict[str, str] = answer.json()
    return body


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.replays("42", 0, 1, 2, 3)
async def test_tokens_are_refreshed_and_shown_as_recorded(
    anonymous: httpx.AsyncClient, tokens: dict[str, str], recording: Any, answers_like: Callable[..., None]
) -> None:
    refresh, not_refresh, not_access, validate, *_ = recording("42")
    access, renew = bearer(tokens["access_token"]), bearer(tokens["refresh_token"])
    answers_like(await anonymous.post("/token/refresh", headers=renew), refresh)
    answers_like(await anonymous.post("/token/refresh", headers=access), not_refresh)
    answers_like(await anonymous.get("/user", headers=renew), not_access)
    answers_like(await anonymous.post("/token/user/validate", headers=access), validate)


@pytest.mark.replays("42", 4, 5)
async def test_a_node_is_shown_as_recorded_and_does_not_pass_for_a_user(
    as_node: Any, make: Any, recording: Any, answers_like: Callable[..., None]
) -> None:
    *_, shown, mistaken = recording("42")
    alpha = make.organization("alpha")
    client = as_node(make.node(alpha, make.collaboration("first", [alpha])))
    answers_like(await client.post("/token/node/validate"), shown)
    assert mistaken["response"]["status"] == 500
    answer = await client.post("/token/user/validate")
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong-identity")


async def test_a_node_refreshes_its_tokens_too(server: Any, anonymous: httpx.AsyncClient, make: Any) -> None:
    alpha = make.organization("alpha")
    node = make.node(alpha, make.collaboration("first", [alpha]))
    token = server.app.state.pairs.for_node(node.id, 0).refresh_token
    answer = await anonymous.post("/token/refresh", headers=bearer(token))
    assert answer.status_code == 200
    assert answer.json()["node_url"] == f"/api/node/{node.id}"


async def test_an_access_token_ends_after_its_time_and_the_refresh_token_lives_on(
    anonymous: httpx.AsyncClient, tokens: dict[str, str], clock: FixedClock
) -> None:
    clock.moment += timedelta(hours=6)
    assert (await anonymous.get("/user", headers=bearer(tokens["access_token"]))).status_code == 401
    renewed = await anonymous.post("/token/refresh", headers=bearer(tokens["refresh_token"]))
    assert renewed.status_code == 200
    assert (await anonymous.get("/user", headers=bearer(renewed.json()["access_token"]))).status_code == 200
    clock.moment += timedelta(hours=42)
    assert (await anonymous.post("/token/refresh", headers=bearer(tokens["refresh_token"]))).status_code == 401


@pytest.mark.replays("43")
async def test_a_password_is_changed_as_recorded_and_ends_every_older_token(
    anonymous: httpx.AsyncClient,
    tokens: dict[str, str],
    alice: User,
    bus: Any,
    server: Any,
    recording: Any,
    answers_like: Callable[..., None],
) -> None:
    wrong, weak, good = recording("43")
    old = bearer(tokens["access_token"])

    async def change(exchange: Any, **fields: str) -> httpx.Response:
        body = {**exchange["request"]["body"], **fields}
        return await anonymous.patch("/password/change", json=body, headers=old)

    answers_like(await change(wrong), wrong)
    refused = await change(weak, current_password=PASSWORD)
    answers_like(refused, weak)
    same = await change(good, current_password=PASSWORD, new_password=PASSWORD)
    assert same.status_code == 400
    more = frozenset({"access_token", "refresh_token", "refresh_url", "user_url"})
    changed = await change(good, current_password=PASSWORD)
    answers_like(changed, good, more=more)

    assert (await anonymous.get("/user", headers=old)).status_code == 401
    assert (await anonymous.post("/token/refresh", headers=bearer(tokens["refresh_token"]))).status_code == 401
    assert (await anonymous.get("/user", headers=bearer(changed.json()["access_token"]))).status_code == 200
    new = {"username": "alice", "password": good["request"]["body"]["new_password"]}
    assert (await anonymous.post("/token/user", json=new)).status_code == 200


async def test_the_token_of_a_deleted_user_fits_nobody_who_comes_after(
    anonymous: httpx.AsyncClient, tokens: dict[str, str], alice: User, as_user: Any, make: Any
) -> None:
    assert (await as_user("root").delete(f"/user/{alice.id}")).status_code == 200
    successor = make.user("bob", make.organization("beta"))
    assert successor.id != alice.id
    assert (await anonymous.get("/user", headers=bearer(tokens["access_token"]))).status_code == 401
    assert (await anonymous.post("/token/refresh", headers=bearer(tokens["refresh_token"]))).status_code == 401


class TestManySessions:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        limits = settings.sessions.model_copy(update={"most_open": 3})
        return settings.model_copy(update={"sessions": limits})

    async def test_with_one_more_than_there_may_be_the_one_unused_for_longest_ends(
        self, anonymous: httpx.AsyncClient, alice: User, make: Any, clock: FixedClock
    ) -> None:
        make.user("bob", make.organization("beta"))
        opened = []
        for name in ("alice", "alice", "bob", "alice"):
            clock.moment += timedelta(minutes=1)
            answer = await anonymous.post("/token/user", json={"username": name, "password": PASSWORD})
            opened.append(answer.json())
        clock.moment += timedelta(minutes=1)
        first = await anonymous.post("/token/refresh", headers=bearer(opened[0]["refresh_token"]))
        assert first.status_code == 200, "used just now"
        await anonymous.post("/token/user", json={"username": "alice", "password": PASSWORD})
        statuses = [
            (await anonymous.get("/user/me", headers=bearer(tokens["access_token"]))).status_code
            for tokens in (first.json(), *opened[1:])
        ]
        assert statuses == [200, 401, 200, 200]
