"""A server in memory that fails on demand: for tests of everything above the uplink, and for simulations."""

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from hanse_core import events
from hanse_core.errors import HanseError, Invalid, NotFound
from hanse_core.states import RunStatus
from hanse_node.errors import Unreachable
from hanse_node.messages import Answer, Forward, Organization
from hanse_node.offers import DatabaseChoice, Offer
from hanse_node.uplink.base import Bell, Identity, Kill

PIECE = 1000
"""In so many bytes blobs arrive."""


@dataclass(slots=True)
class ServerRun:
    """One run as the server stores it."""

    offer: Offer
    status: RunStatus = RunStatus.PENDING
    started_at: str | None = None
    finished_at: str | None = None
    result: str | None = None
    log: str | None = None
    finishes: int = 0
    """How many reports have finished it: more than one would be an error of the server."""


@dataclass(slots=True)
class Faults:
    """How the line to the server misbehaves; chances are from 0 to 1."""

    drop_request: float = 0.0
    drop_answer: float = 0.0
    """The server does what is asked, but nobody learns of it."""
    double: float = 0.0
    """The request arrives twice."""
    stale: float = 0.0
    """A list of open runs is an older one."""
    cut_blob: float = 0.0
    """A blob breaks off, after each of its pieces."""
    down: bool = False
    refuse: dict[str, HanseError] = field(default_factory=dict)
    """By name of the call: what the server answers instead of doing it."""
    chance: Random = field(default_factory=Random)


T = TypeVar("T")
Handler = Callable[[Forward], Answer]


