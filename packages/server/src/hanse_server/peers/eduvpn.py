"""Profiles of nodes from the portal of an eduVPN server, got with one account through its sign-in pages and OAuth2."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import structlog

from hanse_core.errors import HanseError, Unavailable
from hanse_server.settings.vpn import VpnServer
from hanse_web.pkce import challenge

SECONDS = 30.0
PROFILE_BYTES = 1 << 18
API = "http://eduvpn.org/api#3"
SCOPE = "config"

log = structlog.get_logger()


class Misconfigured(HanseError):
    """The portal does not take what the operator set."""

    status = 500
    code = "misconfigured"


class EduVpn:
    """Gets profiles."""

    def __init__(self, settings: VpnServer, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._transport = transport

    async def profile(self) -> str:
        """Give a new OpenVPN profile. Raises `Misconfigured`, or `Unavailable` when the portal does not answer."""
        try:
            async with asyncio.timeout(SECONDS), self._client() as client:
                return await _Visit(client, self._settings).profile()
        except (TimeoutError, httpx.TransportError) as error:
            log.warning("vpn-portal-away", error=str(error) or type(error).__name__)
            raise Unavailable("the VPN server does not answer; try again later") from error
        except Misconfigured as error:
            log.error("vpn-portal-refused", error=error.message)
            raise

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self._transport, timeout=SECONDS, follow_redirects=False)


class _Visit:
    """One dialogue with the portal; its cookies are in the client."""

    def __init__(self, client: httpx.AsyncClient, settings: VpnServer) -> None:
        self._client = client
        self._settings = settings

    async def profile(self) -> str:
        places = await self._places()
        token = await self._token(places)
        headers = {"Authorization": f"Bearer {token}"}
        api = places["api_endpoint"]
        info = _fields(await self._client.get(f"{api}/info", headers=headers), "the list of profiles")
        try:
            profile_id = str(info["info"]["profile_list"][0]["profile_id"])
        except (KeyError, IndexError, TypeError) as error:
            raise Misconfigured("the VPN portal offers this account no profile") from error
        headers["Accept"] = "application/x-openvpn-profile"
        answer = await self._client.post(f"{api}/connect", headers=headers, data={"profile_id": profile_id})
        if answer.status_code != 200 or not 0 < len(answer.content) <= PROFILE_BYTES:
            raise Misconfigured(f"the VPN portal gives no profile: status {answer.status_code}")
        return answer.text

    async def _places(self) -> dict[str, str]:
        url = f"{self._settings.url.rstrip('/')}/.well-known/vpn-user-portal"
        found = _fields(await self._client.get(url), "its description")
        places = found.get("api", {}).get(API) if isinstance(found.get("api"), dict) else None
        wanted = ("api_endpoint", "authorization_endpoint", "token_endpoint")
        if not isinstance(places, dict) or not all(isinstance(places.get(name), str) for name in wanted):
            raise Misconfigured(f"{self._settings.url} is not the address of an eduVPN server of version 3")
        return {name: places[name] for name in wanted}

    async def _token(self, places: Mapping[str, str]) -> str:
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        authorize = httpx.URL(places["authorization_endpoint"]).copy_merge_params(
            {
                "client_id": self._settings.client_id,
                "redirect_uri": self._settings.redirect_url,
                "response_type": "code",
                "scope": SCOPE,
                "state": state,
                "code_challenge": challenge(verifier),
                "code_challenge_method": "S256",
            }
        )
        await self._sign_in(places["api_endpoint"].removesuffix("/api/v3"), str(authorize))
        code = _code(await self._client.get(authorize), state)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.redirect_url,
            "code_verifier": verifier,
            "client_id": self._settings.client_id,
        }
        answer = await self._client.post(places["token_endpoint"], data=form)
        if answer.status_code == 401:
            who = (self._settings.client_id, self._settings.secret("client_secret"))
            answer = await self._client.post(places["token_endpoint"], data=form, auth=who)
        token = _fields(answer, "an access token").get("access_token")
        if not isinstance(token, str):
            raise Misconfigured("the VPN portal gives no access token")
        return token

    async def _sign_in(self, portal: str, authorize: str) -> None:
        form = {
            "userName": self._settings.portal_username,
            "userPass": self._settings.secret("portal_userpass"),
            "_user_pass_auth_redirect_to": authorize,
            "authRedirectTo": authorize,
        }
        answer = await self._client.post(f"{portal}/_user_pass_auth/verify", data=form, headers={"Referer": authorize})
        if answer.status_code >= 400:
            raise Misconfigured(f"the VPN portal refuses the account: status {answer.status_code}")


def _code(answer: httpx.Response, state: str) -> str:
    """Take the code out of where the portal sends the browser."""
    found = parse_qs(urlsplit(answer.headers.get("location", "")).query)
    if not answer.is_redirect or found.get("state") != [state] or not found.get("code"):
        raise Misconfigured(
            "the VPN portal gives no code: are account, client_id and redirect_url right, "
            "and may the client be used without the user's approval?"
        )
    return str(found["code"][0])


def _fields(answer: httpx.Response, what: str) -> dict[str, Any]:
    if answer.status_code >= 500:
        raise Unavailable("the VPN server is not well; try again later")
    try:
        body = answer.json()
    except ValueError:
        body = None
    if answer.status_code != 200 or not isinstance(body, dict):
        raise Misconfigured(f"the VPN portal does not give {what}: status {answer.status_code}")
    return body
