"""Plain HTTP requests to the server, and in which of two ways they may get no answer.

aiohttp, since the live connection needs it anyway: a second HTTP library would cost an idle node 6 MB.
"""

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from hanse_node import trust
from hanse_node.egress_settings import HttpProxy
from hanse_node.errors import Unreachable

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
PIECE_BYTES = 1 << 18
PROXY_WANTS_PASSWORD = 407
NOT_LET_IN = "the proxy on the way to the server does not accept the username and password: see proxy in the settings"

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


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is still arriving."""

    status: int
    pieces: AsyncIterator[bytes]
    """The body. Raises `Unreachable` when it breaks off."""


class Transport(Protocol):
    """Sends requests."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: bytes | AsyncIterable[bytes] | None = None,
        silence: float = SILENCE_SECONDS,
        most: int | None = None,
    ) -> Response:
        """Send; `silence` is how long to wait for each next byte, `most` how many of them. Raises `Unreachable`."""

    def stream(self, url: str, headers: Mapping[str, str]) -> AbstractAsyncContextManager[Stream]:
        """Ask for something that may be large. Raises `Unreachable`."""

    async def close(self) -> None:
        """Close the connections."""


class Route:
    """The way from this machine to the server: directly or through a proxy, and whose certificates are believed."""

    def __init__(self, proxy: HttpProxy | None = None, ca_file: Path | None = None) -> None:
        """Read what the settings name. Raises `CannotStart` or `Invalid` when a file cannot be used."""
        self._proxy = proxy.full_url() if proxy else None
        self._trust = trust.context(ca_file) if ca_file is not None else True

    def session(self, silence: float) -> aiohttp.ClientSession:
        """Open a session; without a proxy in the settings that of the environment (`HTTPS_PROXY`) is used."""
        connector = aiohttp.TCPConnector(ssl=self._trust)
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), proxy=self._proxy, trust_env=True,
            timeout=_timeout(silence),
        )  # fmt: skip


class HttpTransport:
    """Over the network, with connections kept open for the next request."""

    def __init__(self, route: Route | None = None) -> None:
        self._route = route or Route()
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: bytes | AsyncIterable[bytes] | None = None,
        silence: float = SILENCE_SECONDS,
        most: int | None = None,
    ) -> Response:
        with _broken_connections():
            async with asyncio.timeout(None) as limit:
                data = body if body is None or isinstance(body, bytes) else _watched(body, limit, silence)
                async with self._http().request(
                    method, url, headers=headers, params=query, data=data, timeout=_timeout(silence),
                    allow_redirects=False,
                ) as response:  # fmt: skip
                    _heard_by_the_server(response)
                    return Response(response.status, response.headers, await _body(response, most))

    @asynccontextmanager
    async def stream(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[Stream]:
        with _broken_connections():
            response = await self._http().get(
                url, headers=headers, timeout=_timeout(SILENCE_SECONDS), allow_redirects=False
            )
        _heard_by_the_server(response)
        try:
            yield Stream(response.status, _pieces(response))
        finally:
            response.close()

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = self._route.session(SILENCE_SECONDS)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _watched(body: AsyncIterable[bytes], limit: asyncio.Timeout, silence: float) -> AsyncIterator[bytes]:
    """Pass pieces on; the server must take each within so many seconds, whoever gives them may take longer."""
    now = asyncio.get_running_loop().time
    async for piece in body:
        limit.reschedule(now() + silence)
        yield piece
        limit.reschedule(None)


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    with _broken_connections():
        async for piece in response.content.iter_chunked(PIECE_BYTES):
            yield piece


def _timeout(silence: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence)


def _heard_by_the_server(response: aiohttp.ClientResponse) -> None:
    """Tell an answer of the server from a proxy's. Raises `Unreachable`."""
    if response.status == PROXY_WANTS_PASSWORD:
        raise Unreachable(NOT_LET_IN, sent=False)


@contextmanager
def _broken_connections() -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientHttpProxyError as error:
        cause = (
            NOT_LET_IN if error.status == PROXY_WANTS_PASSWORD else f"the proxy refuses: {error.status} {error.message}"
        )
        raise Unreachable(cause, sent=False) from error
    except aiohttp.ClientProxyConnectionError as error:
        raise Unreachable(
            f"the proxy on the way to the server does not answer: {error.strerror}", sent=False
        ) from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise _unreachable(error, sent=False) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _unreachable(error, sent=True) from error


async def _body(response: aiohttp.ClientResponse, most: int | None) -> bytes:
    """Read the answer; one that is longer than agreed is no answer."""
    if most is None:
        return await response.read()
    body = bytearray()
    async for piece in response.content.iter_chunked(65536):
        body += piece
        if len(body) > most:
            raise Unreachable(f"the answer is longer than {most} bytes", sent=True)
    return bytes(body)


def _unreachable(error: Exception, *, sent: bool) -> Unreachable:
    return Unreachable(f"the server does not answer: {str(error) or type(error).__name__}", sent=sent)
