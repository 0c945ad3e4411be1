"""The node's tokens: got with the API key, refreshed before they expire, and got anew when refreshing fails."""

import asyncio
import base64
import json
import time
from typing import Any

from hanse_core.errors import Malformed, Unauthenticated, from_wire
from hanse_node.errors import Unreachable, WrongKey
from hanse_node.uplink.transport import Transport

EARLY_SECONDS = 600.0


class Session:
    """Gives a valid access token to whoever asks; one login at a time."""

    def __init__(self, transport: Transport, api_url: str, root_url: str, key: str) -> None:
        self._transport = transport
        self._login_url = f"{api_url}/token/node"
        self._root_url = root_url
        self._key = key
        self._access = ""
        self._refresh = ("", "")
        self._renew_at = 0.0
        self._lock = asyncio.Lock()
        self.node_id = 0

    async def login(self) -> None:
        """Log in once with the key. Raises `WrongKey`, or what else the server says."""
        async with self._lock:
            await self._log_in()

    async def bearer(self) -> str:
        """Give a token that is good for some time yet."""
        if time.time() >= self._renew_at:
            return await self.renew(self._access)
        return self._access

    async def renew(self, rejected: str) -> str:
        """Replace a token that is old or was rejected; who comes second gets what the first one fetched."""
        async with self._lock:
            if self._access == rejected:
                try:
                    await self._refresh_tokens()
                except (Unauthenticated, Malformed):
                    await self._log_in()
            return self._access

    async def start_over(self) -> None:
        """Forget the tokens, so that the next one comes from a login with the key."""
        async with self._lock:
            self._refresh, self._renew_at = ("", ""), 0.0

    async def _log_in(self) -> None:
        try:
            self._take(await self._post(self._login_url, {"api_key": self._key}))
        except Unauthenticated as error:
            raise WrongKey(
                f"the server does not accept this node's API key ({error.message}); check api_key or have it renewed"
            ) from error

    async def _refresh_tokens(self) -> None:
        path, token = self._refresh
        if not token:
            raise Unauthenticated("there is no refresh token")
        self._take(await self._post(self._root_url + path, None, Authorization=f"Bearer {token}"))

    async def _post(self, url: str, fields: dict[str, str] | None, **headers: str) -> dict[str, Any]:
        body = None if fields is None else json.dumps(fields).encode()
        headers["Content-Type"] = "application/json"
        response = await self._transport.request("POST", url, headers=headers, body=body)
        answer = response.decoded()
        if response.status >= 400 or not isinstance(answer, dict):
            raise from_wire(response.status, answer)
        return answer

    def _take(self, body: dict[str, Any]) -> None:
        try:
            self._access = str(body["access_token"])
            self._refresh = (str(body["refresh_url"]), str(body["refresh_token"]))
            claims = claims_of(self._access)
            self.node_id = int(claims["sub"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unreachable("what answers at the server's address is not a Hanse server", sent=True) from error
        left = float(claims.get("exp", time.time() + 3600)) - time.time()
        self._renew_at = time.time() + left - min(EARLY_SECONDS, left / 10)


def claims_of(token: str) -> dict[str, Any]:
    """Read a token's claims without checking it. Raises `ValueError`."""
    part = token.split(".")[1] if token.count(".") == 2 else ""
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(claims, dict):
        raise ValueError("the token carries no claims")
    return claims
