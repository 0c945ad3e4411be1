"""Runs as asyncio tasks of this process: for tests, which may ask it to misbehave as real engines do."""

import asyncio
import inspect
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from hanse_node import run_context
from hanse_node.contract import open_view, plain_environment
from hanse_node.runtimes.base import Exit, ImageMissing, RunSpec, StartFailed

KILLED = 137


@dataclass(slots=True)
class RunFiles:
    """What a registered algorithm may touch: its files, the socket of its proxy and its log."""

    folder: Path
    temporary: Path
    proxy_socket: Path
    databases: Mapping[str, str]
    log: bytearray = field(default_factory=bytearray)

    def read_input(self) -> bytes:
        return (self.folder / "input").read_bytes()

    def read_token(self) -> str:
        return (self.folder / "token").read_text().strip()

    def write_output(self, content: bytes) -> None:
        (self.folder / "output").write_bytes(content)

    def print(self, text: str) -> None:
        self.log += text.encode() + b"\n"


Algorithm = Callable[[Mapping[str, str], RunFiles], Awaitable[None] | None]
"""Called with the plain environment and the files; an exception is exit code 1. A plain function runs in a thread."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Registered in place of an algorithm: the engine refuses to start the image, for this reason."""

    reason: str


class Vanished(Exception):
    """Raised by an algorithm to leave no trace of its run, as if somebody had removed the container."""


async def never_ends(environment: Mapping[str, str], files: RunFiles) -> None:
    """Be an algorithm that hangs until somebody stops it."""
    await asyncio.Event().wait()


async def vanishes(environment: Mapping[str, str], files: RunFiles) -> None:
    """Be an algorithm whose run the engine loses."""
    raise Vanished


@dataclass(slots=True)
class _Run:
    run_id: int
    task: asyncio.Task[Exit | None]
    files: RunFiles


class MemoryEngine:
    """What outlives a node that restarts; hand the same one to the next `MemoryRuntime`."""

    def __init__(self) -> None:
        self.runs: dict[str, _Run] = {}
        self.started = 0


class MemoryRuntime:
    """Run registered Python functions by image name."""

    name = "memory"
    links = None

    def __init__(self, images: Mapping[str, Algorithm | Refusal], engine: MemoryEngine | None = None) -> None:
        self._images = images
        self._engine = engine or MemoryEngine()

    async def prepare(self) -> None:
        """Nothing is needed, and nothing isolated."""

    async def resolve(self, image: str) -> str:
        if image not in self._images:
            raise ImageMissing(f"no algorithm is registered for the image {image!r}")
        return f"sha256:{sha256(image.encode()).hexdigest()}"

    async def fetch(self, image: str, digest: str) -> None:
        """All there is, is here."""

    async def start(self, spec: RunSpec) -> str:
        await self.resolve(spec.image)
        algorithm = self._images[spec.image]
        if isinstance(algorithm, Refusal):
            raise StartFailed(algorithm.reason)
        view = open_view(spec)
        run_context.write(spec, view)
        environment = plain_environment(spec, view)
        files = RunFiles(spec.folder, spec.temporary, spec.proxy_socket, view.databases)
        self._engine.started += 1
        reference = f"memory-{self._engine.started}"
        task = asyncio.create_task(_carry_out(algorithm, environment, files, spec), name=reference)
        self._engine.runs[reference] = _Run(spec.run_id, task, files)
        return reference

    def holds(self, spec: RunSpec) -> str:
        return "the memory of the node"

    async def wait(self, reference: str) -> Exit:
        run = self._engine.runs.get(reference)
        if run is None:
            return Exit(-1, "lost")
        await asyncio.wait([run.task])
        if run.task.cancelled():
            return Exit(KILLED, "killed")
        return run.task.result() or self._forget(reference)

    async def logs(self, reference: str, offset: int = 0) -> bytes:
        run = self._engine.runs.get(reference)
        return bytes(run.files.log[offset:]) if run else b""

    async def stop(self, reference: str) -> None:
        run = self._engine.runs.get(reference)
        if run is not None and not run.task.done():
            run.task.cancel()
            await asyncio.wait([run.task])

    async def remove(self, reference: str) -> None:
        await self.stop(reference)
        self._forget(reference)

    async def adopt(self) -> Mapping[int, str]:
        return {run.run_id: reference for reference, run in self._engine.runs.items()}

    async def networks(self) -> Sequence[str]:
        return ()

    async def close(self) -> None:
        """Runs go on in the engine, which outlives this object."""

    def _forget(self, reference: str) -> Exit:
        self._engine.runs.pop(reference, None)
        return Exit(-1, "lost")


async def _carry_out(
    algorithm: Algorithm, environment: Mapping[str, str], files: RunFiles, spec: RunSpec
) -> Exit | None:
    try:
        async with asyncio.timeout(spec.limits.seconds):
            code = await _call(algorithm, environment, files)
    except TimeoutError:
        return Exit(KILLED, "time")
    except Vanished:
        return None
    _cap(files.log, spec.limits.log_bytes)
    return Exit(code)


async def _call(algorithm: Algorithm, environment: Mapping[str, str], files: RunFiles) -> int:
    """Give the exit code that a process of its own would have had."""
    try:
        if inspect.iscoroutinefunction(algorithm):
            await algorithm(environment, files)
        else:
            await asyncio.to_thread(algorithm, environment, files)
    except SystemExit as exiting:
        return exiting.code if isinstance(exiting.code, int) else int(exiting.code is not None)
    except Vanished:
        raise
    except Exception:
        files.log += traceback.format_exc().encode()
        return 1
    return 0


def _cap(log: bytearray, limit: int) -> None:
    """Keep the first part of a long log and say how much is missing, as real engines do."""
    if len(log) > limit:
        dropped = len(log) - limit
        log[limit:] = f"\n[log cut: {dropped} bytes left out]\n".encode()
