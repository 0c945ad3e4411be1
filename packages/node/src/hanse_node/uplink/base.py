"""What a node asks of its server, and how the server rings back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hanse_node.messages import Answer, Forward, Organization
from hanse_node.offers import Offer


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this node is, as the server sees it."""

    node_id: int
    name: str
    organization_id: int
    organization: str
    collaboration_id: int
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Kill:
    """A request to end runs: these, or all of this node."""

    run_ids: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What the doorbell brought since it was last listened to."""

    kills: tuple[Kill, ...] = ()
    synced: bool = False
    """The live connection was made anew: the server has forgotten what this node shared."""


class Bell:
    """The doorbell: any number of rings become one waking; kills are kept until they are heard."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._kills: list[Kill] = []
        self._synced = False
        self._waiting: dict[int, set[asyncio.Event]] = {}

    def ring(self, *, synced: bool = False) -> None:
        self._synced = self._synced or synced
        self._rung.set()

    def kill(self, kill: Kill) -> None:
        self._kills.append(kill)
        self._rung.set()

    def task_changed(self, task_id: int) -> None:
        for waiting in self._waiting.get(task_id, ()):
            waiting.set()

    async def heard(self, timeout: float) -> Heard:
        """Wait for a ring, at most so long; give what it was about."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        self._rung.clear()
        heard = Heard(tuple(self._kills), self._synced)
        self._kills, self._synced = [], False
        return heard

    async def task_news(self, task_id: int, timeout: float) -> None:
        """Wait until something is told about a task, at most so long."""
        waiting = asyncio.Event()
        self._waiting.setdefault(task_id, set()).add(waiting)
        try:
            async with asyncio.timeout(timeout):
                await waiting.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting[task_id].discard(waiting)
            if not self._waiting[task_id]:
                del self._waiting[task_id]


class Uplink(Protocol):
    """The server, as a node needs it.

    Calls raise the errors of `hanse_core.errors`; `Unreachable` when no answer came. None of them waits for ever,
    but `connect` and `listen`.
    """

    bell: Bell

    @property
    def identity(self) -> Identity:
        """Who we are; known once connected."""

    @property
    def repeatable(self) -> bool:
        """Whether the server knows `Idempotency-Key`, so that task creation may be repeated."""

    @property
    def has_blobs(self) -> bool:
        """Whether results are to be uploaded as blobs; known once connected, as an answer may have to wait."""

    @property
    def live(self) -> str:
        """How live events come now: `websocket`, `polling` or `not connected`."""

    async def connect(self) -> Identity:
        """Log in, however long the server is away. Raises `WrongKey`."""

    async def listen(self) -> None:
        """Keep the live connection; never returns."""

    async def open_runs(self) -> list[Offer]:
        """Give all runs of this node that the server counts as open."""

    async def is_open(self, run_id: int) -> bool:
        """Tell whether one run is still open at the server."""

    async def report(self, run_id: int, patch: Mapping[str, object]) -> None:
        """Change a run. Raises `Invalid` when the server has already closed it."""

    async def container_token(self, task_id: int, image: str) -> str:
        """Get the server's token for the runs of a task here."""

    async def organization(self, organization_id: int) -> Organization:
        """Give name and public key (known for a minute)."""

    async def store_url(self, store_id: int) -> str:
        """Give the address that the server knows of an algorithm store."""

    async def store_algorithms(self, url: str, image: str) -> list[dict[str, Any]]:
        """Ask an algorithm store itself what it lists for an image. Raises `Unavailable` when it gives no list."""

    async def publish_key(self, public_key: str) -> None:
        """Publish our organization's public key."""

    def download(self, blob: str, start: int = 0, token: str | None = None) -> AsyncIterator[bytes]:
        """Read a blob piece by piece, from some byte on, in our own name or with a token of a run.

        Raises `NotFound`, and `Unreachable` also half-way.
        """

    async def upload(self, path: Path) -> str:
        """Upload a blob from a file; give its name. Raises `TooLarge`, and `Unreachable` also half-way."""

    async def emit(self, event: str, data: Any = None) -> None:
        """Send a live event; lost without an error when there is no connection."""

    async def forward(self, request: Forward, patience: float = 60.0) -> Answer:
        """Pass on a request once; `patience` is how long to wait for each byte. Raises only `Unreachable`."""

    async def close(self) -> None:
        """Let go of connections."""


def kill_of(payload: object, identity: Identity) -> Kill | None:
    """Read a `kill_containers` event: which of our runs it means, None when it is not for us."""
    if not isinstance(payload, dict) or payload.get("collaboration_id") != identity.collaboration_id:
        return None
    if payload.get("node_id", identity.node_id) != identity.node_id:
        return None
    entries = payload.get("kill_list")
    if entries is None:
        return Kill() if "node_id" in payload else None
    ours = (entry for entry in entries if entry.get("organization_id") == identity.organization_id)
    return Kill(frozenset(int(entry["run_id"]) for entry in ours))
