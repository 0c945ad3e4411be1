"""Logging in at a provider instead of with a password."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import httpx
import pytest

from hanse import sign_on
from hanse._login import SecondFactorNeeded
from hanse._loopback import Loopback
from hanse_core.command import main
from hanse_core.errors import Invalid, Unauthenticated


@pytest.fixture
async def stranger(connect: Any) -> Any:
    """A client without a login, in both modes."""
    from_outside = connect(username=None, password=None)
    yield from_outside
    await _call(from_outside.close)


async def _call(operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    given = operation(*args, **kwargs)
    return await given if hasattr(given, "__await__") else given


class Browser:
    """Comes back from the provider at once, with these parameters."""

    def __init__(self, *answers: dict[str, str]) -> None:
        self.answers = answers
        self.pages: list[httpx.Response] = []

    def __call__(self, address: str) -> None:
        back = httpx.URL(address).params["redirect_uri"]
        for answer in self.answers:
            self.pages.append(httpx.get(back, params=answer))


SILENT: dict[str, Any] = {"show": lambda text: None}
RIGHT = {"state": "s", "code": "c", "iss": "https://login.hospital.example"}


def finished(server: Any) -> list[Any]:
    return [json.loads(request.content) for request in server.sent("POST", "oidc/hospital/finish")]


async def test_providers_are_named(stranger: Any) -> None:
    assert await _call(stranger.providers) == {"hospital": "The hospital"}


async def test_a_browser_brings_the_code_back(stranger: Any, server: Any) -> None:
    browser = Browser(RIGHT)
    user = await _call(stranger.log_in_with, "hospital", device=False, open_browser=browser, **SILENT)
    assert user.username == "alice"
    assert finished(server) == [{**RIGHT, "ticket": "t"}]
    assert "close this window" in browser.pages[0].text
    assert browser.pages[0].headers["referrer-policy"] == "no-referrer"


async def test_an_account_is_linked_for_logins_to_come(client: Any, server: Any) -> None:
    browser = Browser(RIGHT)
    linked = await client.link_with("hospital", password="Secret.1", open_browser=browser, **SILENT)
    assert (linked.provider, linked.subject) == ("hospital", "s-1")
    (finished,) = server.sent("POST", "oidc/hospital/link/finish")
    assert json.loads(finished.content) == {**RIGHT, "ticket": "t"}
    assert finished.headers["Authorization"] == "Bearer access-1"


async def test_linking_takes_the_right_password_and_no_second_login(client: Any, server: Any) -> None:
    server.access = 1
    with pytest.raises(Unauthenticated, match="the password is wrong"):
        await client.link_with("hospital", password="Wrong.1", open_browser=Browser(RIGHT), **SILENT)
    assert server.sent("POST", "token/refresh") == []


async def test_what_other_pages_send_to_the_port_is_ignored(stranger: Any, server: Any) -> None:
    browser = Browser({"state": "planted", "code": "x"}, {}, {"code": "x"}, RIGHT)
    await _call(stranger.log_in_with, "hospital", device=False, open_browser=browser, **SILENT)
    assert [page.status_code for page in browser.pages] == [404, 404, 404, 200]
    assert finished(server) == [{**RIGHT, "ticket": "t"}]


async def test_a_refusal_of_the_provider_is_told(stranger: Any) -> None:
    browser = Browser({"state": "s", "error": "access_denied", "error_description": "not today"})
    with pytest.raises(Unauthenticated, match="not today"):
        await _call(stranger.log_in_with, "hospital", device=False, open_browser=browser, **SILENT)


async def test_a_refusal_of_the_server_is_told(stranger: Any) -> None:
    browser = Browser({"state": "s", "code": "used"})
    with pytest.raises(Unauthenticated, match="no such login"):
        await _call(stranger.log_in_with, "hospital", device=False, open_browser=browser, **SILENT)


async def test_nobody_is_waited_for_for_ever(stranger: Any) -> None:
    with pytest.raises(Unauthenticated, match="in time"):
        await _call(stranger.log_in_with, "hospital", device=False, open_browser=Browser(), timeout=0.01, **SILENT)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "javascript:alert(1)", "https://x\n\x1b[2J"])
async def test_nothing_but_a_web_page_is_opened(stranger: Any, server: Any, address: str) -> None:
    server.login_page = address
    browser = Browser(RIGHT)
    for device in (False, True):
        with pytest.raises(Invalid, match="web page"):
            await _call(stranger.log_in_with, "hospital", device=device, open_browser=browser, **SILENT)
    assert browser.pages == []


async def test_a_code_is_shown_and_the_server_asked_until_it_was_entered(stranger: Any, server: Any) -> None:
    server.waiting = ["pending", "slow_down", "pending"]
    shown: list[str] = []
    user = await _call(stranger.log_in_with, "hospital", device=True, show=shown.append)
    assert user.username == "alice"
    assert len(server.sent("POST", "oidc/hospital/device/finish")) == 4
    assert "ABCD-EFGH" in shown[0]
    assert "https://login.hospital.example/auth" in shown[0]


async def test_in_a_notebook_a_code_is_shown_by_default(
    stranger: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    await _call(stranger.log_in_with, "hospital", **SILENT)
    assert server.sent("POST", "oidc/hospital/start") == []


SETUP = {"qr_uri": "otpauth://x", "otp_secret": "JBSW"}


@pytest.mark.parametrize("device", [True, False])
@pytest.mark.parametrize("setup", [{}, {"qr_uri": None, "otp_secret": None}, SETUP])
async def test_a_second_factor_on_top_is_asked_for(connect: Any, server: Any, device: bool, setup: Any) -> None:
    server.second_factor = setup
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "123456"

    client = connect(username=None, password=None, ask=ask)
    way = {"device": device, "open_browser": Browser(RIGHT), **SILENT}
    user = await _call(client.log_in_with, "hospital", **way)
    await _call(client.close)
    assert user.username == "alice"
    assert ("otpauth://x" in asked[0]) == (setup == SETUP)


async def test_where_nobody_can_be_asked_for_a_code_that_is_said(stranger: Any, server: Any) -> None:
    server.second_factor = SETUP
    with pytest.raises(SecondFactorNeeded) as told:
        await _call(stranger.log_in_with, "hospital", device=True, **SILENT)
    assert told.value.setup is not None
    assert told.value.setup.otp_secret == "JBSW"


def test_over_ssh_and_without_a_screen_there_is_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSH_CONNECTION", "SSH_TTY", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("webbrowser.get", lambda: None)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not sign_on.has_browser()
    monkeypatch.setenv("DISPLAY", ":0")
    assert sign_on.has_browser()
    monkeypatch.setenv("SSH_CONNECTION", "x")
    assert not sign_on.has_browser()


def test_the_port_is_open_only_meanwhile_and_only_on_this_machine() -> None:
    with Loopback() as loopback:
        address = loopback.redirect_uri
        assert address.startswith("http://127.0.0.1:")
        assert httpx.get(address).status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)


async def test_a_name_cannot_lead_to_another_place(stranger: Any, server: Any) -> None:
    with pytest.raises(Unauthenticated):
        await _call(stranger.log_in_with, "../token", device=True, **SILENT)
    assert server.requests[-1].url.raw_path == b"/api/oidc/..%2Ftoken/device"


def test_hanse_login_through_a_provider(
    server: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hanse import Client
    from hanse._transports import BlockingTransport
    from hanse.profiles import load

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    connect = BlockingTransport
    monkeypatch.setattr(Client, "_connect", lambda _, transport, **options: connect(server.transport(), **options))
    arguments = ["login", "--server", "http://hanse.test", "--provider", "hospital", "--device"]
    assert main(arguments) == 0
    assert load().username == "alice"
    assert "ABCD-EFGH" in capsys.readouterr().out
