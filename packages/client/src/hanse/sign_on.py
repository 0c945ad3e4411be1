"""Logging in at a provider of the server, such as the one of a hospital, instead of with a password."""

from __future__ import annotations

import os
import sys
import time
import webbrowser
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from hanse._http import Session
from hanse._login import Tokens
from hanse._loopback import Loopback
from hanse._resource import body
from hanse_core.errors import Invalid, Unauthenticated
from hanse_core.wire.sso import OidcLinkStart

Show = Callable[[str], None]
Open = Callable[[str], object]


async def log_in(
    session: Session, provider: str, *, device: bool | None, open_browser: Open, show: Show, timeout: float
) -> Tokens:
    """Log in through a browser on this machine, or through one elsewhere."""
    path = f"oidc/{quote(provider, safe='')}"
    if device if device is not None else not has_browser():
        return await _through_device(session, path, show)

    def begin(redirect_uri: str) -> Awaitable[Any]:
        return session.ask("POST", f"{path}/start", {"redirect_uri": redirect_uri})

    proof = await _proof(session, begin, open_browser, show, timeout)
    return await _second_step(session, path, await session.ask("POST", f"{path}/finish", proof))


async def link(
    session: Session, provider: str, password: str | None, *, open_browser: Open, show: Show, timeout: float
) -> dict[str, Any]:
    """Prove in a browser on this machine as whom a provider knows the user who is logged in."""
    path = f"oidc/{quote(provider, safe='')}/link"

    def begin(redirect_uri: str) -> Awaitable[Any]:
        fields = body(OidcLinkStart, redirect_uri=redirect_uri, current_password=password)
        return session.request("POST", path, body=fields, renew=False)

    await session.request("GET", "session")  # Renews the tokens if need be: a 401 below is about the password.
    proof = await _proof(session, begin, open_browser, show, timeout)
    linked: dict[str, Any] = await session.request("POST", f"{path}/finish", body=proof, renew=False)
    return linked


def has_browser() -> bool:
    """Guess whether a browser opened by this program is one that the user sees: not in notebooks and over SSH."""
    if "ipykernel" in sys.modules or any(name in os.environ for name in ("SSH_CONNECTION", "SSH_TTY")):
        return False
    if sys.platform.startswith("linux") and not any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


async def _proof(
    session: Session, begin: Callable[[str], Awaitable[Any]], open_browser: Open, show: Show, timeout: float
) -> dict[str, Any]:
    """Send the browser to the provider, and give what comes back with it."""
    with Loopback() as loopback:
        begun = await begin(loopback.redirect_uri)
        loopback.expect(begun["state"])
        address = _web_address(begun["authorization_url"])
        show(f"Log in in the browser. If none opens, visit\n{address}")
        await session.transport.elsewhere(lambda: open_browser(address))
        answer = await session.transport.elsewhere(lambda: loopback.wait(min(timeout, begun["expires_in"])))
    if answer is None:
        raise Unauthenticated(
            "nobody logged in in the browser in time; where it is on another machine, use device=True"
        )
    if "code" not in answer:
        said = answer.get("error_description") or answer.get("error", "no reason")
        raise Unauthenticated(f"the provider did not log you in: {said}")
    return {name: answer[name] for name in ("state", "code", "iss") if name in answer} | {"ticket": begun["ticket"]}


async def _through_device(session: Session, path: str, show: Show) -> Tokens:
    begun = await session.ask("POST", f"{path}/device")
    address = _web_address(begun["verification_uri"])
    show(f"Visit {address} in any browser, and enter the code {begun['user_code']}")
    ends, interval = time.monotonic() + begun["expires_in"], begun["interval"]
    while time.monotonic() < ends:
        await session.transport.pause(interval)
        answer: dict[str, Any] = await session.ask("POST", f"{path}/device/finish", {"ticket": begun["ticket"]})
        if "interval" not in answer:
            return await _second_step(session, path, answer)
        interval = answer["interval"]
    raise Unauthenticated(f"nobody entered the code {begun['user_code']} in time; log in again for a new one")


async def _second_step(session: Session, path: str, answer: dict[str, Any]) -> Tokens:
    """Ask for the code of a second factor, where the server wants one on top of what the provider asked for."""
    if "access_token" not in answer:
        proof = {"ticket": answer["ticket"], "mfa_code": await session.code(answer)}
        answer = await session.ask("POST", f"{path}/second_factor", proof)
    return session.accept(answer)


def _web_address(address: str) -> str:
    """Let no server have anything opened, or shown as a link, but web pages."""
    if not address.startswith(("https://", "http://")) or not address.isprintable():
        raise Invalid("the server sent an address for the browser that is none of a web page")
    return address
