"""Answers with large texts in them: written with holes first, which are filled while the answer is sent."""

import re
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import structlog
from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

Source = Callable[[], AsyncIterator[bytes]]
"""Opens a text, to be read in chunks of UTF-8."""
_SPECIAL = re.compile(rb'[\x00-\x1f"\\]')

log = structlog.get_logger()


class Holes:
    """The holes of one answer. A hole is written as a text that nobody can know beforehand, so nobody can forge one."""

    def __init__(self) -> None:
        self._secret = secrets.token_hex(16)
        self._sources: list[Source] = []

    def leave(self, source: Source) -> str:
        """Leave a hole for a text; what this gives is to be written in its place."""
        self._sources.append(source)
        return f"{self._secret}{len(self._sources) - 1:08d}"

    def answer(self, item: Any, status: int = 200) -> Response:
        """Answer with one item."""
        body = orjson.dumps(item, default=_plain)
        return self.fill(Response(body, status_code=status, media_type="application/json"))

    def fill(self, response: Response) -> Response:
        """Give the same answer with its holes filled as it is sent."""
        if not self._sources:
            return response
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        return BegunResponse(self._filled(bytes(response.body)), status_code=response.status_code, headers=headers)

    async def _filled(self, body: bytes) -> AsyncIterator[bytes]:
        waiting = b""
        parts = re.split(self._secret.encode() + rb"(\d{8})", body)
        for text, number in zip(parts[::2], parts[1::2], strict=False):
            waiting += text
            async for chunk in self._sources[int(number)]():
                yield waiting + escaped(chunk)
                waiting = b""
        yield waiting + parts[-1]


class BegunResponse(StreamingResponse):
    """Begins only once its first chunk is there, so that what cannot be had is answered as an error."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chunks = self.body_iterator.__aiter__()
        first = await anext(chunks, b"")
        self.body_iterator = _again(first, chunks)
        await super().__call__(scope, receive, send)


async def _again(first: Any, rest: AsyncIterator[Any]) -> AsyncIterator[Any]:
    yield first
    try:
        async for chunk in rest:
            yield chunk
    except Exception as error:
        # The answer has begun, so that it can only break off; the peer sees that it is not whole.
        log.error("answer-broken-off", error=type(error).__name__)
        raise


def escaped(text: bytes) -> bytes:
    """Write UTF-8 as it stands between the quotes of JSON; works on pieces of a text, wherever they are cut."""
    return _SPECIAL.sub(_escape, text)


def _escape(found: re.Match[bytes]) -> bytes:
    return orjson.dumps(found[0].decode())[1:-1]


def _plain(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"cannot serialise {type(value).__name__}")
    return dump(mode="json", by_alias=True)
