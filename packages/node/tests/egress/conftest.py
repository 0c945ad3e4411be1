"""A station with ways out, without an engine: names that lead where a test says, and a small world to reach."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hanse_node.egress.ways import WaysOut
from hanse_node.policy.decision import Terms
from hanse_node.runtimes.base import Door
from hanse_node.settings import Settings
from hanse_node.sources import Selection
from squid import Squid, squid

ENGINE_NETWORK = "198.19.7.0/24"


class World:
    """A server on loopback that answers each connection once, with what it was sent."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.port = 0
        self.ends = b"\r\n\r\n"
        """What it waits for before it answers and closes."""
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    @asynccontextmanager
    async def listening(self, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator["World"]:
        server = await asyncio.start_server(self._serve, address, port)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(b"")
        number = len(self.heard) - 1
        while data := await reader.read(65536):
            self.heard[number] += data
            if self.heard[number].endswith(self.ends):
                writer.write(self.answer)
                break
        writer.close()


FILE = Selection("default", "csv", "/d.csv", is_path=True)


class Station:
    """The ways out of one station; `asked` are the names that were looked up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.names: dict[str, Sequence[str]] = {}
        self.ways: WaysOut | None = None

    async def _resolve(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        return self.names[name]

    @staticmethod
    async def _networks() -> Sequence[str]:
        return [ENGINE_NETWORK]

    async def open(
        self, run_id: int = 7, *, gives: Sequence[str] = ("way",), selects: Selection = FILE, **settings: Any
    ) -> Sequence[Door]:
        given = {"name": "n", "api_key": "k", "server_url": "http://localhost", "directory": self.folder, **settings}
        if self.ways is None:
            self.ways = WaysOut(Settings.model_validate(given), self._networks, self._resolve)
        folder = self.folder / str(run_id)
        folder.mkdir(exist_ok=True)
        return await self.ways.open(run_id, folder, Terms(egress=tuple(gives)), [selects])

    async def say(self, data: bytes, run_id: int = 7) -> bytes:
        """Send something to the proxy of a run and give all that it answers."""
        reader, writer = await self.line(run_id)
        writer.write(data)
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return answer

    async def line(self, run_id: int = 7) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(str(self.folder / str(run_id) / "egress"))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World().listening() as world:
        yield world


@pytest.fixture
async def station(short_folder: Path) -> AsyncIterator[Station]:
    station = Station(short_folder)
    yield station
    if station.ways is not None:
        await station.ways.close_all()


@pytest.fixture(scope="module")
def a_squid() -> Iterator[Squid]:
    with squid({"terminology.example": "127.0.0.1"}) as found:
        yield found
