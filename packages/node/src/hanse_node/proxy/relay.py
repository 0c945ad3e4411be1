"""Passing an algorithm's requests on: with the server's token, again while it is away, held until a task ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from hanse_core.errors import HanseError, Malformed, Unauthenticated, Unsupported
from hanse_core.states import RunStatus
from hanse_node.backoff import Backoff
from hanse_node.errors import Unreachable
from hanse_node.messages import Answer, Forward, Organization

PATIENCE_SECONDS = 600.0
"""How long a request is tried again while the server is away; a held status is tried for as long as its run lives."""
HELD_SILENCE_SECONDS = 50.0
"""A held answer sends a blank more often than this; after it, the connection counts as lost."""
AWAY = frozenset({502, 503, 504})
log = structlog.get_logger()

News = Callable[[int, float], Awaitable[None]]
"""Returns when something is told about a task, or after so many seconds."""


class Server(Protocol):
    """What the proxy needs of the server."""

    @property
    def repeatable(self) -> bool: ...
    async def forward(self, request: Forward, patience: float = ...) -> Answer: ...
    async def container_token(self, task_id: int, image: str) -> str: ...
    async def organization(self, organization_id: int) -> Organization: ...
    def download(self, blob: str, start: int = 0, token: str | None = None) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class ServedRun:
    """One run as the proxy knows it."""

    run_id: int
    task_id: int
    image: str
    token: str = field(repr=False)
    """The token that this node gave it."""


class Relay:
    """Sends requests of runs to the server."""

    def __init__(self, server: Server, news: News, patience: float = PATIENCE_SECONDS) -> None:
        self._server = server
        self._news = news
        self._patience = patience
        self._tokens: dict[int, str] = {}

    def lend(self, run_id: int, server_token: str) -> None:
        """Keep the server's token of a run, for as long as the run is served."""
        self._tokens[run_id] = server_token

    def drop(self, run_id: int) -> None:
        self._tokens.pop(run_id, None)

    async def open_request(self, request: Forward) -> Answer:
        """Pass on a request that needs no token, once."""
        return await self._server.forward(request)

    async def send(self, run: ServedRun, request: Forward, *, repeat: bool, silence: float = 60.0) -> Answer:
        """Pass on a request; again while the server is away, if the request may be repeated or never got through.

        Raises `Unreachable` when patience is over.
        """
        deadline = asyncio.get_running_loop().time() + self._patience
        backoff, renewed = Backoff(0.2, 5.0), False
        while True:
            try:
                token = await self._token(run)
                answer = await self._server.forward(replace(request, token=token), silence)
            except Unreachable as error:
                if (error.sent and not repeat) or asyncio.get_running_loop().time() > deadline:
                    raise
                log.warning("server_away", run_id=run.run_id, path=request.path, cause=error.message)
            else:
                if _token_rejected(answer) and not renewed:
                    renewed = True
                    self.drop(run.run_id)
                    continue
                if answer[0] not in AWAY or not repeat or asyncio.get_running_loop().time() > deadline:
                    return answer
            await backoff.pause()

    async def final_status(self, run: ServedRun, task_id: int) -> Answer:
        """Give the status of a task once it is final; no failure that may pass ever looks like one."""
        request = Forward("GET", f"/task/{task_id}/status")
        pause = 0.5
        while True:
            try:
                answer = await self.send(run, request, repeat=True, silence=HELD_SILENCE_SECONDS)
            except HanseError as error:
                log.warning("status_unknown", run_id=run.run_id, task_id=task_id, cause=error.message)
            else:
                if 400 <= answer[0] < 500 or (answer[0] == 200 and _is_final(answer[2])):
                    return answer
            await self._news(task_id, pause)
            pause = min(pause * 1.5, 10.0)

    async def download(self, run: ServedRun, blob: str) -> AsyncIterator[bytes]:
        """Read a blob with the run's token; a broken connection is made anew, and reading goes on where it was."""
        now = asyncio.get_running_loop().time
        received, renewed, backoff, deadline = 0, False, Backoff(0.2, 5.0), now() + self._patience
        while True:
            try:
                async for piece in self._server.download(blob, received, await self._token(run)):
                    received += len(piece)
                    deadline = now() + self._patience
                    yield piece
                return
            except (Unauthenticated, Malformed):
                if renewed:
                    raise
                renewed = True
                self.drop(run.run_id)
                continue
            except HanseError as error:
                if error.status < 500 or isinstance(error, Unsupported) or now() > deadline:
                    raise
                log.warning("server_away", run_id=run.run_id, blob=blob, cause=error.message)
            await backoff.pause()

    async def organization(self, organization_id: int) -> Organization:
        return await self._server.organization(organization_id)

    @property
    def repeatable(self) -> bool:
        return self._server.repeatable

    async def _token(self, run: ServedRun) -> str:
        """After a restart of the node the server's token is asked for again, when it is first needed."""
        if run.run_id not in self._tokens:
            self._tokens[run.run_id] = await self._server.container_token(run.task_id, run.image)
        return self._tokens[run.run_id]


def _token_rejected(answer: Answer) -> bool:
    return answer[0] in (401, 422) and _json(answer[2]).get("code") not in ("denied", "invalid")


def _is_final(body: bytes) -> bool:
    """Take an unknown status for a final one, as stock algorithms do; no status at all is a failure that may pass."""
    status = _json(body).get("status")
    try:
        return RunStatus(str(status)).is_finished
    except ValueError:
        return isinstance(status, str)


def _json(body: bytes) -> dict[str, object]:
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
