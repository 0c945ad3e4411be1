"""The contract of every runtime: start one run, tell how it ended, stop it, and find it again after a restart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hanse_core.errors import HanseError
from hanse_node.streams import Line


class ImageMissing(HanseError):
    """The image cannot be had here; the run ends as `non-existing Docker image`."""


class StartFailed(HanseError):
    """The engine refused to start the run; the message names why."""


@dataclass(frozen=True, slots=True)
class Mount:
    """One selected database as the run sees it: a file or folder, or a connection string."""

    label: str
    kind: str
    """Type text from the configuration: csv, parquet, sql, …"""
    uri: str
    """Path on this machine, or the connection string."""
    is_path: bool
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The database's `env` map (credentials and the like)."""
    query: str | None = None
    sheet_name: str | None = None
    preprocessing: str | None = None
    """JSON text of the list of preprocessing steps."""
    writable: bool = False
    """A copy that lies in the run's folder, and that it may change; everything else is read-only."""
    arguments: str | None = None
    """JSON text of what the task says of it for tools that read `run_context.json`, such as `{"bind": "outcomes"}`."""


@dataclass(frozen=True, slots=True)
class Door:
    """One way from a run to a service: what it sends to a name and a port is carried to a Unix socket of the node."""

    path: Path
    """The socket, in the folder of that of the run's proxy."""
    host: str
    """By this name the run knows what is behind the door."""
    port: int | None = None
    """Where the run expects it; None leaves that to the engine."""
    label: str | None = None
    """The selected database that is behind it. Its URI tells the run the port, which may therefore be another one."""
    is_proxy: bool = False
    """The HTTP proxy to the run's ways out is behind it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use at most; None means no limit of our own."""

    seconds: float | None = None
    memory_bytes: int | None = None
    cpus: float | None = None
    """Processors' worth of time; engines that cannot limit it ignore this."""
    processes: int | None = None
    log_bytes: int = 1_000_000
    output_bytes: int = 150_000_000


@dataclass(frozen=True, slots=True)
class Context:
    """What `run_context.json` tells besides where things are."""

    node_id: int
    collaboration_id: int
    method: str = ""
    positional: Sequence[Any] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything an engine needs to start one run."""

    run_id: int
    task_id: int
    job_id: int
    image: str
    digest: str
    folder: Path
    """The run's own folder on this machine; holds `input`, `output` (empty) and `token`. Only this is writable."""
    temporary: Path
    """The job's own temporary folder on this machine (`TEMPORARY_FOLDER`)."""
    proxy_socket: Path
    """Unix socket on which the node's proxy serves this one run; its folder is the run's alone."""
    doors: Sequence[Door] = ()
    """What else the run reaches: its ways out, its databases elsewhere."""
    mounts: Sequence[Mount] = ()
    """The selected databases, in the order of the task."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables (`algorithm_env`), in plain text; the engine encodes them."""
    limits: Limits = Limits()
    profile: str | None = None
    """`strict` or `v4`, where the policy says it; otherwise the engine's settings count."""
    capabilities: tuple[str, ...] = ()
    """What the policy gives back to this image, besides what the engine's settings do."""
    context: Context | None = None
    """Where the run is to find `run_context.json`: what that says."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a run ended: its exit code, or why the engine ended it."""

    code: int
    reason: str | None = None
    """`killed`, `time`, `memory`, `log`, `lost`, `processes` (too many) or `output` (too large, or no plain file)."""
    note: str = ""
    """What the engine makes of a failure, in words for the requester and without anything the run printed."""


class Links(Protocol):
    """The other containers of an engine, which runs may be given to reach."""

    async def ports(self, container: str) -> Sequence[int]:
        """Give the TCP ports that a container declares. Raises `StartFailed` when it is not there."""

    async def connect(self, container: str, port: int) -> Line:
        """Connect to a container. Raises `StartFailed` when it is not there or does not run, and `OSError`."""


class Runtime(Protocol):
    """One engine. References are strings that stay valid across a restart of the node (they go into the journal)."""

    name: str

    @property
    def links(self) -> Links | None:
        """What leads to other containers; None where there are none."""

    async def prepare(self) -> None:
        """Make sure, before the first run, that runs can be started and are isolated. Raises `CannotStart`."""

    async def resolve(self, image: str) -> str:
        """Give the digest (`sha256:…`) under which the image is known here. Raises `ImageMissing`."""

    async def fetch(self, image: str, digest: str) -> None:
        """Make sure that the image with this digest is here, which may take long. Raises `ImageMissing`."""

    async def start(self, spec: RunSpec) -> str:
        """Start the run and give its reference. Raises `StartFailed` or `ImageMissing`; then nothing is left behind."""

    def holds(self, spec: RunSpec) -> str:
        """Say in words under what a run is, for the record."""

    async def wait(self, reference: str) -> Exit:
        """Return once the run has ended, at once if it already has; `lost` when there is no trace of it."""

    async def logs(self, reference: str, offset: int = 0) -> bytes:
        """Give the log (stdout and stderr together) from a byte offset on."""

    async def stop(self, reference: str) -> None:
        """End the run and everything it started; no error when it already ended."""

    async def remove(self, reference: str) -> None:
        """Drop what the engine still keeps of an ended run; no error when there is nothing."""

    async def adopt(self) -> Mapping[int, str]:
        """After a restart: references, by run id, of all runs that this engine still knows (running or ended)."""

    async def networks(self) -> Sequence[str]:
        """Give the engine's own networks (`10.0.0.0/24`), into which no name leads a run."""

    async def close(self) -> None:
        """Let go of what the engine holds in this process; runs go on."""
