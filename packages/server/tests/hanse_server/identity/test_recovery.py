"""Ways back into an account by mail: for one purpose, once, and telling strangers nothing."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from hanse_server.accounts.models import User
from hanse_server.settings import Settings
from hanse_web.clock import FixedClock
from hanse_web.mail import MemoryMailer

PASSWORD = "Correct-horse-1"
NEW = "Battery-staple-2"
Recording = Callable[[str], list[dict[str, Any]]]
Compare = Callable[..., None]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"server_name": "refserver"})


@pytest.fixture
def alice(make: Any) -> User:
    user: User = make.user("alice", make.organization("alpha"), roles=["Researcher"])
    return user


async def lose(client: httpx.AsyncClient, **whose: str | None) -> httpx.Response:
    answer = await client.post("/recover/lost", json=whose or {"username": "alice"})
    assert answer.status_code == 200, answer.text
    return answer


async def reset(client: httpx.AsyncClient, token: str, password: str = NEW) -> httpx.Response:
    return await client.post("/recover/reset", json={"reset_token": token, "password": password})


async def log_in(client: httpx.AsyncClient, password: str = PASSWORD, **more: str) -> httpx.Response:
    return await client.post("/token/user", json={"username": "alice", "password": password, **more})


@pytest.mark.replays("44", 0, 1, 2, 3)
async def test_a_lost_password_is_answered_as_recorded(
    anonymous: httpx.AsyncClient, alice: User, recording: Recording, answers_like: Compare
) -> None:
    for exchange in recording("44")[:4]:
        request = exchange["request"]
        answers_like(await anonymous.post(request["path"].removeprefix("/api"), json=request["body"]), exchange)


@pytest.mark.replays("63")
async def test_a_password_is_recovered_as_recorded_but_only_once_and_for_nothing_else(
    anonymous: httpx.AsyncClient, postbox: Any, recording: Recording, answers_like: Compare
) -> None:
    lost, first, again, other_purpose = recording("63")
    answers_like(await anonymous.post("/recover/lost", json=lost["request"]["body"]), lost)
    token = await postbox.token()
    assert len(token) <= 1024
    misused = await anonymous.post("/recover/2fa/reset", json={"reset_token": token})
    assert (misused.status_code, other_purpose["response"]["status"]) == (400, 200), "quirk 4"
    body = {**first["request"]["body"], "reset_token": token}
    answers_like(await anonymous.post("/recover/reset", json=body), first)
    used = await anonymous.post("/recover/reset", json={**again["request"]["body"], "reset_token": token})
    assert (used.status_code, again["response"]["status"]) == (400, 200), "quirk 4"
    answer = await anonymous.post("/token/user", json={"username": "root", "password": body["password"]})
    assert answer.status_code == 200


@pytest.mark.replays("62")
async def test_a_second_factor_is_recovered_as_recorded_but_only_once(
    anonymous: httpx.AsyncClient,
    postbox: Any,
    recording: Recording,
    answers_like: Compare,
    as_user: Any,
    clock: FixedClock,
) -> None:
    wrong, lost, good, bad = recording("62")
    root = {"username": "root", "password": "Root-password-1"}
    await as_user("root").patch("/organization/1", json={"two_factor_required": True})
    await anonymous.post("/token/user", json=root)
    await postbox.read()
    answers_like(await anonymous.post("/recover/2fa/lost", json=wrong["request"]["body"]), wrong)
    answers_like(await anonymous.post("/recover/2fa/lost", json={**root, "email": None}), lost)
    token = await postbox.token()
    assert (await reset(anonymous, token)).status_code == 400, "not for passwords"
    answer = await anonymous.post("/recover/2fa/reset", json={"reset_token": token})
    answers_like(answer, good)
    answers_like(await anonymous.post("/recover/2fa/reset", json=bad["request"]["body"]), bad)
    answers_like(await anonymous.post("/recover/2fa/reset", json={"reset_token": token}), bad)
    code = pyotp.TOTP(answer.json()["otp_secret"]).at(clock.moment)
    assert "access_token" in (await anonymous.post("/token/user", json={**root, "mfa_code": code})).json()


async def test_nobody_learns_whether_there_is_such_an_account(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any
) -> None:
    answers = [await lose(anonymous, username=name) for name in ("alice", "nobody")]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers.keys() == answers[1].headers.keys()
    assert len(await postbox.read()) == 1


async def test_the_answer_does_not_wait_for_the_database(
    anonymous: httpx.AsyncClient, alice: User, server: Any, postbox: Any
) -> None:
    async with server.app.state.works.open(write=True):  # SQLite has one writer, and this is it
        async with asyncio.timeout(5):
            await lose(anonymous)
    assert len(await postbox.read()) == 1


@pytest.mark.parametrize(
    "whose",
    [
        {"username": "alice", "email": None},
        {"email": "alice@example.org"},
        {"email": "ALICE@Example.org", "username": None},
        {"username": "alice", "email": "somebody.else@example.org"},
    ],
)
async def test_an_account_is_found_by_name_or_address_and_the_mail_goes_to_its_own_address(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any, whose: dict[str, Any]
) -> None:
    await lose(anonymous, **whose)
    assert [mail.to for mail in await postbox.read()] == [alice.email]


async def test_recovery_works_more_than_once_but_mails_are_an_hour_apart(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any, clock: FixedClock, as_user: Any
) -> None:
    await lose(anonymous)
    assert len(await postbox.read()) == 1
    clock.moment += timedelta(minutes=59)
    await lose(anonymous)
    assert await postbox.read() == []
    clock.moment += timedelta(minutes=1)
    await lose(anonymous)
    assert len(await postbox.read()) == 1, "quirk 33"
    item = (await as_user("root").get(f"/user/{alice.id}")).json()
    assert item["last_email_recover_password_sent"] == "2026-03-01T13:00:00"


async def test_a_newer_token_ends_the_older_one(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any, clock: FixedClock, session: Session
) -> None:
    await lose(anonymous)
    old = await postbox.token()
    session.execute(update(User).values(last_email_recover_password_sent=None))
    session.commit()
    await lose(anonymous)
    new = await postbox.token()
    assert (await reset(anonymous, old)).status_code == 400
    assert (await reset(anonymous, new)).status_code == 200


async def test_a_token_expires(anonymous: httpx.AsyncClient, alice: User, postbox: Any, clock: FixedClock) -> None:
    await lose(anonymous)
    token = await postbox.token()
    clock.moment += timedelta(minutes=60)
    assert (await reset(anonymous, token)).status_code == 401


async def test_a_changed_password_ends_every_token(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any, as_user: Any
) -> None:
    await lose(anonymous)
    token = await postbox.token()
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert (await as_user("alice").patch("/password/change", json=body)).status_code == 200
    assert (await reset(anonymous, token, "Another-staple-3")).status_code == 400


async def test_a_changed_address_ends_the_token_that_went_to_the_old_one(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any, as_user: Any
) -> None:
    await lose(anonymous)
    token = await postbox.token()
    changed = await as_user("alice").patch(f"/user/{alice.id}", json={"email": "new@example.org"})
    assert changed.status_code == 200
    assert (await reset(anonymous, token)).status_code == 400


async def test_a_reset_unblocks_the_account_and_ends_its_sessions(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any, bus: Any, session: Session
) -> None:
    tokens = (await log_in(anonymous)).json()
    for _ in range(5):
        await log_in(anonymous, "x")
    assert (await log_in(anonymous)).status_code == 401
    await postbox.read()
    await lose(anonymous)
    token = await postbox.token()
    assert (await reset(anonymous, token)).status_code == 200
    assert (await log_in(anonymous, NEW)).status_code == 200
    for kind, path, method in (("access", "/user", "GET"), ("refresh", "/token/refresh", "POST")):
        headers = {"Authorization": f"Bearer {tokens[f'{kind}_token']}"}
        assert (await anonymous.request(method, path, headers=headers)).status_code == 401
    assert [mail.subject for mail in await postbox.read()] == ["refserver: The way you log in has changed"]


async def test_the_second_factor_survives_a_reset_of_the_password(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any, as_user: Any
) -> None:
    await as_user("root").patch(f"/organization/{alice.organization_id}", json={"two_factor_required": True})
    await log_in(anonymous)
    await postbox.read()
    await lose(anonymous)
    await reset(anonymous, await postbox.token())
    assert (await log_in(anonymous, NEW)).json().keys() == {"msg"}, "it asks for the code"


async def test_of_two_resets_with_one_token_one_succeeds(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any
) -> None:
    await lose(anonymous)
    token = await postbox.token()
    answers = await asyncio.gather(reset(anonymous, token), reset(anonymous, token, "Another-staple-3"))
    assert sorted(answer.status_code for answer in answers) == [200, 400]


async def test_a_token_lies_in_the_database_only_as_hash(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any, session: Session
) -> None:
    await lose(anonymous)
    token = await postbox.token()
    assert token not in str(session.execute(text("SELECT * FROM recovery_token")).all())


@pytest.mark.parametrize(
    ("password", "told"),
    [("Alice-and-bob-1", "username"), ("Password1!", "first"), ("P@ssw0rd1", "first"), ("Summer2026!", "first")],
)
async def test_a_bad_password_is_refused_and_the_token_is_good_for_another(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any, password: str, told: str
) -> None:
    await lose(anonymous)
    token = await postbox.token()
    refused = await reset(anonymous, token, password)
    assert refused.status_code == 400
    assert told in refused.json()["errors"]["password"][0]
    assert (await reset(anonymous, token)).status_code == 200


async def test_a_token_for_a_second_factor_needs_the_password_and_one_to_lose(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any, as_user: Any
) -> None:
    async def lose_factor(password: str, **whose: str | None) -> int:
        return (await anonymous.post("/recover/2fa/lost", json={"password": password, **whose})).status_code

    assert await lose_factor("wrong", username="alice") == 401
    assert await lose_factor(PASSWORD, username="nobody") == 401
    assert await lose_factor(PASSWORD, email="nobody@example.org") == 401
    assert await lose_factor(PASSWORD, username="alice") == 200
    assert await postbox.read() == [], "there is none to lose"
    await as_user("root").patch(f"/organization/{alice.organization_id}", json={"two_factor_required": True})
    await log_in(anonymous)
    await postbox.read()
    assert await lose_factor(PASSWORD, email=alice.email) == 200
    assert len(await postbox.read()) == 1
    assert await lose_factor(PASSWORD, username="alice") == 200
    assert await postbox.read() == [], "mails are an hour apart"


async def test_guesses_at_the_same_time_count_as_if_they_came_one_by_one(
    anonymous: httpx.AsyncClient, alice: User, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    logins = server.app.state.logins
    check = logins.check

    async def check_and_be_overtaken(*arguments: Any) -> Any:
        monkeypatch.setattr(logins, "check", check)
        account = await check(*arguments)
        for _ in range(5):
            await log_in(anonymous, "wrong")
        return account

    monkeypatch.setattr(logins, "check", check_and_be_overtaken)
    answer = await anonymous.post("/recover/2fa/lost", json={"username": "alice", "password": PASSWORD})
    assert answer.status_code == 401


async def test_asking_for_a_second_factor_counts_into_the_lockout(anonymous: httpx.AsyncClient, alice: User) -> None:
    for _ in range(5):
        await anonymous.post("/recover/2fa/lost", json={"username": "alice", "password": "x"})
    assert (await log_in(anonymous)).status_code == 401


async def test_who_is_blocked_hears_of_it_once_in_a_while(
    anonymous: httpx.AsyncClient, alice: User, postbox: Any, clock: FixedClock
) -> None:
    for _ in range(5):
        await log_in(anonymous, "x")
    (mail,) = await postbox.read()
    assert mail.to == alice.email
    assert "blocked" in mail.subject
    clock.moment += timedelta(minutes=16)
    for _ in range(5):
        await log_in(anonymous, "x")
    assert await postbox.read() == []
    clock.moment += timedelta(minutes=60)
    for _ in range(5):
        await log_in(anonymous, "x")
    assert len(await postbox.read()) == 1


async def test_an_account_whose_address_cannot_be_used_answers_like_any_other(
    anonymous: httpx.AsyncClient, make: Any, postbox: Any
) -> None:
    make.user("odd", make.organization("beta"), email="a,b@example.org")
    await lose(anonymous, username="odd")
    assert await postbox.read() == []


class TestWithoutMail:
    """A server that sends no mail."""

    @pytest.fixture
    def mailer(self) -> MemoryMailer | None:
        return None

    async def test_it_says_so_to_who_lost_a_second_factor_and_proved_the_password(
        self, anonymous: httpx.AsyncClient, alice: User
    ) -> None:
        body = {"username": "alice", "password": PASSWORD}
        assert (await anonymous.post("/recover/2fa/lost", json={**body, "password": "x"})).status_code == 401
        answer = await anonymous.post("/recover/2fa/lost", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")

    async def test_a_lost_password_is_answered_as_ever(
        self, anonymous: httpx.AsyncClient, alice: User, server: Any, session: Session
    ) -> None:
        await lose(anonymous)
        await server.app.state.aside.settled()
        assert session.scalar(select(User.last_email_recover_password_sent).where(User.id == alice.id)) is None


class TestFlood:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        policy = settings.password_policy.model_copy(update={"max_failed_attempts_per_address": 3})
        return settings.model_copy(update={"password_policy": policy})

    async def test_a_network_that_asks_for_many_accounts_causes_no_more_mails_for_a_while(
        self, anonymous: httpx.AsyncClient, server: Any, make: Any, alice: User, postbox: Any, clock: FixedClock
    ) -> None:
        make.user("bob", make.organization("beta"))
        for number in range(3):
            await lose(anonymous, username=f"nobody{number}")
        same = await lose(anonymous)
        assert same.json() == (await lose(anonymous, username="nobody")).json()
        assert await postbox.read() == []
        elsewhere = server.client()
        elsewhere._transport = httpx.ASGITransport(server.app, client=("192.0.2.7", 1))
        await lose(elsewhere)
        assert len(await postbox.read()) == 1
        clock.moment += timedelta(minutes=2)
        await lose(anonymous, username="bob")
        assert len(await postbox.read()) == 1

    async def test_a_network_in_its_pause_costs_nothing(
        self, anonymous: httpx.AsyncClient, server: Any, postbox: Any, statements: Any
    ) -> None:
        for _ in range(4):
            await lose(anonymous)
            await postbox.read()
        with statements() as made:
            await lose(anonymous)
            await server.app.state.aside.settled()
        assert made == []
