"""The only file that sends: address, time-outs, login and renewal, retries, errors."""

from __future__ import annotations

import json
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import httpx

from hanse._transports import Transport
from hanse_core.errors import Denied, HanseError, Invalid, Malformed, Unauthenticated, Unavailable, from_wire
from hanse_core.protocol import API_PATH

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_FIRST_CONTACT_SECONDS = 2.0
"""A server that never answered is more likely a wrong address than one that restarts: give up soon."""
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_AWAY = frozenset({502, 503, 504})

Query = Mapping[str, Any]


@dataclass(frozen=True)
class Tokens:
    """What proves who the user is; never shown."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    user_id: int


@dataclass(frozen=True)
class Call:
    """One request to the API. One that is repeatable may be sent again when its answer was lost."""

    method: str
    path: str
    query: Query | None = None
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_repeatable: bool = False
    timeout: httpx.Timeout | None = None
    stream: bool = False

    def may_repeat_after(self, error: httpx.TransportError) -> bool:
        harmless = self.is_repeatable or self.method in ("GET", "PATCH") or "Idempotency-Key" in self.headers
        return harmless or isinstance(error, _NEVER_SENT)


def api_url(url: str) -> httpx.URL:
    """Complete the address of a server to that of its API. Raises `Invalid` when it is no web address."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Invalid(f"{url!r} is not the address of a server: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Invalid(f"{url!r} is not the address of a server; it starts with http:// or https://")
    return parsed.copy_with(path=parsed.path.rstrip("/") or API_PATH, query=None, fragment=None)


