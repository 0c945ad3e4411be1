"""Ways to one database: every connection leads there, and its end is the end of both sides."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import structlog.testing

from hanse_node.egress import ways
from hanse_node.runtimes.base import Door
from hanse_node.sources import Selection
from waiting import until


def database(uri: str) -> Selection:
    return Selection("default", "sql", uri, is_path=False)


async def opened(station: Any, uri: str) -> Door:
    doors: Sequence[Door] = await station.open(gives=(), selects=database(uri))
    (door,) = doors
    return door


@pytest.mark.parametrize(
    ("uri", "known_as"),
    [
        ("postgresql://127.0.0.1:{}/d", "database-1"),
        ("postgresql://localhost:{}/d", "database-1"),
        ("postgresql://proxyserver:{}/d", "database-1"),
        ("https://terms.example:{}/sparql", "terms.example"),
    ],
)
async def test_what_is_sent_arrives_there_under_a_name_that_a_run_can_use(
    station: Any, world: Any, uri: str, known_as: str
) -> None:
    station.names = {name: ["127.0.0.1"] for name in ("localhost", "proxyserver", "terms.example")}
    door = await opened(station, uri.format(world.port))
    assert (door.host, door.port, door.label, door.is_proxy) == (known_as, world.port, "default", False)
    reader, writer = await asyncio.open_unix_connection(str(door.path))
    writer.write(b"GET http://elsewhere.example/ HTTP/1.1\r\n\r\n")
    assert await reader.read() == world.answer
    writer.close()
    assert world.heard == [b"GET http://elsewhere.example/ HTTP/1.1\r\n\r\n"]


async def test_one_that_is_away_closes_the_connection_and_the_log_tells_why(station: Any) -> None:
    door = await opened(station, "postgresql://u:secret@127.0.0.1:1/d")
    with structlog.testing.capture_logs() as told:
        reader, writer = await asyncio.open_unix_connection(str(door.path))
        assert not await reader.read()
        writer.close()
    (line,) = told
    assert (line["event"], line["way"]) == ("egress_failed", "database default")
    assert "127.0.0.1:1 cannot be reached" in line["cause"]
    assert "secret" not in str(line)


async def test_a_run_has_so_many_connections_at_a_time_only(
    station: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "MOST_CONNECTIONS", 2)
    door = await opened(station, f"postgresql://127.0.0.1:{world.port}/d")
    lines = [await asyncio.open_unix_connection(str(door.path)) for _ in range(3)]
    assert not await lines[2][0].read()
    lines[2][1].close()
    for reader, writer in lines[:2]:
        writer.write(b"\r\n\r\n")
        assert await reader.read() == world.answer
        writer.close()
    assert len(world.heard) == 2


async def test_with_the_run_its_connections_end(station: Any, world: Any) -> None:
    world.ends = b"never"
    door = await opened(station, f"postgresql://127.0.0.1:{world.port}/d")
    reader, writer = await asyncio.open_unix_connection(str(door.path))
    writer.write(b"hello")
    await until(lambda: world.heard == [b"hello"])
    await station.ways.close(7)
    assert not await reader.read()
    assert not door.path.exists()
    writer.close()
