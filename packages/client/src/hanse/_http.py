"""The only file that sends: address, time-outs, login and renewal, retries."""

from __future__ import annotations

import json
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, NoReturn

import httpx

from hanse._answers import read_error, retry_after
from hanse._bodies import Content
from hanse._login import Ask, Forgetful, Keeper, Tokens, refusal, setting_up
from hanse._transports import Transport
from hanse_core.errors import Denied, HanseError, Invalid, Malformed, Unauthenticated, Unavailable
from hanse_core.protocol import API_PATH

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_UNKNOWN = 404
_FIRST_CONTACT_SECONDS = 2.0
"""A server that never answered is more likely a wrong address than one that restarts: give up soon."""
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_UNAVAILABLE = 503
_AWAY = frozenset({502, _UNAVAILABLE, 504})
_TOO_MANY = 429
"""Refused before anything was done, so it can always be sent again."""

Query = Mapping[str, Any]


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
    content: Content | None = field(default=None, repr=False)

    def may_repeat_after(self, error: httpx.TransportError) -> bool:
        return self._is_harmless or isinstance(error, _NEVER_SENT)

    def may_repeat_at(self, status: int, *, is_told: bool) -> bool:
        """Tell whether an answer only means to try again later; `is_told` if it says when, so nothing was done yet."""
        is_undone = status == _TOO_MANY or (status == _UNAVAILABLE and is_told)
        return is_undone or (status in _AWAY and self._is_harmless)

    @property
    def _is_harmless(self) -> bool:
        return self.is_repeatable or self.method in ("GET", "PATCH") or "Idempotency-Key" in self.headers


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
        keeper: Keeper | None = None,
        ask: Ask | None = None,
    ) -> None:
        self.url = url
        self.transport = transport
        self.credentials = credentials
        self.tokens = tokens
        self.retry_for = retry_for
        self._keeper = keeper or Forgetful(None)
        self._ask = ask
        self._has_met = False
        self._is_hanse: bool | None = None
        self._has_blobs: bool | None = None

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
        response = await self.as_user(Call(method, path, query, body, headers), renew=renew)
        return decoded(response.content, response)

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
        response = await self.as_user(Call("GET", path, timeout=timeout, stream=True))
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
        return decoded(received, response)

    async def has_blobs(self) -> bool:
        """Tell whether inputs are uploaded as blobs, and results downloaded (asked once)."""
        if self._has_blobs is None:
            try:
                self._has_blobs = bool((await self.request("GET", "blobstream/status"))["blob_store_enabled"])
            except HanseError as error:
                if error.status != _UNKNOWN:
                    raise
                self._has_blobs = False  # a server of before 4.12
        return self._has_blobs

    async def is_hanse(self) -> bool:
        """Tell whether the server is one of ours, which knows more than v4 does (asked once)."""
        if self._is_hanse is None:
            self._is_hanse = "hanse" in await self.version()
        return self._is_hanse

    async def version(self) -> dict[str, Any]:
        """Ask what the server is; needs no login."""
        answer: dict[str, Any] = await self.ask("GET", "version")
        return answer

    async def identity(self) -> Tokens:
        """Give the tokens of the user, logging in if there are none yet."""
        if self.tokens is not None:
            return self.tokens
        async with self.transport.alone():
            return self.tokens or await self._login()

    async def login(self) -> Tokens:
        """Exchange the password for tokens; those that were given instead of one stay."""
        if self.credentials is None and self.tokens is not None:
            return self.tokens
        async with self.transport.alone():
            return await self._login()

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send as nobody, and give the decoded answer: for the steps of a login."""
        response = await self._persistently(Call(method, path, body=body))
        return decoded(response.content, response)

    def accept(self, answer: dict[str, Any]) -> Tokens:
        """Go on as the user of a login; credentials given before are forgotten."""
        self.credentials = None
        return self._accept(answer)

    def forget(self) -> None:
        """Be nobody."""
        self.credentials = self.tokens = None
        self._keeper.keep(None)

    async def renew(self, used: Tokens) -> Tokens:
        """Replace tokens that the server no longer takes, unless somebody else just did.

        A refresh token works once: who uses it again, after a moment, is taken for a thief, and the session ends. So
        one at a time renews, here and among the programs that share a profile, and takes what is newest.
        """
        async with self.transport.alone():
            if self.tokens is not None and self.tokens is not used:
                return self.tokens
            with await self.transport.elsewhere(self._alone):
                newest = self._keeper.newest()
                if newest is not None and newest.access != used.access:
                    self.tokens = newest
                    return newest
                return await self._renew(used)

    def _alone(self) -> AbstractContextManager[object]:
        """Wait for the other programs; an error leaves the keeper as it was."""
        with ExitStack() as stack:
            stack.enter_context(self._keeper.alone())
            return stack.pop_all()

    async def _renew(self, used: Tokens) -> Tokens:
        if used.is_personal:
            raise Unauthenticated("the access token has ended or was revoked; make a new one with access_tokens.create")
        headers = {"Authorization": f"Bearer {used.refresh}"}
        response = await self._persistently(Call("POST", "token/refresh", headers=headers, is_repeatable=True))
        if response.is_success:
            return self._accept(decoded(response.content, response))
        error = read_error(response)
        if not isinstance(error, (Unauthenticated, Malformed)):
            raise error
        if self.credentials is None:
            said = f" ({error.message})" if _has_code(response) else ""
            raise Unauthenticated(f"the login at {self.url} has expired{said}; log in again, e.g. with `hanse login`")
        return await self._login()

    async def _login(self) -> Tokens:
        if self.credentials is None:
            raise Unauthenticated(f"not logged in at {self.url}: give username and password, or run `hanse login`")
        offered, password = self.credentials, {**self.credentials}
        password.pop("mfa_code", None)
        self.credentials = password  # a code works once
        answer = await self._offer(offered)
        while "access_token" not in answer:
            answer = await self._offer(password | {"mfa_code": await self.code(answer)})
        return self._accept(answer)

    async def _offer(self, credentials: dict[str, str]) -> dict[str, Any]:
        """Send a password, perhaps with a code; a code works once, so that is not sent twice."""
        repeatable = "mfa_code" not in credentials
        response = await self._persistently(Call("POST", "token/user", body=credentials, is_repeatable=repeatable))
        answer: dict[str, Any] = decoded(response.content, response)
        return answer

    async def code(self, answer: dict[str, Any]) -> str:
        """Ask for a code, after an answer without tokens. Raises `SecondFactorNeeded` if nobody can be asked."""
        needed = refusal(answer)
        if self._ask is None:
            raise needed
        ask, shown = self._ask, "" if needed.setup is None else setting_up(needed.setup) + "\n"
        code = await self.transport.elsewhere(lambda: ask(f"{shown}code of your second factor: "))
        if not code.strip():
            raise needed
        return code.strip()

    def _accept(self, answer: dict[str, Any]) -> Tokens:
        self.tokens = Tokens.read(answer)
        self._keeper.keep(self.tokens)
        return self.tokens

    async def as_user(self, call: Call, *, renew: bool = True) -> httpx.Response:
        """Send as the user; tokens that the server no longer takes are renewed once."""
        tokens = await self.identity()
        response = await self._persistently(call, tokens)
        if renew and response.status_code == 401 and isinstance(read_error(response), Unauthenticated):
            response = await self._persistently(call, await self.renew(tokens))
            if response.status_code == 401 and not _has_code(response):
                raise Denied(read_error(response).message)
        if response.is_error:
            raise read_error(response)
        return response

    async def _persistently(self, call: Call, tokens: Tokens | None = None) -> httpx.Response:
        """Send until there is an answer, or too long; a request that may have been received only if repeatable."""
        ends = time.monotonic() + (self.retry_for if self._has_met else min(self.retry_for, _FIRST_CONTACT_SECONDS))
        for pause in pauses():
            is_last = time.monotonic() + pause > ends
            try:
                response = await self._send(call, tokens)
                asked = retry_after(response)
                pause = max(pause, asked or 0.0)
                may_repeat = call.may_repeat_at(response.status_code, is_told=asked is not None)
                if time.monotonic() + pause > ends or not may_repeat:
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
            headers={**identity, **call.headers, **(call.content.headers if call.content else {})},
            timeout=call.timeout or TIMEOUT,
        )
        if call.content is not None:
            whole = request
            request = httpx.Request(
                whole.method, whole.url, headers=whole.headers, stream=call.content, extensions=whole.extensions
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


def pauses() -> Iterator[float]:
    """Give growing pauses, scattered so that clients that lost the same server do not return together."""
    longest = 0.1
    while True:
        yield longest * random.uniform(0.5, 1.0)  # noqa: S311
        longest = min(longest * 2, 5.0)


def decoded(content: bytes, response: httpx.Response) -> Any:
    """Read an answer that is JSON, or raise the error that it is."""
    if response.is_error:
        raise read_error(response)
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
