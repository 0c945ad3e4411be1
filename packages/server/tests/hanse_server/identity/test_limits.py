"""Guessing passwords, from one address and from many, and who is not kept out by it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from hanse_core.errors import Unauthenticated
from hanse_server.accounts.models import User
from hanse_server.identity.guessing import LoginFailures
from hanse_server.settings import Settings
from hanse_web.clock import FixedClock
from hanse_web.origin import Origin

PASSWORD = "Correct-horse-1"
HOME, CAFE, ATTACKER = "192.0.2.7", "198.51.100.2", "203.0.113.66"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The test client is a trusted proxy, so that requests can come from anywhere."""
    return settings.model_copy(update={"trusted_proxies": ("127.0.0.1",)})


@pytest.fixture(autouse=True)
def people(make: Any) -> list[User]:
    place = make.organization("alpha")
    return [make.user(name, place) for name in ("gina", "hans")]


@pytest.fixture
def log_in(anonymous: httpx.AsyncClient) -> Callable[..., Any]:
    async def do(address: str, username: str = "gina", password: str = PASSWORD) -> httpx.Response:
        body = {"username": username, "password": password}
        return await anonymous.post("/token/user", json=body, headers={"X-Forwarded-For": address})

    return do


async def test_wrong_passwords_from_elsewhere_do_not_lock_anybody_out(log_in: Any) -> None:
    for _ in range(5):
        await log_in(ATTACKER, password="x")
    assert (await log_in(ATTACKER)).status_code == 401
    assert (await log_in(HOME)).status_code == 200


async def test_the_log_tells_of_a_block_once(log_in: Any, people: list[User]) -> None:
    with capture_logs() as logs:
        for _ in range(8):
            await log_in(ATTACKER, password="x")
    (told,) = (line for line in logs if line["event"] == "account-blocked")
    assert told["network"] == ATTACKER
    assert told["user"] == people[0].id


async def test_the_second_block_is_twice_as_long(log_in: Any, clock: FixedClock) -> None:
    for minutes in (15, 30, 60):
        for _ in range(5):
            await log_in(ATTACKER, password="x")
        clock.moment += timedelta(minutes=minutes) - timedelta(seconds=1)
        assert (await log_in(ATTACKER)).status_code == 401
        clock.moment += timedelta(seconds=1)
    assert (await log_in(ATTACKER)).status_code == 200


async def test_an_account_attacked_from_many_addresses_stays_open_where_its_user_has_been(
    log_in: Any, clock: FixedClock
) -> None:
    assert (await log_in(HOME)).status_code == 200
    for number in range(50):
        await log_in(f"203.0.113.{number}", password="x")
    assert (await log_in(CAFE)).status_code == 401
    assert (await log_in(HOME)).status_code == 200
    assert (await log_in(CAFE, "hans")).status_code == 200
    clock.moment += timedelta(minutes=15)
    assert (await log_in(CAFE)).status_code == 200, "and the block ends"


async def test_where_its_user_has_been_an_account_is_limited_all_the_same(log_in: Any) -> None:
    assert (await log_in(HOME)).status_code == 200
    for _ in range(5):
        await log_in(HOME, password="x")
    assert (await log_in(HOME)).status_code == 401


async def test_trying_one_password_at_many_accounts_ends_in_a_pause(
    log_in: Any, clock: FixedClock, session: Session, statements: Any
) -> None:
    assert (await log_in(ATTACKER, "hans")).status_code == 200
    for number in range(50):
        answer = await log_in(ATTACKER, f"user{number}", "Summer-2026")
        assert "retry-after" not in answer.headers
    refused = await log_in(ATTACKER, "user51")
    assert (refused.status_code, refused.headers["retry-after"]) == (401, "60")
    assert refused.json() == answer.json()
    assert (await log_in(ATTACKER)).status_code == 401, "a right password of one who was never here"
    assert (await log_in(ATTACKER, "hans")).status_code == 200, "and of one who was"
    with statements() as sent:
        await log_in(ATTACKER, "user52")
    assert len(sent) == 2, "a pause costs no hash and no write"
    clock.moment += timedelta(minutes=1)
    assert (await log_in(ATTACKER)).status_code == 200
    assert session.scalar(select(func.count()).select_from(LoginFailures)) == 1, "invented names leave no rows"


async def test_attempts_during_a_block_count_for_the_address(log_in: Any) -> None:
    for _ in range(49):
        await log_in(ATTACKER, password="x")
    assert "retry-after" not in (await log_in(ATTACKER, password="x")).headers
    assert (await log_in(ATTACKER, "hans")).headers["retry-after"] == "60"


async def test_old_failures_are_forgotten(log_in: Any, clock: FixedClock, session: Session) -> None:
    await log_in(ATTACKER, password="x")
    clock.moment += timedelta(days=3)
    await log_in(CAFE, password="x")
    networks = set(session.scalars(select(LoginFailures.network)))
    assert networks == {CAFE}


async def test_a_wrong_current_password_counts_too(anonymous: httpx.AsyncClient, log_in: Any) -> None:
    token = (await log_in(HOME)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": HOME}
    for _ in range(5):
        body = {"current_password": "x", "new_password": "Better-horse-2"}
        assert (await anonymous.patch("/password/change", json=body, headers=headers)).status_code == 401
    body = {"current_password": PASSWORD, "new_password": "Better-horse-2"}
    assert (await anonymous.patch("/password/change", json=body, headers=headers)).status_code == 401


async def test_a_password_that_was_replaced_while_it_was_checked_is_refused(log_in: Any, server: Any) -> None:
    logins = server.app.state.logins
    origin = Origin(HOME)
    account = await logins.check("gina", PASSWORD, origin)
    async with server.app.state.works.open(write=True) as work:
        work.session.get(User, account.id).password = "another"
    with pytest.raises(Unauthenticated):
        async with server.app.state.works.open(write=True) as work:
            logins.accept(work, account, origin)
