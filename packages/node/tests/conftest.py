"""Benches: a runtime with an image `sample`, and the means to make runs for it."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from docker_engine import Engine
from hanse_core.protocol import encode_variable
from hanse_node.contract import CONTEXT_FILE
from hanse_node.docker_settings import Docker
from hanse_node.runtimes.base import Limits, Mount, RunSpec, Runtime
from hanse_node.runtimes.docker import DockerRuntime
from hanse_node.runtimes.docker.networks import Network
from hanse_node.runtimes.docker.probe import Probe
from hanse_node.runtimes.memory import MemoryEngine, MemoryRuntime, RunFiles
from hanse_node.runtimes.process import Bubblewrap, ProcessImage, ProcessRuntime
from hanse_node.settings import Settings
from scratch_image import CHANGES, file_system

NO_LIMITS = Limits()
BASE = "hanse-test/node-sample"
SAMPLES = Path(__file__).parent / "samples"


class Bench:
    """Makes run specifications in a folder of its own, and opens the runtime as a node does at each start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: list[Runtime] = []
        self.references: list[str] = []
        (folder / "job").mkdir()
        os.mkfifo(folder / "job" / "gate")
        self._gate = os.open(folder / "job" / "gate", os.O_RDWR)

    def open_gate(self) -> None:
        """Let a run pass that reads a line from the file `gate` in its temporary folder."""
        os.write(self._gate, b"go\n")

    def open(self) -> Runtime:
        runtime = self.make()
        self.opened.append(runtime)
        return runtime

    def make(self) -> Runtime:
        raise NotImplementedError

    async def spec(
        self,
        code: str,
        *,
        run_id: int = 7,
        limits: Limits = NO_LIMITS,
        mounts: Sequence[Mount] = (),
        environment: dict[str, str] | None = None,
    ) -> RunSpec:
        folder, proxy = self.folder / f"run-{run_id}", self.folder / f"p{run_id}"
        folder.mkdir()
        proxy.mkdir()
        (folder / "input").write_text(json.dumps({"code": code}))
        (folder / "output").touch()
        (folder / "token").write_text("token")
        return RunSpec(
            run_id=run_id,
            task_id=3,
            job_id=2,
            image="sample",
            digest=await self.opened[0].resolve("sample"),
            folder=folder,
            temporary=self.folder / "job",
            proxy_socket=proxy / "s",
            mounts=mounts,
            environment=environment or {},
            limits=limits,
        )

    async def run(self, code: str, **options: object) -> tuple[Runtime, str, RunSpec]:
        """Start the code and give what is needed to follow it."""
        runtime = self.opened[0] if self.opened else self.open()
        spec = await self.spec(code, **options)  # type: ignore[arg-type]
        return runtime, await self.start(spec), spec

    async def start(self, spec: RunSpec) -> str:
        """Start a run that ends with the bench at the latest."""
        reference = await self.opened[0].start(spec)
        self.references.append(reference)
        return reference

    async def result(self, code: str, **options: object) -> object:
        """Carry the code out and give what it left in `result`; a failure shows the log."""
        _, reference, spec = await self.run(code, **options)
        return await self.answer(reference, spec)

    async def answer(self, reference: str, spec: RunSpec) -> object:
        """Wait for a run and give what it left in `result`; a failure shows the log."""
        ended = await self.opened[0].wait(reference)
        assert ended.code == 0, (ended, (await self.opened[0].logs(reference)).decode())
        return json.loads((spec.folder / "output").read_bytes())

    async def close(self) -> None:
        os.close(self._gate)
        for reference in self.references:
            await self.opened[0].remove(reference)
        for runtime in self.opened:
            await runtime.close()


class ProcessBench(Bench):
    def __init__(self, folder: Path, python: Path, sandbox: Bubblewrap | None) -> None:
        super().__init__(folder)
        self.images = {"sample": ProcessImage("sample_algorithm", str(python), ("python", "-m", "sample_algorithm"))}
        self.sandbox = sandbox

    def make(self) -> ProcessRuntime:
        return ProcessRuntime(self.images, self.folder / "state", self.sandbox)


class Believes(Probe):
    """Takes isolation for proven: tests of other things need not wait for that."""

    async def prove(self, network: Network) -> str:
        return ""


