"""SSH tunnels to a real database behind a real SSH server: whose key is known, and whose key is let in."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hanse_node.connections import place
from hanse_node.egress.dialling import NoAnswer
from hanse_node.egress.reach import Reach, no_networks
from hanse_node.egress.rules import Destination
from hanse_node.settings import Settings
from hanse_node.sources import Selection
from sshd import Sshd, key, public, sshd

pytestmark = [pytest.mark.needs("sshd"), pytest.mark.needs("postgres"), pytest.mark.timeout(60)]

NAME, PORT = "my-data-source", 8000
ASKS_FOR_TLS = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""What a PostgreSQL answers with one letter."""


@pytest.fixture(scope="module")
def server(postgres: str) -> Iterator[Sshd]:
    _, port = place(postgres) or ("", 0)
    with sshd(port) as server:
        yield server


@asynccontextmanager
async def reaching(folder: Path, tunnel: dict[str, Any]) -> AsyncIterator[Reach]:
    given = {"name": "n", "api_key": "k", "server_url": "http://localhost", "directory": folder}
    reach = Reach(Settings.model_validate({**given, "ssh-tunnels": [tunnel]}), no_networks)
    try:
        yield reach
    finally:
        await reach.close()


async def cause(folder: Path, tunnel: dict[str, Any]) -> str:
    """Give why a tunnel cannot be used, as `hanse node check` tells it."""
    async with reaching(folder, tunnel) as reach:
        (text,) = await reach.troubles([])
    return text


def asked(door: Any) -> Any:
    """Ask the database behind a door, which lies where its clients look for it."""
    link = door.path.with_name(".s.PGSQL.5432")
    link.unlink(missing_ok=True)
    link.symlink_to(door.path)
    with psycopg.connect(host=str(link.parent), port=5432, user="hanse", dbname="postgres") as connection:
        found = connection.execute("SELECT 6 * 7").fetchone()
    return found and found[0]


async def test_a_database_behind_it_answers_who_selected_it_or_was_given_the_tunnel(station: Any, server: Sshd) -> None:
    behind = Selection("default", "sql", f"postgresql://hanse@{NAME}:{PORT}/postgres", is_path=False)
    (door,) = await station.open(gives=(), selects=behind, **{"ssh-tunnels": [server.tunnel()]})
    assert (door.host, door.port, door.label) == (NAME, PORT, "default")
    assert await asyncio.to_thread(asked, door) == 42
    assert await station.open(8, gives=()) == ()
    (door,) = await station.open(9, gives=(NAME,), selects=behind)
    assert (door.host, door.port, door.label) == (NAME, PORT, None)
    assert await asyncio.to_thread(asked, door) == 42


async def test_after_the_server_was_away_it_leads_there_again(short_folder: Path, server: Sshd) -> None:
    async with reaching(short_folder, server.tunnel()) as reach:
        first = await reach.connect("d", Destination(NAME, PORT))
        server.stop()
        try:
            with pytest.raises(NoAnswer, match="cannot be used"):
                await reach.connect("d", Destination(NAME, PORT))
        finally:
            server.start()
        first.line[1].close()
        again = await reach.connect("d", Destination(NAME, PORT))
        again.line[1].write(ASKS_FOR_TLS)
        assert await again.line[0].read(1) in (b"N", b"S")
        again.line[1].close()
        assert await reach.troubles([]) == []


async def test_a_server_with_another_key_is_told_nothing(short_folder: Path, server: Sshd) -> None:
    text = await cause(short_folder, server.tunnel(fingerprint=public(key(short_folder / "other"))))
    assert "shows another key than ssh.fingerprint of the tunnel my-data-source" in text
    assert f"ssh-keyscan -p {server.port} 127.0.0.1" in text


async def test_a_key_that_is_not_let_in_is_named(short_folder: Path, server: Sshd) -> None:
    other = str(key(short_folder / "other"))
    text = await cause(short_folder, server.tunnel(identity={"username": "root", "key": other}))
    assert f"does not let root in with the key {other}" in text
    assert "authorized_keys" in text


async def test_a_key_that_is_not_there_is_named(short_folder: Path, server: Sshd) -> None:
    text = await cause(short_folder, server.tunnel(identity={"username": "root", "key": "/no/such/key"}))
    assert "No such file" in text
    assert "/no/such/key must be a private key without passphrase" in text


async def test_what_the_server_does_not_permit_is_named(short_folder: Path, server: Sshd) -> None:
    tunnel = server.tunnel()
    tunnel["tunnel"]["dest"]["port"] = server.port
    assert f"does not connect to 127.0.0.1:{server.port}" in await cause(short_folder, tunnel)


async def test_a_server_that_is_away_is_named(short_folder: Path, server: Sshd) -> None:
    assert "the SSH server 127.0.0.1:1 cannot be used" in await cause(short_folder, server.tunnel(port=1))