class Session:
    """The conversation of one user with one server."""

    def __init__(
        self,
        url: httpx.URL,
        transport: Transport,
        *,
        retry_for: float,
        credentials: dict[str, str] | None = None,
        tokens: Tokens | None = None,
        keep: Callable[[Tokens], None] | None = None,
        kept: Callable[[], Tokens | None] | None = None,
    ) -> None:
        self.url = url
        self.transport = transport
        self.credentials = credentials
        self.tokens = tokens
        self._retry_for = retry_for
        self._keep = keep
        self._kept = kept
        self._has_met = False
        self._is_hanse: bool | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        key: str = "",
        renew: bool = True,
    ) -> Any:
        """Send as the user, and give the decoded answer; `key` marks a creation that must happen only once."""
        headers = {"Idempotency-Key": key} if key and await self.is_hanse() else {}
        response = await self._as_user(Call(method, path, query, body, headers), renew=renew)
        return _decoded(response.content, response)

    async def pages(self, path: str, query: Query, per_page: int) -> AsyncIterator[dict[str, Any]]:
        """Walk through all pages of a list."""
        page: int | None = 1
        while page is not None:
            answer = await self.request("GET", path, query={**query, "page": page, "per_page": per_page})
            for item in answer["data"]:
                yield item
            page = page + 1 if "next" in answer.get("links", {}) else None

    async def held(self, path: str, seconds: float) -> Any:
        """Ask for something that the server holds back until it is final; None when `seconds` passed first."""
        ends = time.monotonic() + seconds
        timeout = httpx.Timeout(TIMEOUT.connect, read=max(0.05, seconds))
        response = await self._as_user(Call("GET", path, timeout=timeout, stream=True))
        received = b""
        try:
            async for chunk in self.transport.chunks(response):
                received += chunk
                if not received.strip() and time.monotonic() >= ends:
                    return None
        except httpx.TransportError:
            return None
        finally:
            await self.transport.discard(response)
        return _decoded(received, response)

    async def is_hanse(self) -> bool:
        """Tell whether the server is one of ours, which knows more than v4 does (asked once)."""
        if self._is_hanse is None:
            self._is_hanse = "hanse" in await self.version()
        return self._is_hanse

    async def version(self) -> dict[str, Any]:
        """Ask what the server is; needs no login."""
        response = await self._persistently(Call("GET", "version"))
        answer: dict[str, Any] = _decoded(response.content, response)
        return answer

    async def identity(self) -> Tokens:
        """Give the tokens of the user, logging in if there are none yet."""
        return self.tokens or await self.login()

    async def login(self) -> Tokens:
        """Exchange the password for tokens."""
        if self.credentials is None:
            raise Unauthenticated(f"not logged in at {self.url}: give username and password, or run `hanse login`")
        response = await self._persistently(Call("POST", "token/user", body=self.credentials, is_repeatable=True))
        answer = _decoded(response.content, response)
        if "access_token" not in answer:
            raise Unauthenticated(f"{answer.get('msg', 'a second factor is needed')} (give it as mfa_code)")
        return self._accept(answer)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send as nobody, once, and give the decoded answer: for the steps of a login."""
        response = await self._persistently(Call(method, path, body=body))
        return _decoded(response.content, response)

    def accept(self, answer: dict[str, Any]) -> Tokens:
        """Go on as the user of a login; credentials given before are forgotten."""
        self.credentials = None
        return self._accept(answer)

    async def renew(self, used: Tokens) -> Tokens:
        """Replace tokens that the server no longer takes, unless somebody else just did."""
        if self.tokens is not used:
            return await self.identity()
        kept = self._kept() if self._kept is not None else None
        if kept is not None and kept.access != used.access:
            # Another process renewed them. A refresh token that comes back late would end the login for both.
            self.tokens = kept
            return kept
        headers = {"Authorization": f"Bearer {used.refresh}"}
        response = await self._persistently(Call("POST", "token/refresh", headers=headers, is_repeatable=True))
        if response.is_success:
            return self._accept(_decoded(response.content, response))
        if not isinstance(_error(response), (Unauthenticated, Malformed)):
            raise _error(response)
        if self.credentials is None:
            said = f" ({_error(response).message})" if _has_code(response) else ""
            raise Unauthenticated(f"the login at {self.url} has expired{said}; log in again, e.g. with `hanse login`")
        return await self.login()

    def _accept(self, answer: dict[str, Any]) -> Tokens:
        user_id = int(str(answer["user_url"]).rpartition("/")[2])
        self.tokens = Tokens(answer["access_token"], answer["refresh_token"], user_id)
        if self._keep is not None:
            self._keep(self.tokens)
        return self.tokens

    async def _as_user(self, call: Call, *, renew: bool = True) -> httpx.Response:
        tokens = await self.identity()
        response = await self._persistently(call, tokens)
        if renew and response.status_code == 401 and isinstance(_error(response), Unauthenticated):
            response = await self._persistently(call, await self.renew(tokens))
            if response.status_code == 401 and not _has_code(response):
                raise Denied(_error(response).message)
        if response.is_error:
            raise _error(response)
        return response

    async def _persistently(self, call: Call, tokens: Tokens | None = None) -> httpx.Response:
        """Send until there is an answer, or too long; a request that may have been received only if repeatable."""
        ends = time.monotonic() + (self._retry_for if self._has_met else min(self._retry_for, _FIRST_CONTACT_SECONDS))
        for pause in _pauses():
            is_last = time.monotonic() + pause > ends
            try:
                response = await self._send(call, tokens)
                if is_last or call.method != "GET" or response.status_code not in _AWAY:
                    return response
            except httpx.TransportError as error:
                if is_last or not call.may_repeat_after(error):
                    self._give_up(error)
            await self.transport.pause(pause)
        raise AssertionError("unreachable")

    async def _send(self, call: Call, tokens: Tokens | None) -> httpx.Response:
        identity = {"Authorization": f"Bearer {tokens.access}"} if tokens else {}
        request = self.transport.http.build_request(
            call.method,
            f"{self.url}/{call.path}",
            params={name: value for name, value in (call.query or {}).items() if value is not None} or None,
            json=call.body,
            headers={**identity, **call.headers},
            timeout=call.timeout or TIMEOUT,
        )
        response = await self.transport.send(request, stream=call.stream)
        if call.stream and response.is_error:
            await self.transport.read(response)
        self._has_met = True
        return response

    def _give_up(self, error: httpx.TransportError) -> NoReturn:
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, _NEVER_SENT):
            raise Unavailable(f"the server at {self.url} did not answer in time") from error
        if not isinstance(error, _NEVER_SENT):
            raise Unavailable(f"the connection to {self.url} was lost; the request may have been received") from error
        raise Unavailable(
            f"no server answers at {self.url}; is the address right, and is the server running? ({error})"
        ) from error


def _pauses() -> Iterator[float]:
    """Give growing pauses, scattered so that clients that lost the same server do not return together."""
    longest = 0.1
    while True:
        yield longest * random.uniform(0.5, 1.0)  # noqa: S311
        longest = min(longest * 2, 5.0)


def _decoded(content: bytes, response: httpx.Response) -> Any:
    if response.is_error:
        raise _error(response)
    try:
        return json.loads(content)
    except ValueError as error:
        raise Unavailable(f"{response.url} does not answer like a Hanse or vantage6 server") from error


def _has_code(response: httpx.Response) -> bool:
    """Tell whether a server says which error it means; one of v4 answers 401 to denials, even with new tokens."""
    try:
        return "code" in response.json()
    except ValueError:
        return False


def _error(response: httpx.Response) -> HanseError:
    """Read the error that an answer carries."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if body is None and response.status_code == 404:
        return Unavailable(f"{response.url} is unknown there; is this the address of a Hanse or vantage6 server?")
    return from_wire(response.status_code, body)
