"""Databases on other machines, asked from inside containers: who selects one reaches it, and nothing beside it."""

import asyncio
import ssl
import subprocess
import sysconfig
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from docker_engine import OUTSIDE
from hanse_node.connections import place
from hanse_node.egress.ways import WaysOut
from hanse_node.offers import DatabaseChoice
from hanse_node.policy.decision import Terms
from hanse_node.runtimes.base import Mount
from hanse_node.settings import Settings
from hanse_node.sources import Sources
from sshd import sshd

pytestmark = [
    pytest.mark.needs("docker"),
    pytest.mark.needs("postgres"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]

IMAGE = "sample-sql"
PACKAGES = Path(sysconfig.get_path("purelib"))
DRIVER = ("psycopg", "psycopg_binary", "psycopg_binary.libs", "typing_extensions.py")
ASKS = """
import psycopg, socket
def ask(label):
    with psycopg.connect(variable(label.upper() + "_DATABASE_URI"), connect_timeout=10) as connection:
        return connection.execute("SELECT patient FROM stations").fetchall()[0][0]
def opens(host, port):
    try:
        socket.create_connection((host, port), 0.3).close()
        return True
    except ConnectionRefusedError:  # by somebody, who has been reached
        return True
    except OSError:
        return False
"""


@pytest.fixture(scope="module")
def data(postgres: str) -> str:
    """Address of a database with one table."""
    with closing(psycopg.connect(f"{postgres}postgres", autocommit=True)) as admin:
        admin.execute("DROP DATABASE IF EXISTS ways")
        admin.execute("CREATE DATABASE ways")
    with psycopg.connect(f"{postgres}ways") as connection:
        connection.execute("CREATE TABLE stations AS SELECT 'from the real table' AS patient")
    return f"{postgres}ways"


@pytest.fixture
def bench(in_containers: Any) -> Any:
    files = {**{name: PACKAGES / name for name in DRIVER}, **libraries()}
    copies = "".join(f"COPY {name} /usr/local/lib/{'' if '.so.' in name else 'sample/'}{name}\n" for name in files)
    in_containers.engine.build(IMAGE, f"FROM sample\n{copies}", files)
    in_containers.open()
    return in_containers


def libraries() -> dict[str, bytes]:
    """Give the system's libraries that the driver loads; the image has no others than its Python needs."""
    modules = (PACKAGES / "psycopg_binary").glob("*.so")
    listed = subprocess.check_output(["ldd", *modules], text=True).splitlines()
    found = {Path(line.split()[2]) for line in listed if " => /lib/" in line or " => /usr/lib/" in line}
    return {path.name: path.read_bytes() for path in found if path.name != "libc.so.6"}


def certificate_of(name: str, path: Path) -> Path:
    """Make a certificate with its key in the same file."""
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", "-"]
    path.write_bytes(subprocess.check_output([*make, *names], stderr=subprocess.DEVNULL))
    return path


class Names:
    """A name service that knows this machine by one name more."""

    async def __call__(self, name: str) -> Sequence[str]:
        return {"data.example": ["127.0.0.1"], "localhost": ["127.0.0.1"]}[name]


def station(bench: Any, *databases: dict[str, Any], **more: Any) -> Settings:
    given = {"name": "n", "api_key": "k", "server_url": "http://localhost", "directory": bench.folder / "node"}
    return Settings.model_validate({**given, "databases": databases, **more})


def sql(label: str, uri: str, **more: Any) -> dict[str, Any]:
    return {"label": label, "type": "sql", "uri": uri, **more}


async def started(bench: Any, ways: WaysOut, settings: Settings, code: str, labels: Sequence[str], run_id: int) -> Any:
    selected = Sources(settings.databases).select([DatabaseChoice(label) for label in labels])
    spec = await bench.spec(ASKS + code, run_id=run_id, mounts=[Mount(**asdict(one)) for one in selected])
    doors = await ways.open(run_id, spec.proxy_socket.parent, Terms(), selected)
    spec = replace(spec, doors=doors, image=IMAGE, digest=await bench.opened[0].resolve(IMAGE))
    return await bench.start(spec), spec


@pytest.fixture
async def open_ways(bench: Any) -> AsyncIterator[list[WaysOut]]:
    opened: list[WaysOut] = []
    yield opened
    for ways in opened:
        await ways.close_all()


async def test_a_run_reaches_the_databases_that_it_selected_and_nothing_else(
    bench: Any, data: str, open_ways: list[WaysOut]
) -> None:
    _, port = place(data) or ("", 0)
    named = data.replace("127.0.0.1", "data.example")
    settings = station(bench, sql("lung", data), sql("heart", named), sql("other", data))
    ways = WaysOut(settings, bench.opened[0].networks, Names())
    open_ways.append(ways)
    neighbour, _ = await started(bench, ways, settings, "hang()", ["other"], run_id=8)
    described = bench.engine.ask("GET", f"/containers/{neighbour}/json")
    gateway = next(iter(described["NetworkSettings"]["Networks"].values()))["Gateway"]
    code = f"""
own = int(variable("PORT"))
result = {{
    "lung": ask("lung"), "heart": ask("heart"),
    "uris": [variable("LUNG_DATABASE_URI"), variable("HEART_DATABASE_URI")],
    "own gateway": [p - own for p in range(own, own + 5) if opens("proxyserver", p)],
    "neighbour": [p for p in ({port}, *range(own, own + 3)) if opens("{gateway}", p)],
    "elsewhere": [h for h in ("{bench.engine.gateway}", "198.19.255.1") for p in ({port}, 22) if opens(h, p)],
    "known": "OTHER_DATABASE_URI" in environment(),
}}
"""
    reference, spec = await started(bench, ways, settings, code, ["lung", "heart"], run_id=7)
    told = await bench.answer(reference, spec)
    await bench.opened[0].stop(neighbour)
    assert (told["lung"], told["heart"]) == ("from the real table", "from the real table")
    assert told["uris"][0].startswith("postgresql://hanse@database-1:")
    assert told["uris"][1].startswith("postgresql://hanse@data.example:")
    assert told["own gateway"] == [0, 1]
    assert (told["neighbour"], told["elsewhere"], told["known"]) == ([], [], False)


async def test_the_certificate_of_an_endpoint_fits_the_name_that_the_run_is_told(
    bench: Any, tmp_path: Path, open_ways: list[WaysOut]
) -> None:
    both = certificate_of("data.example", tmp_path / "both.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(both)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    uri = f"https://data.example:{server.sockets[0].getsockname()[1]}/sparql"
    settings = station(bench, {"label": "terms", "type": "sparql", "uri": uri})
    ways = WaysOut(settings, bench.opened[0].networks, Names())
    open_ways.append(ways)
    code = f"""
import ssl, urllib.request
trust = ssl.create_default_context(cadata={both.read_text().partition("-----END PRIVATE KEY-----")[2]!r})
result = urllib.request.urlopen(variable("TERMS_DATABASE_URI"), timeout=20, context=trust).read().decode()
"""
    assert await bench.answer(*await started(bench, ways, settings, code, ["terms"], run_id=7)) == "hello"
    server.close()


@pytest.mark.needs("sshd")
async def test_a_database_behind_a_tunnel_is_reached_at_its_hostname_and_port_and_nothing_beside_it(
    bench: Any, data: str, open_ways: list[WaysOut]
) -> None:
    host, port = place(data) or ("", 0)
    with sshd(port) as server:
        behind = data.replace(f"{host}:{port}", "my-data-source:8000")
        settings = station(bench, sql("lung", behind), sql("other", data), **{"ssh-tunnels": [server.tunnel()]})
        ways = WaysOut(settings, bench.opened[0].networks, Names())
        open_ways.append(ways)
        code = f"""
others = (22, {port}, {server.port}, 7999, 8001, *range(int(variable("PORT")) + 1, int(variable("PORT")) + 5))
result = [ask("lung"), variable("LUNG_DATABASE_URI"), [p for p in others if opens("my-data-source", p)]]
"""
        told = await bench.answer(*await started(bench, ways, settings, code, ["lung"], run_id=7))
        assert told == ["from the real table", behind, []]
        code = """
names = [name for name in ("my-data-source", "proxyserver") if opens(name, 8000)]
result = [ask("other"), names, "my-data-source" in open("/etc/hosts").read()]
"""
        told = await bench.answer(*await started(bench, ways, settings, code, ["other"], run_id=8))
        assert told == ["from the real table", [], False]
        await ways.close_all()