class DockerBench(Bench):
    """On a real engine; networks and rules are where that engine lives."""

    def __init__(self, folder: Path, engine: Engine, **settings: Any) -> None:
        super().__init__(folder)
        self.engine = engine
        self.settings = engine.settings(**settings)

    def make(self) -> DockerRuntime:
        docker = Docker.model_validate(self.settings)
        return DockerRuntime(
            "bench", docker, self.folder / "state", registry_decides=lambda: False, spare=0, probe=Believes
        )

    def node(self, **docker: Any) -> Settings:
        """Give the settings of a node at this engine, for what looks at no more than them."""
        about = {"name": "bench", "api_key": "k", "server_url": "http://127.0.0.1", "runtime": "docker"}
        folder = self.folder / "node"
        return Settings.model_validate({**about, "directory": folder, "docker": {**self.settings, **docker}})

    @asynccontextmanager
    async def answering(self, spec: RunSpec, text: str) -> AsyncIterator[None]:
        """Answer everything that a run asks its proxy with one text."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.0 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
            await writer.drain()
            writer.close()

        server = await asyncio.start_unix_server(answer, str(spec.proxy_socket))
        yield
        server.close()


class Hangs(Exception):
    """What `hang()` does in memory, where a thread could not be stopped."""


async def carry_out(environment: Mapping[str, str], files: RunFiles) -> None:
    """Do in memory what the installed sample algorithm does as a process."""

    def hang() -> None:
        raise Hangs

    scope: dict[str, object] = {
        "variable": environment.__getitem__,
        "environment": lambda: {
            name: value if name == CONTEXT_FILE else encode_variable(value) for name, value in environment.items()
        },
        "hang": hang,
        "print": files.print,
    }
    try:
        await asyncio.to_thread(exec, json.loads(files.read_input())["code"], scope)
    except Hangs:
        await asyncio.Event().wait()
    if "result" in scope:
        files.write_output(json.dumps(scope["result"]).encode())


class MemoryBench(Bench):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.engine = MemoryEngine()

    def make(self) -> MemoryRuntime:
        return MemoryRuntime({"sample": carry_out}, self.engine)


@pytest.fixture
async def in_memory(short_folder: Path) -> AsyncIterator[MemoryBench]:
    bench = MemoryBench(short_folder)
    yield bench
    await bench.close()


@pytest.fixture(scope="session")
def python() -> Iterator[Path]:
    """Make a virtual environment in which the sample algorithm is installed as packages under development are."""
    folder = Path(tempfile.mkdtemp(prefix="h"))
    home = folder / "python"  # what is made of an environment lies beside it, and goes with it
    venv.create(home, symlinks=True)
    library = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    (home / library / "samples.pth").write_text(f"{SAMPLES}\n")
    yield home / "bin/python"
    shutil.rmtree(folder)


def with_sample(engine: Engine, python: Path) -> Engine:
    """Give an engine an image `sample`, in which the sample algorithm is."""
    engine.import_image(f"{BASE}:1", file_system(python), *CHANGES)
    package = "/usr/local/lib/sample/sample_algorithm"
    dockerfile = f"FROM {BASE}:1\nENV PYTHONPATH=/usr/local/lib/sample\nCOPY sample_algorithm {package}\n"
    command = 'CMD ["python", "-m", "sample_algorithm"]\n'
    engine.build("sample", dockerfile + command, {"sample_algorithm": SAMPLES / "sample_algorithm"})
    return engine


@pytest.fixture(scope="session")
def sample_engine(docker_engine: Engine, python: Path) -> Engine:
    """Give the engine that all tests share, with the sample algorithm."""
    return with_sample(docker_engine, python)


@pytest.fixture(scope="module")
def mapping_engine(python: Path) -> Iterator[Engine]:
    """Give an engine that maps users, with the sample algorithm."""
    with Engine(maps_users=True) as engine:
        yield with_sample(engine, python)


@pytest.fixture
async def mapped(short_folder: Path, mapping_engine: Engine) -> AsyncIterator[DockerBench]:
    """The bench in containers, on an engine that maps users."""
    bench = DockerBench(short_folder, mapping_engine)
    yield bench
    await bench.close()


@pytest.fixture
async def in_containers(short_folder: Path, sample_engine: Engine) -> AsyncIterator[DockerBench]:
    bench = DockerBench(short_folder, sample_engine)
    yield bench
    await bench.close()


@pytest.fixture(scope="session")
def bubblewrap() -> Bubblewrap:
    found = Bubblewrap.find()
    assert found is not None
    return found


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Give a folder whose sockets have addresses short enough."""
    folder = Path(tempfile.mkdtemp(prefix="h"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def sandboxed(short_folder: Path, python: Path, bubblewrap: Bubblewrap) -> AsyncIterator[ProcessBench]:
    bench = ProcessBench(short_folder, python, bubblewrap)
    yield bench
    await bench.close()


@pytest.fixture
async def unsandboxed(short_folder: Path, python: Path) -> AsyncIterator[ProcessBench]:
    bench = ProcessBench(short_folder, python, None)
    yield bench
    await bench.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate that nobody else knows, with its key in the same file."""
    path = tmp_path / "both.pem"
    made = subprocess.check_output(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "-"],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    path.write_bytes(made)
    return path