class MemoryUplink:
    """The uplink and the server in one object."""

    def __init__(self, identity: Identity | None = None, faults: Faults | None = None) -> None:
        self.bell = Bell()
        self.identity = identity or Identity(2, "station", 1, "alpha", 1, encrypted=False)
        self.repeatable = True
        self.faults = faults or Faults()
        self.runs: dict[int, ServerRun] = {}
        self.organizations: dict[int, Organization] = {1: Organization("alpha"), 2: Organization("beta")}
        self.has_blobs = False
        """Results are to be uploaded."""
        self.blobs: dict[str, bytes] = {}
        self.downloads: list[tuple[str, int]] = []
        """Which blobs were asked for, and from which byte on."""
        self.stores: dict[int, str] = {}
        self.algorithms: dict[str, list[dict[str, Any]] | HanseError] = {}
        """By address of a store: what it lists, or how it fails."""
        self.store_questions: list[tuple[str, str]] = []
        self.published: list[str] = []
        self.emitted: list[tuple[str, Any]] = []
        self.forwarded: list[Forward] = []
        self.handler: Handler = lambda _: (404, {}, b'{"msg": "nothing here"}')
        self._finished = asyncio.Event()
        self._lists: list[list[Offer]] = []

    # What a test does to the server.

    def create(self, run_id: int, image: str = "hanse/summary", payload: str = "", **more: Any) -> ServerRun:
        """Offer a new run and ring."""
        given: dict[str, Any] = {
            "task_id": run_id, "job_id": run_id, "init_org": 1, "init_user": 7, "parent": None,
            "databases": (DatabaseChoice("default"),),
        }  # fmt: skip
        run = ServerRun(Offer(run_id=run_id, image=image, input=payload, **{**given, **more}))
        self.runs[run_id] = run
        self.bell.ring()
        return run

    def kill(self, run_id: int, *, tell: bool = True) -> None:
        """End a run as a user would; without `tell` the event gets lost."""
        self._finish(self.runs[run_id], RunStatus.KILLED)
        if tell:
            self.bell.kill(Kill(frozenset({run_id})))

    def kill_all(self) -> None:
        """Ask the node to end everything: it must report each run itself."""
        self.bell.kill(Kill())

    def statuses(self) -> dict[int, RunStatus]:
        return {run_id: run.status for run_id, run in self.runs.items()}

    async def all_finished(self) -> None:
        """Return once the server has closed every run."""
        while not all(run.finished_at for run in self.runs.values()):
            self._finished.clear()
            await self._finished.wait()

    # What the node asks of it.

    @property
    def live(self) -> str:
        return "memory"

    async def connect(self) -> Identity:
        await asyncio.sleep(0)
        if "connect" in self.faults.refuse:
            raise self.faults.refuse["connect"]
        return self.identity

    async def listen(self) -> None:
        self.bell.ring(synced=True)
        await asyncio.Event().wait()

    async def open_runs(self) -> list[Offer]:
        fresh = await self._ask("open_runs", self._open_runs)
        self._lists.append(fresh)
        stale = self.faults.chance.random() < self.faults.stale
        return self.faults.chance.choice(self._lists) if stale else fresh

    async def is_open(self, run_id: int) -> bool:
        return await self._ask("is_open", lambda: run_id in self.runs and self.runs[run_id].finished_at is None)

    async def report(self, run_id: int, patch: Mapping[str, object]) -> None:
        await self._ask("report", lambda: self._patch(run_id, patch))

    async def container_token(self, task_id: int, image: str) -> str:
        return await self._ask("container_token", lambda: self._token(task_id, image))

    async def organization(self, organization_id: int) -> Organization:
        return await self._ask("organization", lambda: self.organizations[organization_id])

    async def store_url(self, store_id: int) -> str:
        return await self._ask("store_url", lambda: self.stores[store_id])

    async def store_algorithms(self, url: str, image: str) -> list[dict[str, Any]]:
        await asyncio.sleep(0)
        self.store_questions.append((url, image))
        listed = self.algorithms.get(url, [])
        if isinstance(listed, HanseError):
            raise listed
        return listed

    async def publish_key(self, public_key: str) -> None:
        await self._ask("publish_key", lambda: self.published.append(public_key))

    async def download(self, blob: str, start: int = 0, token: str | None = None) -> AsyncIterator[bytes]:
        content = await self._ask("download", lambda: self._blob(blob, start))
        for begin in range(start, len(content), PIECE):
            yield content[begin : begin + PIECE]
            await asyncio.sleep(0)
            if self.faults.down or self.faults.chance.random() < self.faults.cut_blob:
                raise Unreachable("the connection broke", sent=True)

    async def upload(self, path: Path) -> str:
        return await self._ask("upload", lambda: self._store(path.read_bytes()))

    def _store(self, content: bytes) -> str:
        name = str(uuid.uuid4())
        self.blobs[name] = content
        return name

    def _blob(self, blob: str, start: int) -> bytes:
        self.downloads.append((blob, start))
        if blob not in self.blobs:
            raise NotFound(f"no run has {blob} as its input or result")
        return self.blobs[blob]

    async def emit(self, event: str, data: Any = None) -> None:
        if not self.faults.down:
            self.emitted.append((event, data))

    async def forward(self, request: Forward, patience: float = 60.0) -> Answer:
        if request.body is not None and not isinstance(request.body, bytes):
            request = replace(request, body=b"".join([piece async for piece in request.body]))
        self.forwarded.append(request)
        return await self._ask("forward", lambda: self.handler(request))

    async def close(self) -> None:
        return None

    async def _ask(self, call: str, answer: Callable[[], T]) -> T:
        """Let a call through, or not."""
        await asyncio.sleep(0)
        faults = self.faults
        if faults.down or faults.chance.random() < faults.drop_request:
            raise Unreachable("the server is down", sent=False)
        if call in faults.refuse:
            raise faults.refuse[call]
        result = answer()
        if faults.chance.random() < faults.double:
            try:
                answer()
            except HanseError as error:
                raise error from None
        if faults.chance.random() < faults.drop_answer:
            raise Unreachable("the answer got lost", sent=True)
        return result

    def _token(self, task_id: int, image: str) -> str:
        claims = {
            "client_type": "container", "node_id": self.identity.node_id, "task_id": task_id, "image": image,
            "organization_id": self.identity.organization_id, "collaboration_id": self.identity.collaboration_id,
            "study_id": None, "store_id": None, "databases": [{"label": "default"}],
        }  # fmt: skip
        payload = base64.urlsafe_b64encode(json.dumps({"sub": claims, "type": "access"}).encode()).rstrip(b"=")
        return f"e30.{payload.decode()}.unsigned"

    def _open_runs(self) -> list[Offer]:
        return [run.offer for run in self.runs.values() if run.finished_at is None]

    def _patch(self, run_id: int, patch: Mapping[str, object]) -> None:
        run = self.runs.get(run_id)
        if run is None:
            raise NotFound(f"run {run_id} does not exist")
        if run.finished_at is not None:
            raise Invalid("the run is already finished")
        run.started_at = str(patch["started_at"]) if patch.get("started_at") else run.started_at
        run.log, run.result = _text(patch.get("log")), _text(patch.get("result"))
        status = RunStatus(str(patch["status"])) if patch.get("status") else run.status
        run.status = status
        if patch.get("finished_at"):
            self._finish(run, status)

    def _finish(self, run: ServerRun, status: RunStatus) -> None:
        run.status, run.finished_at = status, datetime.now(UTC).isoformat()
        run.finishes += 1
        self._finished.set()

    def status_events(self, run_id: int) -> list[str]:
        """Give the states of a run that were told live, in order."""
        return [
            data["status"] for event, data in self.emitted
            if event == events.RUN_STATUS_CHANGED and data["run_id"] == run_id
        ]  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)
