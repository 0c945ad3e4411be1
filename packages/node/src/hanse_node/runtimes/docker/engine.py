"""The one module that speaks to the Docker engine: its errors become ours, and nothing of a request is left open.

Plain requests instead of a library (`docs/adr/0010`): a node needs fifteen of them, and raw bytes of logs.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp

from hanse_node.runtimes.base import StartFailed

ANSWER_SECONDS = 60.0
HEADER = 8
"""Each piece of a log begins with the stream (one byte), three zeros and its length."""

Json = dict[str, Any]


class EngineDown(StartFailed):
    """The engine does not answer."""


class EngineRefused(StartFailed):
    """The engine answered with an error; `answer` is its status."""

    def __init__(self, answer: int, message: str) -> None:
        super().__init__(message)
        self.answer = answer


class Engine:
    """One engine, spoken to over its Unix socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._session: aiohttp.ClientSession | None = None
        self._version = ""

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = ANSWER_SECONDS,
    ) -> Any:
        """Ask something and give the JSON of the answer. Raises `EngineDown` or `EngineRefused`."""
        async with self.stream(method, path, _json(body), query=query, headers=headers, seconds=seconds) as answer:
            with self._told():
                content = await answer.read()
        return json.loads(content) if content.strip() else None

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an answer that is read piece by piece; the request ends with the block."""
        if not self._version:
            self._version = await self._ask_version()
        async with self._request(method, f"v{self._version}/{path}", body, query, headers, seconds) as answer:
            yield answer

    async def progress(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        query: Json,
        headers: Mapping[str, str],
        silence: float,
    ) -> None:
        """Do something that tells of its progress (a pull, an import). Raises when it fails, or is silent too long."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(silence) as patience:
                async with self.stream(method, path, body, query=query, headers=headers) as answer:
                    while line := await self._line(answer):
                        patience.reschedule(loop.time() + silence)
                        told = json.loads(line)
                        if "error" in told:
                            raise EngineRefused(500, str(told["error"]))
        except TimeoutError:
            raise EngineRefused(504, f"no progress within {silence:g} s") from None

    async def _line(self, answer: aiohttp.ClientResponse) -> bytes:
        with self._told():
            return await answer.content.readline()

    @asynccontextmanager
    async def attached(self, container: str, *, from_beginning: bool) -> AsyncIterator[AsyncIterator[bytes]]:
        """Listen to what a container prints, until its end; unlike a followed log this misses nothing of a flood."""
        query = {"stream": True, "stdout": True, "stderr": True, "logs": from_beginning}
        async with self.stream("POST", f"containers/{container}/attach", query=query) as answer:
            yield self._pieces(answer)

    @asynccontextmanager
    async def log(self, container: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Read what an ended container has printed."""
        query = {"stdout": True, "stderr": True}
        async with self.stream("GET", f"containers/{container}/logs", query=query) as answer:
            yield self._pieces(answer)

    async def _pieces(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        while True:
            try:
                with self._told():
                    header = await answer.content.readexactly(HEADER)
                    piece = await answer.content.readexactly(int.from_bytes(header[4:], "big"))
            except asyncio.IncompleteReadError:
                return
            yield piece

    async def gone(self) -> None:
        """Return when the connection to the engine ends: it stopped, or was restarted."""
        filters = json.dumps({"type": ["daemon"]})
        async with self.stream("GET", "events", query={"filters": filters}) as answer:
            with self._told():
                async for _ in answer.content:
                    continue

    async def _ask_version(self) -> str:
        async with self._request("GET", "version", None, None, None, ANSWER_SECONDS) as answer:
            with self._told():
                return str((await answer.json())["ApiVersion"])

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        body: bytes | None,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        seconds: float | None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        words = {name: str(value).lower() if value is True else str(value) for name, value in (query or {}).items()}
        typed = {"Content-Type": "application/json", **(headers or {})}
        url = f"http://docker/{path}"
        with self._told():
            answer = await self._opened().request(
                method, url, params=words, data=body, headers=typed, timeout=aiohttp.ClientTimeout(total=seconds)
            )
        try:
            if answer.status >= 400:
                with self._told():
                    raise EngineRefused(answer.status, _message(await answer.read()))
            yield answer
        finally:
            answer.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Each run holds two connections for as long as it lives, so their number has no limit here.
            connector = aiohttp.UnixConnector(self.address.removeprefix("unix://"), limit=0)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what goes wrong on the way into `EngineDown`."""
        try:
            yield
        except TimeoutError:
            raise self._down("no answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._down(str(error)) from error

    def _down(self, cause: str) -> EngineDown:
        return EngineDown(
            f"the Docker engine at {self.address} does not answer ({cause}); "
            "start it, or give this node's user the right to use it"
        )


def _json(body: Json | None) -> bytes | None:
    return None if body is None else json.dumps(body).encode()


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace").strip() or "no message"
