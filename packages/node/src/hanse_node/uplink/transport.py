"""Plain HTTP requests to the server, and in which of two ways they may get no answer.

aiohttp, since the live connection needs it anyway: a second HTTP library would cost an idle node 6 MB.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from hanse_node.errors import Unreachable

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0

Query = Sequence[tuple[str, str]] | Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Response:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def decoded(self) -> Any:
        """Give the JSON of the body; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Transport(Protocol):
    """Sends one request and gives the whole answer."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: bytes | None = None,
        silence: float = SILENCE_SECONDS,
    ) -> Response:
        """Send; `silence` is how long to wait for each next byte. Raises `Unreachable`."""

    async def close(self) -> None:
        """Close the connections."""


class HttpTransport:
    """Over the network, with connections kept open for the next request."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: bytes | None = None,
        silence: float = SILENCE_SECONDS,
    ) -> Response:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=True)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence)
        try:
            async with self._session.request(
                method, url, headers=headers, params=query, data=body, timeout=timeout, allow_redirects=False
            ) as response:
                return Response(response.status, response.headers, await response.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise _unreachable(error, sent=False) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error, sent=True) from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _unreachable(error: Exception, *, sent: bool) -> Unreachable:
    return Unreachable(f"the server does not answer: {str(error) or type(error).__name__}", sent=sent)
