"""Logging in: tokens, lockout, and what is told to whom."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import bcrypt
import httpx
import jwt
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hanse_server.accounts.models import User
from hanse_server.accounts.passwords import Passwords
from hanse_server.identity.guessing import LoginFailures
from hanse_web.clock import FixedClock

PASSWORD = "Correct-horse-1"
ROOT = {"username": "root", "password": "Root-password-1"}


@pytest.fixture
def gina(make: Any) -> User:
    user: User = make.user("gina", make.organization("alpha"), roles=["Researcher"])
    return user


async def log_in(client: httpx.AsyncClient, username: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/token/user", json={"username": username, "password": password})


@pytest.mark.replays("01")
async def test_root_logs_in_with_the_password_that_was_set_as_recorded(
    anonymous: httpx.AsyncClient, recording: Any, answers_like: Callable[..., None]
) -> None:
    answer = await anonymous.post("/token/user", json=ROOT)
    login, get_user, get_organization = recording("01")
    answers_like(answer, login)
    tokens = answer.json()
    assert answer.headers["jwt-token"] == tokens["access_token"]
    anonymous.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    answers_like(await anonymous.get(tokens["user_url"].removeprefix("/api")), get_user)
    answers_like(await anonymous.get("/organization/1"), get_organization)


async def test_tokens_carry_the_claims_of_the_protocol(anonymous: httpx.AsyncClient, gina: User) -> None:
    tokens = (await log_in(anonymous, "gina")).json()
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False, "verify_sub": False})
    assert claims["sub"] == gina.id
    assert (claims["type"], claims["client_type"], claims["roles"]) == ("access", "user", ["Researcher"])
    assert claims["exp"] - claims["iat"] == 6 * 3600
    assert {"fresh", "nbf", "jti", "csrf"} <= set(claims)


@pytest.mark.parametrize(("username", "password"), [("gina", "wrong"), ("nobody", PASSWORD), ("root", "root")])
async def test_wrong_and_unknown_are_refused_with_the_same_words(
    anonymous: httpx.AsyncClient, gina: User, username: str, password: str
) -> None:
    reference = await log_in(anonymous, "gina", "also wrong")
    answer = await log_in(anonymous, username, password)
    assert answer.status_code == reference.status_code == 401
    assert answer.json() == reference.json()


@pytest.mark.replays("59", *range(6))
async def test_five_wrong_passwords_block_an_account_for_a_quarter_of_an_hour(
    anonymous: httpx.AsyncClient, gina: User, clock: FixedClock, recording: Any, answers_like: Callable[..., None]
) -> None:
    *wrong, right = recording("59")[:6]
    for exchange in wrong:
        answers_like(await log_in(anonymous, "gina", exchange["request"]["body"]["password"]), exchange)
    answers_like(await log_in(anonymous, "gina"), right)
    clock.moment += timedelta(minutes=14)
    assert (await log_in(anonymous, "gina")).status_code == 401, "attempts while blocked do not matter, nor succeed"
    clock.moment += timedelta(minutes=2)
    assert (await log_in(anonymous, "gina")).status_code == 200


async def test_the_right_password_starts_the_count_again(anonymous: httpx.AsyncClient, gina: User) -> None:
    for password in ("x", "x", "x", "x", PASSWORD, "x", "x", "x", "x"):
        await log_in(anonymous, "gina", password)
    assert (await log_in(anonymous, "gina")).status_code == 200


async def test_many_guesses_at_the_same_time_do_not_outrun_the_lockout(
    anonymous: httpx.AsyncClient, gina: User, session: Session
) -> None:
    guesses = [log_in(anonymous, "gina", "x") for _ in range(8)]
    assert {answer.status_code for answer in await asyncio.gather(*guesses)} == {401}
    mine = LoginFailures.account_id == gina.id
    assert session.scalar(select(LoginFailures.failed).where(mine)) == 5
    assert (await log_in(anonymous, "gina")).status_code == 401


async def test_a_weak_old_hash_is_replaced_at_the_next_login(
    anonymous: httpx.AsyncClient, gina: User, session: Session
) -> None:
    weak = Passwords(1, memory=64, passes=1).hash_now(PASSWORD)
    session.execute(update(User).where(User.id == gina.id).values(password=weak))
    session.commit()
    assert (await log_in(anonymous, "gina")).status_code == 200
    session.rollback()
    session.expire_all()
    user = session.get(User, gina.id)
    assert user is not None
    assert user.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await log_in(anonymous, "gina")).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{"username": "gina"}, {"username": "gina", "password": ""}, {"username": "gina", "password": "x", "mfa_code": 1}],
)
async def test_an_incomplete_login_is_refused_naming_the_field(
    anonymous: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await anonymous.post("/token/user", json=body)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"mfa_code" if "mfa_code" in body else "password"}


async def test_a_password_hash_of_the_v4_server_is_good_once_and_then_replaced(
    anonymous: httpx.AsyncClient, gina: User, session: Session
) -> None:
    stored = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    session.execute(update(User).where(User.id == gina.id).values(password=stored))
    session.commit()
    assert (await log_in(anonymous, "gina", "Wrong-horse-1")).status_code == 401
    assert (await log_in(anonymous, "gina")).status_code == 200
    session.rollback()
    hashed = session.scalars(select(User.password).where(User.id == gina.id)).one()
    assert hashed.startswith("$argon2id$")
    assert (await log_in(anonymous, "gina")).status_code == 200


async def test_the_code_of_a_second_factor_is_accepted_in_the_body(anonymous: httpx.AsyncClient, gina: User) -> None:
    answer = await anonymous.post("/token/user", json={"username": "gina", "password": PASSWORD, "mfa_code": "123456"})
    assert answer.status_code == 200


async def test_a_body_that_is_not_json_is_refused(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post("/token/user", content="{broken", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "not valid JSON" in answer.json()["message"]
