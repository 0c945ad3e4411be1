"""A station on a fake server and a fake engine, which can be restarted as often as a test likes."""

import asyncio
import base64
import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from hanse_core import events
from hanse_core.crypto import keys
from hanse_node.agent import Agent
from hanse_node.main import opened
from hanse_node.runtimes.memory import MemoryEngine, MemoryRuntime, Refusal, RunFiles, never_ends, vanishes
from hanse_node.settings import Settings
from hanse_node.station import Station
from hanse_node.uplink.memory import MemoryUplink

PAYLOAD = base64.b64encode(json.dumps({"method": "m"}).encode()).decode()


async def _answers(environment: Any, files: RunFiles) -> None:
    files.print("at work")
    await asyncio.sleep(0)
    files.write_output(b'{"rows": 42}')


async def _fails(environment: Any, files: RunFiles) -> None:
    raise ValueError("column 'agee' does not exist")


async def _says_nothing(environment: Any, files: RunFiles) -> None:
    return None


async def _links(environment: Any, files: RunFiles) -> None:
    (files.folder / "output").unlink()
    (files.folder / "output").symlink_to("/etc/hostname")


ALGORITHMS = {
    "hanse/summary": _answers,
    "hanse/fails": _fails,
    "hanse/hangs": never_ends,
    "hanse/vanishes": vanishes,
    "hanse/empty": _says_nothing,
    "hanse/links": _links,
    "hanse/refused": Refusal("the engine is full"),
}


class Bench:
    """One server and one engine that outlive any number of starts of the node."""

    def __init__(self, directory: Path) -> None:
        self.uplink = MemoryUplink()
        self.engine = MemoryEngine()
        self.directory = directory
        self.algorithms: dict[str, Any] = dict(ALGORITHMS)
        self.work: asyncio.Future[None]
        """Of the agent that was started last."""
        (directory / "d.csv").write_text("age,sex\n1,2\n")

    def settings(self, **more: Any) -> Settings:
        given: dict[str, Any] = {
            "name": "alpha",
            "api_key": "secret-key",
            "server_url": "http://localhost",
            "directory": self.directory,
            "databases": [{"label": "default", "uri": str(self.directory / "d.csv"), "type": "csv"}],
            "policies": {"allowed_algorithms": ["^hanse/.*"]},
        }
        return Settings.model_validate({**given, **more})

    @contextlib.asynccontextmanager
    async def node(self, **more: Any) -> AsyncIterator[Station]:
        """Let a node work for as long as the block lasts."""
        runtime = MemoryRuntime(self.algorithms, self.engine)
        async with opened(self.settings(**more), self.uplink, runtime) as station, self.working(station):
            yield station

    @contextlib.asynccontextmanager
    async def working(self, station: Station) -> AsyncIterator[None]:
        """Let an agent work on a station for as long as the block lasts."""
        agent = Agent(station, reconcile_seconds=0.05)
        station.control.attach(agent)
        self.work = working = asyncio.ensure_future(agent.run())
        try:
            yield
        finally:
            working.cancel()
            await asyncio.wait({working})
            if not working.cancelled():
                working.result()

    def shared(self) -> list[Any]:
        """Give what the node has told about itself, oldest first."""
        return [data for event, data in self.uplink.emitted if event == events.NODE_INFO]

    async def a_run_waits(self, station: Station) -> None:
        """Wait until a run waits for one of the station's places."""
        await self.until(lambda: station.slots._waiters)

    async def until(self, condition: Any) -> None:
        """Wait until something has come about; the test's time limit is the limit."""
        while not condition():  # noqa: ASYNC110  (conditions of many kinds, none of them an event)
            await asyncio.sleep(0.005)


@pytest.fixture
def bench() -> Iterator[Bench]:
    directory = Path(tempfile.mkdtemp(prefix="h"))
    yield Bench(directory)
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "private_key.pem"
    path.write_bytes(keys.private_to_pem(keys.generate()))
    return path


@pytest.fixture
def payload() -> str:
    return PAYLOAD
