"""Routes whose bodies may be large: long texts go where the application wants them, and the rest is parsed."""

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Protocol

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from hanse_core.errors import TooLarge
from hanse_core.scan import Begin, End, NotJson, Piece, Scanner
from hanse_web.app import BODY_BYTES
from hanse_web.direct import call_with_body

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
LARGE = 1 << 50
"""Set as `max_body_size` of a route that takes large bodies; how large is for its `Intake` to say."""


class Intake(Protocol):
    """Takes the long texts of one body. `app.state.intake` makes one for a request; `request.state.intake` keeps it."""

    limit_bytes: int
    """The largest body; more is answered 413 before it is read."""
    long_bytes: int
    """Texts of up to this size stay in the body."""

    async def take(self, name: str, chunks: AsyncIterator[bytes]) -> str:
        """Take a text, and give what stands in its place; `name` is its key. Raises what the answer is to be."""

    async def close(self) -> None:
        """Give up what nobody made use of."""


class LargeBodyRoute(APIRoute):
    """A route that reads its body itself where that is large; validation and documentation stay FastAPI's."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        if self.max_body_size != LARGE:
            return handle
        handle_small = self._direct(handle)

        async def read_and_handle(request: Request) -> Response:
            intake: Intake = request.app.state.intake(request)
            request.state.intake = intake
            if _is_small(request, intake.long_bytes):
                return await handle_small(request)
            try:
                return await handle(_Read(request, await _read(request, intake)))
            finally:
                # Here the request's transaction is over, so that what it made use of can be told from what it did not.
                await intake.close()

        return read_and_handle

    def _direct(self, handle: Handler) -> Handler:
        """Call the handler past the library where the body is as usual; whatever is not, the library judges."""
        direct = call_with_body(self)
        if direct is None:
            return handle
        model, call = direct

        async def answer(request: Request) -> Response:
            if request.headers.get("content-type") != "application/json":
                return await handle(request)
            try:
                body = model.model_validate(json.loads(await request.body()))
            except (ValueError, RecursionError, ClientDisconnect):
                return await handle(request)  # which finds the body that was read
            return await call(request, body)

        return answer


class _Read(Request):
    """A request whose body has been read; what was long in it is replaced."""

    def __init__(self, request: Request, body: bytes) -> None:
        super().__init__(request.scope, request.receive)
        self._rest = body

    async def body(self) -> bytes:
        return self._rest


def _is_small(request: Request, long_bytes: int) -> bool:
    length = request.headers.get("content-length", "")
    return length.isdecimal() and int(length) <= long_bytes


async def _read(request: Request, intake: Intake) -> bytes:
    is_json = "json" in request.headers.get("content-type", "").lower()
    limit = intake.limit_bytes if is_json else BODY_BYTES
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise _too_large(limit)
    scanner = Scanner(intake.long_bytes, BODY_BYTES)
    pieces = _pieces(request, scanner, limit)
    try:
        async for piece in pieces:
            if isinstance(piece, Begin):
                scanner.put(await intake.take(piece.name, _text(pieces)))
        return scanner.finish()
    except NotJson as error:
        problem = {"type": "json_invalid", "loc": ("body", 0), "msg": "JSON decode error", "ctx": {"error": str(error)}}
        raise RequestValidationError([problem]) from error


async def _pieces(request: Request, scanner: Scanner, limit: int) -> AsyncIterator[Piece]:
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > limit:
            raise _too_large(limit)
        for piece in scanner.feed(chunk):
            yield piece


async def _text(pieces: AsyncIterator[Piece]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        if isinstance(piece, End):
            return
        if isinstance(piece, bytes):
            yield piece


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body exceeds {limit} bytes, the most that this endpoint takes")
