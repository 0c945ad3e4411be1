"""Answers that take their time: large values as they come, and a status that is held until its task ends.

Not of the kind that Starlette brings: an idle node would keep another 3 MB of library with them.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hanse_core.protocol import KEEPALIVE_SECONDS
from hanse_node.messages import Answer


class Streamed(Response):
    """Sends pieces as they come; where one is missing the connection breaks, so that no part passes for the whole."""

    def __init__(self, first: bytes, rest: AsyncIterator[bytes]) -> None:
        super().__init__(media_type="application/octet-stream")
        del self.headers["content-length"]
        self._first = first
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self._first, "more_body": True})
        async for piece in self._rest:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class Held(Response):
    """Sends headers at once, a blank now and then, and the JSON when it is there; ends when the algorithm goes away."""

    def __init__(self, waiting: "asyncio.Future[Answer]") -> None:
        super().__init__(media_type="application/json")
        del self.headers["content-length"]
        self._waiting = waiting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_left(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while not self._waiting.done() and not gone.done():
                await send({"type": "http.response.body", "body": b" ", "more_body": True})
                happenings: set[asyncio.Future[Any]] = {self._waiting, gone}
                await asyncio.wait(happenings, timeout=KEEPALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if self._waiting.done():
                await send({"type": "http.response.body", "body": self._waiting.result()[2]})
        finally:
            gone.cancel()
            self._waiting.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
