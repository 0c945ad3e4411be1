"""A second factor on top of a login at a provider, where one is required here."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest

from hanse_core.wire.sso import OidcSecondFactor
from hanse_server.accounts.models import Organization
from hanse_server.settings import Settings
from hanse_server.settings.oidc import OidcProvider
from hanse_server.sso.rules import proves_second_factor
from hanse_web.clock import FixedClock

WRONG = "000000"


@pytest.fixture
def is_required() -> bool:
    return True


@pytest.fixture
def settings(settings: Settings, is_required: bool) -> Settings:
    return settings.model_copy(update={"two_factor_auth": is_required})


@pytest.fixture
def code(clock: FixedClock) -> Callable[[str], str]:
    return lambda secret: pyotp.TOTP(secret).at(clock.moment)


async def send(desk: Any, asked: dict[str, Any], mfa_code: str, provider: str = "hospital") -> httpx.Response:
    body = {"ticket": asked["ticket"], "mfa_code": mfa_code}
    answer: httpx.Response = await desk.finish(body, provider, "second_factor")
    return answer


async def set_up(desk: Any, name: str, code: Callable[[str], str]) -> str:
    """Log in for the first time, and give the secret of the second factor."""
    asked = (await desk.log_in(name)).json()
    assert (await send(desk, asked, code(asked["otp_secret"]))).status_code == 200
    secret: str = asked["otp_secret"]
    return secret


@pytest.mark.needs("npm")
class TestRequired:
    async def test_who_has_none_is_given_one_which_the_first_code_puts_into_force(
        self, desk: Any, ada: str, code: Callable[[str], str]
    ) -> None:
        first = await desk.log_in(ada)
        assert (first.status_code, first.json()["status"]) == (202, "second_factor")
        assert "access_token" not in first.json()
        again = (await desk.log_in(ada)).json()
        assert again["otp_secret"] != first.json()["otp_secret"], "whoever never scanned it gets another one"
        assert (await send(desk, again, code(first.json()["otp_secret"]))).status_code == 401
        tokens = await send(desk, again, code(again["otp_secret"]))
        assert (await desk.whoami(tokens.json())).json()["username"] == "ada"
        later = (await desk.log_in(ada)).json()
        assert (later["qr_uri"], later["otp_secret"]) == (None, None), "shown once"

    async def test_a_code_opens_no_session_twice_and_not_for_ever(
        self, desk: Any, ada: str, code: Callable[[str], str], clock: FixedClock
    ) -> None:
        secret = await set_up(desk, ada, code)
        asked = (await desk.log_in(ada)).json()
        assert (await send(desk, asked, code(secret))).status_code == 401, "the code was used"
        clock.moment += timedelta(seconds=30)
        assert (await send(desk, asked, code(secret), "university")).status_code == 401
        assert (await send(desk, asked, code(secret))).status_code == 200
        clock.moment += timedelta(minutes=10)
        assert (await send(desk, asked, code(secret))).status_code == 401, "the ticket is old"

    async def test_codes_cannot_be_guessed(
        self, desk: Any, ada: str, code: Callable[[str], str], clock: FixedClock
    ) -> None:
        secret = await set_up(desk, ada, code)
        asked = (await desk.log_in(ada)).json()
        clock.moment += timedelta(seconds=30)
        for _ in range(5):
            assert (await send(desk, asked, WRONG)).status_code == 401
        assert (await send(desk, asked, code(secret))).status_code == 401

    async def test_who_was_dismissed_meanwhile_does_not_come_in(
        self, desk: Any, ada: str, hospital: Any, code: Callable[[str], str], clock: FixedClock
    ) -> None:
        secret = await set_up(desk, ada, code)
        asked = (await desk.log_in(ada)).json()
        hospital.person("ada", "choir")
        assert (await desk.log_in(ada)).status_code == 401
        clock.moment += timedelta(seconds=30)
        answer = await send(desk, asked, code(secret))
        assert (answer.status_code, "start again" in answer.json()["msg"]) == (401, True)

    async def test_a_device_is_asked_too(
        self, desk: Any, ada: str, anonymous: httpx.AsyncClient, browser: Any, code: Callable[[str], str]
    ) -> None:
        begun = (await anonymous.post("/oidc/hospital/device")).json()
        assert "Success" in browser(ada).visit(begun["verification_uri"], user_code=begun["user_code"])
        answer = await anonymous.post("/oidc/hospital/device/finish", json={"ticket": begun["ticket"]})
        assert answer.status_code == 202
        asked = OidcSecondFactor.model_validate(answer.json())
        assert (await send(desk, answer.json(), code(asked.otp_secret or ""))).status_code == 200

    async def test_what_the_provider_says_of_it_does_not_matter_unless_it_is_trusted(
        self, desk: Any, hospital: Any, ada: str, server: Any
    ) -> None:
        hospital.person("ada", "researchers", amr=["pwd", "mfa"])
        assert (await desk.log_in(ada)).status_code == 202
        provider = server.app.state.sso.providers["hospital"]
        provider.settings = provider.settings.model_copy(update={"second_factor": "trusted"})
        assert (await desk.log_in(ada)).status_code == 200
        hospital.person("ada", "researchers", amr=["pwd"])
        assert (await desk.log_in(ada)).status_code == 202


@pytest.mark.needs("npm")
class TestNotRequired:
    @pytest.fixture
    def is_required(self) -> bool:
        return False

    async def test_an_organization_that_wants_one_ends_the_logins_without(
        self, desk: Any, ada: str, alpha: Organization, as_user: Any
    ) -> None:
        tokens = (await desk.log_in(ada)).json()
        assert (await desk.whoami(tokens)).status_code == 200
        wanted = await as_user("root").patch(f"/organization/{alpha.id}", json={"two_factor_required": True})
        assert wanted.status_code == 200, wanted.text
        assert (await desk.whoami(tokens)).status_code == 401
        assert (await desk.log_in(ada)).status_code == 202


@pytest.mark.parametrize(
    ("settings", "claims", "is_proven"),
    [
        ({}, {"amr": ["mfa"]}, False),
        ({"second_factor": "trusted"}, {"amr": ["pwd", "mfa"]}, True),
        ({"second_factor": "trusted"}, {"amr": ["pwd", "otp"]}, False),
        ({"second_factor": "trusted"}, {"amr": "mfa"}, True),
        ({"second_factor": "trusted"}, {"amr": {"mfa": 1}, "acr": ["mfa"]}, False),
        ({"second_factor": "trusted"}, {}, False),
        ({"second_factor": "trusted", "second_factor_proofs": ("2",)}, {"acr": "2", "amr": None}, True),
        ({"second_factor": "trusted", "second_factor_proofs": ("2",)}, {"acr": 2, "amr": ["mfa"]}, False),
    ],
)
def test_only_the_listed_words_of_a_trusted_provider_prove_a_second_factor(
    settings: dict[str, Any], claims: dict[str, Any], is_proven: bool
) -> None:
    known = {"name": "x", "issuer": "https://x.example", "client_id": "x", "client_secret": "x"}
    provider = OidcProvider.model_validate({**known, **settings})
    assert proves_second_factor(provider, claims) is is_proven
