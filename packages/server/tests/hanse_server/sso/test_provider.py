"""Speaking to a real provider."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hanse_core.errors import Unauthenticated, Unavailable
from hanse_server.sso.provider import Provider, Refused, Waiting
from hanse_web.clock import FixedClock

pytestmark = pytest.mark.needs("npm")
CALLBACK = "https://ui.example/callback"
VERIFIER = "v" * 43


@pytest.fixture
def provider(hospital: Any, registration: Callable[..., Any], clock: FixedClock) -> Provider:
    hospital.person("ada", "researchers", email="ada@hospital.example", email_verified=True)
    return Provider(registration(hospital), clock)


@pytest.fixture
def code(provider: Provider, browser: Any) -> Callable[..., Any]:
    """Log in in a browser, and give the code that the provider sends back."""

    async def log_in(nonce: str = "a nonce", verifier: str = VERIFIER) -> str:
        address = await provider.authorization_url(CALLBACK, "a state", nonce, verifier)
        reached = browser("ada").visit(address)
        assert reached.params["state"] == "a state"
        await provider.require_sender(reached.params["iss"])
        return str(reached.params["code"])

    return log_in


async def test_a_code_proves_who_logged_in(provider: Provider, hospital: Any, code: Callable[..., Any]) -> None:
    proof = await provider.exchange(await code(), CALLBACK, VERIFIER, "a nonce")
    assert (proof.issuer, proof.subject) == (hospital.issuer, "ada")
    assert proof.groups == {"researchers"}
    assert proof.claims["email"] == "ada@hospital.example"
    assert proof.refresh_token


async def test_a_code_is_good_for_one_exchange(provider: Provider, code: Callable[..., Any]) -> None:
    used = await code()
    await provider.exchange(used, CALLBACK, VERIFIER, "a nonce")
    with pytest.raises(Refused, match="invalid_grant"):
        await provider.exchange(used, CALLBACK, VERIFIER, "a nonce")


async def test_a_code_is_worth_nothing_to_whoever_did_not_ask_for_it(
    provider: Provider, code: Callable[..., Any]
) -> None:
    with pytest.raises(Refused):
        await provider.exchange(await code(), CALLBACK, "w" * 43, "a nonce")


async def test_a_token_with_the_nonce_of_another_login_is_refused(provider: Provider, code: Callable[..., Any]) -> None:
    with pytest.raises(Unauthenticated, match="another login"):
        await provider.exchange(await code(nonce="planted"), CALLBACK, VERIFIER, "a nonce")


async def test_an_answer_of_another_issuer_or_of_nobody_is_refused(provider: Provider, university: Any) -> None:
    for sender in (university.issuer, "", None):
        with pytest.raises(Unauthenticated, match="another provider"):
            await provider.require_sender(sender)


async def test_a_refresh_tells_the_groups_of_now(provider: Provider, hospital: Any, code: Callable[..., Any]) -> None:
    proof = await provider.exchange(await code(), CALLBACK, VERIFIER, "a nonce")
    hospital.person("ada", "visitors")
    again = await provider.refresh(proof.refresh_token or "", "ada")
    assert again.groups == {"visitors"}
    hospital.dismiss("ada")
    with pytest.raises(Refused, match="log in again"):
        await provider.refresh(again.refresh_token or "", "ada")


async def test_new_keys_of_the_provider_are_fetched_when_a_token_names_one(
    provider: Provider, hospital: Any, code: Callable[..., Any], clock: FixedClock
) -> None:
    await provider.exchange(await code(), CALLBACK, VERIFIER, "a nonce")
    hospital.change_keys()
    with pytest.raises(Unauthenticated, match="unknown key"):
        await provider.exchange(await code(), CALLBACK, VERIFIER, "a nonce")
    clock.moment += timedelta(minutes=2)
    proof = await provider.exchange(await code(), CALLBACK, VERIFIER, "a nonce")
    assert proof.subject == "ada"


async def test_a_provider_that_is_not_well_is_unavailable_and_used_again_when_it_is(
    provider: Provider, hospital: Any, code: Callable[..., Any], clock: FixedClock
) -> None:
    waiting = await code()
    hospital.mood(503)
    clock.moment += timedelta(hours=2)
    with pytest.raises(Unavailable, match="try again"):
        await provider.exchange(waiting, CALLBACK, VERIFIER, "a nonce")
    hospital.mood(None)
    clock.moment -= timedelta(hours=2)
    assert (await provider.exchange(await code(), CALLBACK, VERIFIER, "a nonce")).subject == "ada"


async def test_a_provider_that_cannot_be_reached_at_all_is_unavailable(
    registration: Callable[..., Any], clock: FixedClock, unused_tcp_port: int
) -> None:
    from types import SimpleNamespace

    absent = Provider(registration(SimpleNamespace(issuer=f"http://127.0.0.1:{unused_tcp_port}")), clock)
    with pytest.raises(Unavailable):
        await absent.authorization_url(CALLBACK, "a state", "a nonce", VERIFIER)


async def test_a_server_that_the_provider_does_not_know_is_told_to_its_operator(
    hospital: Any, registration: Callable[..., Any], clock: FixedClock
) -> None:
    stranger = Provider(registration(hospital, client_secret="wrong"), clock)
    with pytest.raises(Unavailable, match="operator must check"):
        await stranger.refresh("whatever", "ada")


async def test_a_device_logs_in_through_a_browser_elsewhere(provider: Provider, browser: Any) -> None:
    begun = await provider.start_device()
    assert await provider.device(begun.device_code) == Waiting(slow_down=False)
    page = browser("ada").visit(begun.verification_uri, user_code=begun.user_code)
    assert "Success" in page
    proof = await provider.device(begun.device_code)
    assert not isinstance(proof, Waiting)
    assert proof.subject == "ada"
    with pytest.raises(Refused):
        await provider.device(begun.device_code)
