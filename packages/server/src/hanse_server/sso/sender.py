"""Speaking to one provider: with time-outs, a limit on what is read, and not too much at once."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import structlog

from hanse_core.errors import Invalid, Unavailable
from hanse_server.settings.oidc import OidcProvider

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
WHOLE_SECONDS = 15
"""How long a request may take altogether, however steadily it drips."""
MAXIMUM_BYTES = 1 << 20
AT_ONCE = 16
"""Requests to one provider at the same time: strangers can cause some, and must not cause a flood."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON answer of a provider."""

    status: int
    body: Any


class Sender:
    """Sends to a provider and gives the JSON that it answers. Raises `Unavailable` when there is none."""

    def __init__(self, provider: OidcProvider) -> None:
        self._provider = provider
        self._room = asyncio.Semaphore(AT_ONCE)
        try:
            self._trust = ssl.create_default_context(cafile=provider.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise Invalid(f"ca_file of the provider {provider.name} cannot be used: {error}") from error

    async def fetch(self, url: str) -> Any:
        """Get a public document."""
        return self._expected(url, await self._send("GET", url))

    async def fetch_as(self, url: str, access_token: str) -> Any:
        """Get a document as the user who logs in."""
        return self._expected(url, await self._send("GET", url, headers={"Authorization": f"Bearer {access_token}"}))

    async def post(self, url: str, form: Mapping[str, str], *, auth: tuple[str, str] | None = None) -> Answer:
        """Send a form as this application, and give the answer whatever its status is."""
        return await self._send("POST", url, data=dict(form), auth=auth)

    def away(self, reason: str) -> Unavailable:
        """Log what happened, and give the error that says so to a stranger without details."""
        log.warning("oidc-provider-away", provider=self._provider.name, reason=reason)
        return Unavailable(f"the provider {self._provider.title} does not answer as it should now; try again shortly")

    def _expected(self, url: str, answer: Answer) -> Any:
        if answer.status != 200:
            raise self.away(f"{httpx.URL(url).path} is answered {answer.status}")
        return answer.body

    async def _send(self, method: str, url: str, **options: Any) -> Answer:
        try:
            # Nothing is shared between two requests but the trust, which takes long to load: logins are rare.
            client = httpx.AsyncClient(verify=self._trust, timeout=TIMEOUT, follow_redirects=False)
            async with (
                asyncio.timeout(WHOLE_SECONDS),
                self._room,
                client,
                client.stream(method, url, **options) as response,
            ):
                content = await self._read(response)
            return Answer(response.status_code, json.loads(content))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise self.away(f"{type(error).__name__}: {error}") from error
        except ValueError as error:
            raise self.away(f"{httpx.URL(url).path} is answered without JSON") from error

    async def _read(self, response: httpx.Response) -> bytes:
        content = b""
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > MAXIMUM_BYTES:
                raise self.away(f"{response.url.path} is answered with more than {MAXIMUM_BYTES} bytes")
        return content
