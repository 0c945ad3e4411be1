"""The second factor: required or chosen, guessed at, replayed, lost and found."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hanse_core.permissions import Operation, Resource, Scope
from hanse_server.accounts.models import Organization, User
from hanse_server.main import prepare
from hanse_server.settings import Settings
from hanse_web.clock import FixedClock

PASSWORD = "Correct-horse-1"
ROOT = {"username": "root", "password": "Root-password-1"}


@pytest.fixture
def is_required() -> bool:
    return True


@pytest.fixture
def settings(settings: Settings, is_required: bool) -> Settings:
    return settings.model_copy(update={"two_factor_auth": is_required, "server_name": "refserver"})


@pytest.fixture
def alpha(make: Any) -> Organization:
    organization: Organization = make.organization("alpha")
    return organization


@pytest.fixture
def gina(make: Any, alpha: Organization) -> User:
    user: User = make.user("gina", alpha, roles=["Researcher"])
    return user


@pytest.fixture
def code(clock: FixedClock) -> Callable[..., str]:
    """Give the code that an app shows now, or some steps later."""
    return lambda secret, steps=0: pyotp.TOTP(secret).at(clock.moment + timedelta(seconds=30 * steps))


async def log_in(client: httpx.AsyncClient, username: str = "gina", **more: str) -> httpx.Response:
    return await client.post("/token/user", json={"username": username, "password": PASSWORD, **more})


async def secret_of(client: httpx.AsyncClient, username: str = "gina") -> str:
    """Log in for the first time on a server that requires a second factor."""
    answer = await log_in(client, username)
    assert answer.status_code == 200, answer.text
    secret: str = answer.json()["otp_secret"]
    return secret


@pytest.mark.replays("60")
async def test_the_first_login_gives_a_secret_as_recorded(
    anonymous: httpx.AsyncClient, recording: Any, answers_like: Callable[..., None]
) -> None:
    (exchange,) = recording("60")
    answer = await anonymous.post("/token/user", json=ROOT)
    answers_like(answer, exchange)
    body, recorded = answer.json(), exchange["response"]["body"]
    assert len(body["otp_secret"]) == len(recorded["otp_secret"]) == 32
    expected = recorded["qr_uri"].replace("vantage6", "Hanse").replace(recorded["otp_secret"], body["otp_secret"])
    assert body["qr_uri"] == expected


@pytest.mark.replays("61")
async def test_a_login_with_a_code_goes_as_recorded(
    anonymous: httpx.AsyncClient, recording: Any, answers_like: Callable[..., None], code: Callable[..., str]
) -> None:
    missing, wrong, number, right, get_user, get_organization = recording("61")
    secret = (await anonymous.post("/token/user", json=ROOT)).json()["otp_secret"]
    answers_like(await anonymous.post("/token/user", json=ROOT), missing)
    other = f"{(int(code(secret)) + 1) % 10**6:06}"
    answers_like(await anonymous.post("/token/user", json={**ROOT, "mfa_code": other}), wrong)
    answers_like(await anonymous.post("/token/user", json={**ROOT, "mfa_code": 123456}), number)
    answer = await anonymous.post("/token/user", json={**ROOT, "mfa_code": code(secret)})
    answers_like(answer, right)
    anonymous.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    user = await anonymous.get("/user/1")
    answers_like(user, get_user)
    assert user.json()["otp_secret"] is None, "not even to oneself"
    answers_like(await anonymous.get("/organization/1"), get_organization)


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)])
async def test_a_code_may_be_one_step_early_or_late(
    anonymous: httpx.AsyncClient, gina: User, code: Callable[..., str], steps: int, status: int
) -> None:
    secret = await secret_of(anonymous)
    assert (await log_in(anonymous, mfa_code=code(secret, steps))).status_code == status


async def test_a_code_works_once_and_no_earlier_one_after_it(
    anonymous: httpx.AsyncClient, gina: User, code: Callable[..., str], clock: FixedClock
) -> None:
    secret = await secret_of(anonymous)
    earlier, used = code(secret, -1), code(secret)
    assert (await log_in(anonymous, mfa_code=used)).status_code == 200
    assert (await log_in(anonymous, mfa_code=used)).status_code == 401
    assert (await log_in(anonymous, mfa_code=earlier)).status_code == 401
    clock.moment += timedelta(seconds=30)
    assert (await log_in(anonymous, mfa_code=used)).status_code == 401
    assert (await log_in(anonymous, mfa_code=code(secret))).status_code == 200


async def test_wrong_codes_block_the_account_also_for_the_right_one(
    anonymous: httpx.AsyncClient, gina: User, code: Callable[..., str], clock: FixedClock
) -> None:
    secret = await secret_of(anonymous)
    for _ in range(5):
        assert (await log_in(anonymous, mfa_code="x")).status_code == 401
    blocked = await log_in(anonymous, mfa_code=code(secret))
    assert blocked.status_code == 401
    assert "password" in blocked.json()["msg"], "a blocked account says the same for all reasons"
    clock.moment += timedelta(minutes=16)
    assert (await log_in(anonymous, mfa_code=code(secret))).status_code == 200


async def test_the_right_password_alone_does_not_forget_wrong_codes(
    anonymous: httpx.AsyncClient, gina: User, code: Callable[..., str]
) -> None:
    secret = await secret_of(anonymous)
    for _ in range(5):
        await log_in(anonymous)
        await log_in(anonymous, mfa_code="000000")
        await anonymous.post("/recover/2fa/lost", json={"username": "gina", "password": PASSWORD})
    assert (await log_in(anonymous, mfa_code=code(secret))).status_code == 401


async def test_the_secret_is_sealed_in_the_database(anonymous: httpx.AsyncClient, gina: User, session: Session) -> None:
    secret = await secret_of(anonymous)
    session.rollback()
    stored = session.scalar(select(User.otp_secret).where(User.id == gina.id))
    assert stored is not None
    assert secret not in stored


async def test_a_secret_copied_to_another_users_row_opens_nothing(
    anonymous: httpx.AsyncClient, gina: User, make: Any, session: Session, code: Callable[..., str]
) -> None:
    make.user("eve", make.organization("beta"))
    secret = await secret_of(anonymous, "eve")
    session.rollback()
    copied = "UPDATE user_account SET otp_last_step = 0, otp_secret ="
    session.execute(
        text(f"{copied} (SELECT otp_secret FROM user_account WHERE username = 'eve') WHERE username = 'gina'")
    )
    session.commit()
    assert (await log_in(anonymous, mfa_code=code(secret))).status_code == 503


async def test_a_user_hears_of_the_second_factor_that_a_login_set_up(
    anonymous: httpx.AsyncClient, gina: User, postbox: Any
) -> None:
    await secret_of(anonymous)
    (mail,) = await postbox.read()
    assert mail.to == gina.email
    assert "second factor" in mail.text


class TestChosen:
    """A server that does not require it."""

    @pytest.fixture
    def is_required(self) -> bool:
        return False

    @pytest.fixture
    def client(self, gina: User, as_user: Callable[[str], httpx.AsyncClient]) -> httpx.AsyncClient:
        return as_user("gina")

    async def start(self, client: httpx.AsyncClient, **more: str) -> str:
        answer = await client.post("/second_factor", json={"password": PASSWORD, **more})
        assert answer.status_code == 201, answer.text
        secret: str = answer.json()["otp_secret"]
        return secret

    async def set_up(self, client: httpx.AsyncClient, code: Callable[..., str]) -> tuple[str, list[str]]:
        secret = await self.start(client)
        answer = await client.post("/second_factor/confirm", json={"mfa_code": code(secret, -1)})
        assert answer.status_code == 200, answer.text
        return secret, answer.json()["recovery_codes"]

    async def test_it_is_in_force_once_it_is_confirmed(
        self, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, code: Callable[..., str]
    ) -> None:
        secret = await self.start(client)
        assert "access_token" in (await log_in(anonymous)).json(), "who did not finish is not locked out"
        assert (await client.post("/second_factor/confirm", json={"mfa_code": "000000"})).status_code == 400
        assert (await client.get("/second_factor")).json()["active"] is False
        assert (await client.post("/second_factor/confirm", json={"mfa_code": code(secret, -1)})).status_code == 200
        assert (await log_in(anonymous)).json().keys() == {"msg"}
        assert "access_token" in (await log_in(anonymous, mfa_code=code(secret))).json()
        state = (await client.get("/second_factor")).json()
        assert state == {"active": True, "required": False, "recovery_codes_left": 10}
        assert (await client.post("/second_factor/confirm", json={"mfa_code": code(secret, 1)})).status_code == 409

    async def test_setting_it_up_needs_the_password(self, client: httpx.AsyncClient) -> None:
        assert (await client.post("/second_factor", json={"password": "wrong"})).status_code == 401

    async def test_a_recovery_code_works_once_in_place_of_a_code(
        self, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, code: Callable[..., str], session: Session
    ) -> None:
        _, codes = await self.set_up(client, code)
        assert len(set(codes)) == 10
        assert all(len(one) <= 10 for one in codes), "the protocol allows no more"
        stored = str(session.execute(text("SELECT * FROM recovery_code")).all())
        assert not any(one in stored for one in codes)
        assert "access_token" in (await log_in(anonymous, mfa_code=codes[3].upper())).json()
        assert (await log_in(anonymous, mfa_code=codes[3])).status_code == 401
        assert (await client.get("/second_factor")).json()["recovery_codes_left"] == 9

    async def test_the_recovery_codes_of_others_do_not_work(
        self, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, code: Callable[..., str], make: Any, as_user: Any
    ) -> None:
        await self.set_up(client, code)
        make.user("eve", make.organization("beta"))
        _, codes = await self.set_up(as_user("eve"), code)
        assert (await log_in(anonymous, mfa_code=codes[0])).status_code == 401

    async def test_new_recovery_codes_end_the_old_ones(
        self, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, code: Callable[..., str]
    ) -> None:
        secret, old = await self.set_up(client, code)
        body = {"password": PASSWORD, "mfa_code": code(secret)}
        answer = await client.post("/second_factor/recovery_codes", json=body)
        assert answer.status_code == 201
        assert (await log_in(anonymous, mfa_code=old[0])).status_code == 401
        assert (await log_in(anonymous, mfa_code=answer.json()["recovery_codes"][0])).status_code == 200

    async def test_switching_it_off_needs_password_and_code(
        self, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, code: Callable[..., str], postbox: Any
    ) -> None:
        secret, _ = await self.set_up(client, code)
        await postbox.read()

        async def switch_off(password: str, given: str) -> int:
            body = {"password": password, "mfa_code": given}
            return (await client.request("DELETE", "/second_factor", json=body)).status_code

        assert await switch_off("wrong", code(secret)) == 401
        assert await switch_off(PASSWORD, "000000") == 401
        assert await switch_off(PASSWORD, code(secret)) == 200
        assert "access_token" in (await log_in(anonymous)).json()
        (mail,) = await postbox.read()
        assert "switched off" in mail.text

    async def test_who_stole_a_session_and_knows_the_password_guesses_codes_in_vain(
        self, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, code: Callable[..., str]
    ) -> None:
        secret, _ = await self.set_up(client, code)
        for _ in range(5):
            body = {"password": PASSWORD, "mfa_code": "000000"}
            assert (await client.request("DELETE", "/second_factor", json=body)).status_code == 401
        body = {"password": PASSWORD, "mfa_code": code(secret)}
        assert (await client.request("DELETE", "/second_factor", json=body)).status_code == 401

    async def test_one_in_force_is_replaced_only_with_its_code(
        self, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, code: Callable[..., str]
    ) -> None:
        secret, codes = await self.set_up(client, code)
        assert (await client.post("/second_factor", json={"password": PASSWORD})).status_code == 401
        new = await self.start(client, mfa_code=codes[0])
        assert (await log_in(anonymous, mfa_code=code(secret))).status_code == 401
        assert (await log_in(anonymous, mfa_code=codes[1])).status_code == 401, "old recovery codes ended with it"
        assert (await log_in(anonymous, mfa_code=code(new))).status_code == 200

    async def test_an_organization_can_require_it_of_its_own_users(
        self,
        anonymous: httpx.AsyncClient,
        make: Any,
        as_user: Any,
        alpha: Organization,
        gina: User,
        code: Callable[..., str],
    ) -> None:
        make.user("anna", alpha, roles=["Organization Admin"])
        make.user("otto", make.organization("beta"))
        wanted = await as_user("anna").patch(f"/organization/{alpha.id}", json={"two_factor_required": True})
        assert wanted.json()["two_factor_required"] is True
        assert "otp_secret" in (await log_in(anonymous)).json()
        assert "access_token" in (await log_in(anonymous, "otto")).json()

    async def test_who_must_have_one_cannot_switch_it_off(
        self, anonymous: httpx.AsyncClient, server: Any, code: Callable[..., str], as_user: Any, alpha: Organization,
        gina: User,
    ) -> None:  # fmt: skip
        client = server.client((await log_in(anonymous)).json()["access_token"])
        secret, _ = await self.set_up(client, code)
        root = as_user("root")
        await root.patch(f"/organization/{alpha.id}", json={"two_factor_required": True})
        body = {"password": PASSWORD, "mfa_code": code(secret)}
        refused = await client.request("DELETE", "/second_factor", json=body)
        assert (refused.status_code, refused.json()["code"]) == (401, "denied")

    async def test_neither_partners_nor_nodes_say_whether_an_organization_requires_it(
        self, make: Any, as_user: Any, alpha: Organization, as_node: Any, gina: User
    ) -> None:
        beta = make.organization("beta")
        shared = make.collaboration("shared", [alpha, beta])
        rights = [(Resource.ORGANIZATION, Operation.EDIT, Scope.COLLABORATION)]
        view = [(Resource.ORGANIZATION, Operation.VIEW, Scope.COLLABORATION)]
        make.user("carl", beta, *rights, *view)
        path, body = f"/organization/{alpha.id}", {"two_factor_required": False}
        for client in (as_user("carl"), as_node(make.node(alpha, shared))):
            answer = await client.patch(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (401, "denied")

    async def test_an_administrator_removes_that_of_somebody_who_lost_it(
        self, client: httpx.AsyncClient, anonymous: httpx.AsyncClient, code: Callable[..., str], alpha: Organization,
        gina: User, make: Any, as_user: Any, postbox: Any,
    ) -> None:  # fmt: skip
        make.user("anna", alpha, roles=["Organization Admin"])
        make.user("eve", make.organization("beta"), roles=["Organization Admin"])
        await self.set_up(client, code)
        path = f"/user/{gina.id}/second_factor"
        assert (await as_user("eve").delete(path)).status_code == 404
        assert (await client.delete(path)).status_code == 401, "not one's own, without a code"
        await postbox.read()
        assert (await as_user("anna").delete(path)).status_code == 200
        assert "access_token" in (await log_in(anonymous)).json()
        assert (await client.get("/user")).status_code == 401, "sessions ended"
        (mail,) = await postbox.read()
        assert mail.to == gina.email

    async def test_an_administrator_cannot_remove_that_of_somebody_mightier(
        self, alpha: Organization, gina: User, make: Any, as_user: Any
    ) -> None:
        make.user("anna", alpha, roles=["Organization Admin"])
        chief = make.user("chief", alpha, roles=["Root"])
        answer = await as_user("anna").delete(f"/user/{chief.id}/second_factor")
        assert (answer.status_code, answer.json()["code"]) == (401, "denied")


@pytest.mark.parametrize("is_required", [False])
async def test_a_server_that_wants_a_second_factor_from_now_on_ends_logins_without_one(
    anonymous: httpx.AsyncClient, gina: User, server: Any, settings: Settings
) -> None:
    tokens = (await log_in(anonymous)).json()
    client = server.client(tokens["access_token"])
    assert (await client.get("/session")).status_code == 200
    prepare(settings)
    assert (await client.get("/session")).status_code == 200
    prepare(settings.model_copy(update={"two_factor_auth": True}))
    server.app.state.works.known.forget()
    assert (await client.get("/session")).status_code == 401
    assert (await server.client(tokens["refresh_token"]).post("/token/refresh")).status_code == 401


def former(server: Any, user: User) -> str:
    """Make a refresh token such as the v4 server did, whose signing secret was taken over: of no session."""
    token: str = server.app.state.tokens.issue(user.id, "user", "refresh", timedelta(hours=40))
    return token


async def test_a_refresh_token_of_the_v4_server_opens_no_session_where_the_server_requires_a_second_factor(
    anonymous: httpx.AsyncClient, gina: User, server: Any, code: Callable[..., str]
) -> None:
    before = await server.client(former(server, gina)).post("/token/refresh")
    secret = await secret_of(anonymous)
    after = await server.client(former(server, gina)).post("/token/refresh")

    for refused in (before, after):
        assert refused.status_code == 401
        assert "does not prove that one was shown; log in again" in refused.json()["msg"]
    tokens = (await log_in(anonymous, mfa_code=code(secret))).json()
    assert len((await server.client(tokens["access_token"]).get("/session")).json()["data"]) == 1
    assert (await server.client(tokens["refresh_token"]).post("/token/refresh")).status_code == 200


@pytest.mark.parametrize("is_required", [False])
async def test_nor_do_its_tokens_open_anything_once_an_organization_requires_one_of_somebody_who_has_one_already(
    anonymous: httpx.AsyncClient, make: Any, as_user: Any, gina: User, alpha: Organization, server: Any,
    code: Callable[..., str],
) -> None:  # fmt: skip
    otto = make.user("otto", make.organization("beta"))
    client = server.client((await log_in(anonymous)).json()["access_token"])
    secret = (await client.post("/second_factor", json={"password": PASSWORD})).json()["otp_secret"]
    confirmed = await client.post("/second_factor/confirm", json={"mfa_code": code(secret)})
    assert confirmed.status_code == 200, confirmed.text
    token, access = former(server, gina), as_user("gina")
    assert (await server.client(token).post("/token/refresh")).status_code == 200
    assert (await access.get("/organization")).status_code == 200
    await as_user("root").patch(f"/organization/{alpha.id}", json={"two_factor_required": True})

    refused = await server.client(token).post("/token/refresh")

    assert refused.status_code == 401
    assert "a second factor is required by now" in refused.json()["msg"]
    answer = await access.get("/organization")
    assert (answer.status_code, answer.json()["msg"]) == (401, refused.json()["msg"])
    assert (await client.get("/organization")).status_code == 200
    spared = await as_user("otto").get(f"/user/{otto.id}")
    assert spared.status_code == 200, spared.text
    assert (await server.client(former(server, otto)).post("/token/refresh")).status_code == 200
