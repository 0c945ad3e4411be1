"""The only file that sends: requests to the node's proxy, over plain HTTP, with the run's token.

A connection that is refused or breaks is tried again for as long as a node may need to come back. An answer that
says "not now" (502, 503, 504, for reads also 500 and anything that is not JSON) is tried again for a while.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit

from hanse_algorithm.errors import EnvironmentFault, FederationError

T = TypeVar("T")

_BUSY = frozenset({502, 503, 504})
_PAUSES = (0.1, 5.0, 1.5)


class Patience(NamedTuple):
    """For how many seconds to go on: while nobody answers, while the answer is "not now", and while a line is silent.

    A held request shows life every 15 s, except through a v4 node, which passes nothing on before the end.
    """

    unreachable: float = 86_400.0
    busy: float = 10.0
    silence: float = 60.0
    held_silence: float = 300.0


class Request(NamedTuple):
    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}
    is_held: bool = False


class Reply(NamedTuple):
    status: int
    body: bytes


class NotNow(Exception):
    """An attempt that may succeed later."""

    def __init__(self, cause: str, *, was_answered: bool) -> None:
        super().__init__(cause)
        self.was_answered = was_answered


class Pauses:
    """Growing pauses between attempts."""

    def __init__(self, sleep: Callable[[float], object], longest: float = _PAUSES[1]) -> None:
        self._sleep = sleep
        self._longest = longest
        self._next = _PAUSES[0]

    def rest(self) -> None:
        self._sleep(self._next)
        self._next = min(self._next * _PAUSES[2], self._longest)

    def start_over(self) -> None:
        self._next = _PAUSES[0]


class Proxy:
    """A connection-less client of the node's proxy."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        patience: Patience = Patience(),  # noqa: B008 (immutable)
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise EnvironmentFault(f"HOST and PORT give no address of a proxy: '{url}'")
        self._connection_type = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port, self._root = parts.hostname, parts.port, parts.path.rstrip("/")
        self._token = token
        self._patience = patience
        self.sleep = sleep

    def get(self, path: str, query: Mapping[str, object] | None = None, needs: str = "") -> Any:
        """Read an object; an answer without the key `needs` is not taken for one."""
        text = f"?{urlencode(query)}" if query else ""
        return self._json(Request("GET", path + text), self._patience, needs)

    def held(self, path: str, needs: str, busy_seconds: float) -> Any:
        """Read an object that the server may hold back until there is news."""
        patience = self._patience._replace(busy=max(busy_seconds, self._patience.busy))
        return self._json(Request("GET", path, is_held=True), patience, needs)

    def items(self, path: str, query: Mapping[str, object]) -> Iterator[Any]:
        """Read a list, page after page."""
        page = 1
        while True:
            answer = self.get(path, {**query, "page": page}, needs="data")
            yield from answer["data"]
            if not answer.get("links", {}).get("next"):
                return
            page += 1

    def post(self, path: str, body: object, headers: Mapping[str, str]) -> Any:
        """Create an object; the headers must make a repetition harmless."""
        content = json.dumps(body).encode()
        request = Request("POST", path, content, {"Content-Type": "application/json", **headers})
        return self._json(request, self._patience, "id")

    def download(self, blob: str) -> bytes:
        """Read a value from the blob store."""
        request = Request("GET", f"blobstream/{blob}", headers={"Content-Type": "application/octet-stream"})
        return self._persist(lambda: self._answered(request).body, request, self._patience)

    def upload(self, content: bytes, public_key: str) -> str:
        """Put a value for one organization into the blob store; the proxy encrypts it."""
        headers = {"Content-Type": "application/octet-stream", "X-Public-Key": public_key}
        return str(self._json(Request("POST", "blobstream", content, headers), self._patience, "uuid")["uuid"])

    def _json(self, request: Request, patience: Patience, needs: str) -> Any:
        def attempt() -> Any:
            reply = self._answered(request)
            try:
                value = json.loads(reply.body)
            except ValueError:
                raise NotNow("the answer is not JSON", was_answered=True) from None
            if needs and not (isinstance(value, dict) and needs in value):
                raise NotNow(f"the answer has no '{needs}'", was_answered=True)
            return value

        return self._persist(attempt, request, patience)

    def _persist(self, attempt: Callable[[], T], request: Request, patience: Patience) -> T:
        pauses = Pauses(self.sleep)
        begun: dict[bool, float] = {}
        while True:
            try:
                return attempt()
            except NotNow as problem:
                now = time.monotonic()
                limit = patience.busy if problem.was_answered else patience.unreachable
                since = begun.setdefault(problem.was_answered, now)
                begun.pop(not problem.was_answered, None)
                if now - since >= limit:
                    shown = f"{request.method} /{request.path.partition('?')[0]}"
                    raise FederationError(f"gave up on {shown} after {limit:.0f} s: {problem}") from None
            pauses.rest()

    def _answered(self, request: Request) -> Reply:
        """Send once; refusals raise, and what may go away raises `NotNow`."""
        try:
            reply = self._exchange(request)
        except (OSError, HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise NotNow(f"the node's proxy does not answer ({reason})", was_answered=False) from None
        if reply.status in _BUSY or (reply.status >= 500 and request.method == "GET"):
            raise NotNow(f"the answer was {reply.status}: {_message(reply)}", was_answered=True)
        if not 200 <= reply.status < 300:
            shown = f"{request.method} /{request.path.partition('?')[0]}"
            raise FederationError(f"{shown} was refused ({reply.status}): {_message(reply)}")
        return reply

    def _exchange(self, request: Request) -> Reply:
        seconds = self._patience.held_silence if request.is_held else self._patience.silence
        connection = self._connection_type(self._host, self._port, timeout=seconds)
        try:
            headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", **request.headers}
            connection.request(request.method, f"{self._root}/{request.path}", request.body, headers)
            response = connection.getresponse()
            return Reply(response.status, response.read())
        finally:
            connection.close()


def _message(reply: Reply) -> str:
    try:
        body = json.loads(reply.body)
    except ValueError:
        body = None
    text = body.get("msg") or body.get("message") if isinstance(body, dict) else None
    return str(text or "no reason given")
