"""Login sessions: refresh tokens rotate, and sessions end when they should."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from hanse_server.accounts.models import User
from hanse_server.identity.models import LoginSession
from hanse_server.identity.rules import Rotation, rotation
from hanse_server.settings import Settings
from hanse_web.clock import FixedClock

PASSWORD = "Correct-horse-1"
GRACE = timedelta(seconds=60)


@pytest.fixture
def alice(make: Any) -> User:
    user: User = make.user("alice", make.organization("alpha"), roles=["Researcher"])
    return user


@pytest.fixture
def log_in(anonymous: httpx.AsyncClient, alice: User) -> Callable[..., Any]:
    async def do(agent: str = "test") -> dict[str, str]:
        body = {"username": "alice", "password": PASSWORD}
        answer = await anonymous.post("/token/user", json=body, headers={"User-Agent": agent})
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        return tokens

    return do


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False, "verify_sub": False})


async def refresh(client: httpx.AsyncClient, tokens: dict[str, str]) -> httpx.Response:
    return await client.post("/token/refresh", headers=bearer(tokens["refresh_token"]))


async def works(client: httpx.AsyncClient, tokens: dict[str, str]) -> bool:
    return (await client.get("/user", headers=bearer(tokens["access_token"]))).status_code == 200


@given(st.integers(-1, 9), st.integers(0, 9), st.integers(0, 200))
def test_only_the_newest_and_for_a_moment_the_former_refresh_token_is_good(
    presented: int, newest: int, seconds: int
) -> None:
    judged = rotation(presented, newest, timedelta(seconds=seconds), GRACE)
    assert (judged is Rotation.NEWEST) == (presented == newest)
    assert (judged is Rotation.FORMER) == (presented == newest - 1 and seconds <= 60)


async def test_each_refresh_replaces_the_refresh_token_and_the_former_is_good_for_a_minute(
    anonymous: httpx.AsyncClient, log_in: Any, clock: FixedClock
) -> None:
    first = await log_in()
    second = (await refresh(anonymous, first)).json()
    clock.moment += GRACE
    again = await refresh(anonymous, first)
    assert again.status_code == 200
    assert claims(again.json()["refresh_token"])["gen"] == claims(second["refresh_token"])["gen"] == 1
    assert (await refresh(anonymous, second)).status_code == 200
    assert (await refresh(anonymous, again.json())).status_code == 200, "the other of two that asked at once"


async def test_a_refresh_token_that_comes_back_late_ends_the_session_for_thief_and_owner(
    anonymous: httpx.AsyncClient, log_in: Any, clock: FixedClock, bus: Any
) -> None:
    stolen, elsewhere = await log_in(), await log_in()
    newest = (await refresh(anonymous, stolen)).json()
    clock.moment += GRACE + timedelta(seconds=1)
    with capture_logs() as logs:
        assert (await refresh(anonymous, stolen)).status_code == 401
    assert [entry["event"] for entry in logs] == ["refresh-token-used-twice"]
    assert (await refresh(anonymous, newest)).status_code == 401
    assert not await works(anonymous, newest)
    assert await works(anonymous, elsewhere)


async def test_a_token_older_than_the_former_is_never_good(anonymous: httpx.AsyncClient, log_in: Any) -> None:
    first = await log_in()
    second = (await refresh(anonymous, first)).json()
    assert (await refresh(anonymous, second)).status_code == 200
    assert (await refresh(anonymous, first)).status_code == 401
    assert not await works(anonymous, second)


class TestAbsoluteLimit:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"sessions": settings.sessions.model_copy(update={"max_days": 3})})

    async def test_a_session_ends_however_active_it_is(
        self, anonymous: httpx.AsyncClient, log_in: Any, clock: FixedClock
    ) -> None:
        tokens = await log_in()
        for _ in range(2):
            clock.moment += timedelta(hours=34)
            tokens = (await refresh(anonymous, tokens)).json()
        assert claims(tokens["access_token"])["exp"] == claims(tokens["refresh_token"])["exp"]
        clock.moment += timedelta(hours=4)
        assert (await refresh(anonymous, tokens)).status_code == 401
        assert not await works(anonymous, tokens)


async def test_an_idle_session_ends_after_the_life_of_a_refresh_token(
    anonymous: httpx.AsyncClient, log_in: Any, clock: FixedClock, session: Session
) -> None:
    tokens = await log_in()
    clock.moment += timedelta(hours=48)
    assert (await refresh(anonymous, tokens)).status_code == 401
    newer = await log_in()
    listed = (await anonymous.get("/session", headers=bearer(newer["access_token"]))).json()["data"]
    assert [row["is_current"] for row in listed] == [True]
    assert len(session.scalars(select(LoginSession)).all()) == 1, "what is over is forgotten at the next login"


async def test_logging_out_ends_this_session_at_once(anonymous: httpx.AsyncClient, log_in: Any) -> None:
    here, there = await log_in(), await log_in()
    answer = await anonymous.post("/token/revoke", headers=bearer(here["access_token"]))
    assert answer.status_code == 200
    assert not await works(anonymous, here)
    assert (await refresh(anonymous, here)).status_code == 401
    assert await works(anonymous, there)


async def test_logging_out_everywhere_ends_all_sessions(anonymous: httpx.AsyncClient, log_in: Any) -> None:
    here, there = await log_in(), await log_in()
    everywhere = {"all": True}
    answer = await anonymous.post("/token/revoke", headers=bearer(here["access_token"]), json=everywhere)
    assert answer.status_code == 200
    assert not await works(anonymous, here)
    assert not await works(anonymous, there)


async def test_one_sees_and_ends_ones_own_sessions_only(
    anonymous: httpx.AsyncClient, log_in: Any, as_user: Any, clock: FixedClock
) -> None:
    laptop = await log_in("laptop")
    clock.moment += timedelta(minutes=1)
    phone = await log_in("phone")
    listed = (await anonymous.get("/session", headers=bearer(phone["access_token"]))).json()["data"]
    assert [(row["user_agent"], row["method"], row["is_current"]) for row in listed] == [
        ("phone", "password", True),
        ("laptop", "password", False),
    ]
    assert set(listed[0]) >= {"created_at", "last_used_at", "ends_at", "ip"}
    path = f"/session/{listed[1]['id']}"
    assert (await as_user("root").delete(path)).status_code == 404
    assert (await anonymous.delete(path, headers=bearer(phone["access_token"]))).status_code == 200
    assert not await works(anonymous, laptop)
    assert (await anonymous.delete(path, headers=bearer(phone["access_token"]))).status_code == 404


async def test_the_session_costs_no_statement_more(
    anonymous: httpx.AsyncClient, log_in: Any, server: Any, alice: User, statements: Any
) -> None:
    tokens = await log_in()
    counts = []
    for token in (tokens["access_token"], server.token("user", alice.id)):
        with statements() as sent:
            assert (await anonymous.get("/rule/1", headers=bearer(token))).status_code == 200
        counts.append(len(sent))
    assert counts[0] == counts[1]


async def test_a_token_of_a_session_is_no_good_for_another_user(
    anonymous: httpx.AsyncClient, log_in: Any, server: Any
) -> None:
    sid = claims((await log_in())["access_token"])["sid"]
    forged = server.app.state.tokens.issue(1, "user", sid=sid)
    assert (await anonymous.get("/user", headers=bearer(forged))).status_code == 401


async def test_a_refresh_token_of_the_v4_server_that_was_replaced_opens_a_session(
    anonymous: httpx.AsyncClient, alice: User, server: Any
) -> None:
    old = {"refresh_token": server.app.state.tokens.issue(alice.id, "user", "refresh", timedelta(hours=1))}
    renewed = (await refresh(anonymous, old)).json()
    assert await works(anonymous, renewed)
    assert (await anonymous.post("/token/revoke", headers=bearer(renewed["access_token"]))).status_code == 200
    assert not await works(anonymous, renewed)


async def test_a_token_without_session_can_only_log_out_everywhere(as_user: Any, alice: User) -> None:
    client = as_user("alice")
    assert (await client.post("/token/revoke")).status_code == 400
    assert (await client.post("/token/revoke", json={"all": True})).status_code == 200
