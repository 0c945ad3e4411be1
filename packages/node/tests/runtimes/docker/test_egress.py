"""Ways out, tried from inside containers: what is listed is reached, and nothing else, by whatever detour."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from docker_engine import OUTSIDE
from hanse_node.egress.ways import WaysOut
from hanse_node.policy.decision import Terms
from hanse_node.settings import Settings

pytestmark = [
    pytest.mark.needs("docker"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]

PORT = 8000
SERVES = """
import http.server, sys
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        there = self.headers.get("X-To")
        self.send_response(302 if there else 200)
        self.send_header(*(("Location", there) if there else ("X-Nothing", "1")))
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")
server = http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Answers)
print("ready", flush=True)
server.serve_forever()
"""
ASKS = """
import os, socket, urllib.error, urllib.request
for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
    os.environ[name] = variable(name)
proxy = os.environ["HTTP_PROXY"].rpartition("/")[2].split(":")
def get(url, **headers):
    try:
        request = urllib.request.Request(url, headers={name.replace("_", "-"): text for name, text in headers.items()})
        return urllib.request.urlopen(request, timeout=20).read().decode()
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.reason}"
def connect(destination):
    with socket.create_connection((proxy[0], int(proxy[1])), 20) as line:
        line.sendall(f"CONNECT {destination} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
        return line.makefile("rb").readline().decode().strip()
def tcp(address, port):
    try:
        socket.create_connection((address, port), 0.5).close()
        return "reached"
    except ConnectionRefusedError:  # by somebody, who has been reached
        return "reached"
    except OSError:
        return "closed"
"""


class Names:
    """A name service that answers as a test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.asked: list[str] = []

    async def __call__(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        return self.known[name]


@pytest.fixture
async def outside(sample_engine: Any) -> AsyncIterator[str]:
    """Address of a web server that is neither this machine nor a container: at the far end of the engine's cable."""
    host, _, last = sample_engine.gateway.rpartition(".")
    address = f"{host}.{int(last) + 1}"
    serving = await asyncio.create_subprocess_exec(
        *sample_engine.entering, "python3", "-c", SERVES, address, str(PORT),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert serving.stdout is not None
    assert await serving.stdout.readline() == b"ready\n"
    yield address
    serving.kill()
    await serving.wait()


async def started(bench: Any, ways: WaysOut, code: str, run_id: int = 7, gives: Sequence[str] = ("way",)) -> Any:
    """Start a run with its ways open."""
    spec = await bench.spec(code, run_id=run_id)
    doors = await ways.open(run_id, spec.proxy_socket.parent, Terms(egress=tuple(gives)), ())
    spec = replace(spec, doors=doors)
    return await bench.start(spec), spec


def ways_of(bench: Any, names: Names, **way: Any) -> WaysOut:
    given = {"name": "n", "api_key": "k", "server_url": "http://localhost", "directory": bench.folder}
    settings = Settings.model_validate({**given, "egress": {"way": {"ports": [PORT], **way}}})
    return WaysOut(settings, bench.opened[0].networks, names)


async def test_a_run_reaches_what_is_listed_and_nothing_else(bench: Any, outside: str) -> None:
    names = Names()
    runtime = bench.open()
    names.known = {
        "terminology.example": [outside],
        "loopback.below.example": ["127.0.0.1"],
        "metadata.below.example": ["169.254.169.254"],
        "engine.below.example": ["198.19.255.1"],
        "machine.below.example": [bench.engine.gateway],
    }
    ways = ways_of(bench, names, domains=["terminology.example", "*.below.example"])
    other, _ = await started(bench, ways, "hang()", run_id=8)
    described = bench.engine.ask("GET", f"/containers/{other}/json")["NetworkSettings"]["Networks"].values()
    neighbour, gateway = next((joined["IPAddress"], joined["Gateway"]) for joined in described)
    port = json.loads((bench.folder / "state" / "identity.json").read_text())["port"]
    code = (
        ASKS
        + f"""
listed, outside = "terminology.example:{PORT}", "{outside}"
result = {{
    "plain": get(f"http://{{listed}}/x"),
    "tunnel": connect(listed),
    "its proxy": tcp(proxy[0], int(proxy[1])),
    "own proxy": get(variable("HOST") + ":" + variable("PORT") + "/hello"),
    "refused": {{
        "address": connect(f"{{outside}}:{PORT}"),
        "plain address": get(f"http://{{outside}}:{PORT}/"),
        "name": connect("evil.example:{PORT}"),
        "port": connect("terminology.example:22"),
        "redirect": get(f"http://{{listed}}/", X_To="http://evil.example:{PORT}/"),
        "redirect to an address": get(f"http://{{listed}}/", X_To=f"http://{{outside}}:{PORT}/"),
        **{{name: connect(f"{{name}}.below.example:{PORT}") for name in ("loopback", "metadata", "engine", "machine")}},
        "neighbour": connect("{neighbour}:{PORT}"),
        "gateway": connect("{gateway}:{port}"),
    }},
    "tcp": [tcp(outside, {PORT}), tcp("{gateway}", int(proxy[1])), tcp("{gateway}", {port}),
            tcp("{neighbour}", {PORT})],
}}
try:
    result["tcp"].append(socket.gethostbyname("terminology.example"))
except OSError:
    result["tcp"].append("closed")
"""
    )
    reference, spec = await started(bench, ways, code)
    async with bench.answering(spec, "hello"):
        told = await bench.answer(reference, spec)
    await runtime.stop(other)
    await ways.close_all()
    assert (told["plain"], told["own proxy"], told["its proxy"]) == ("hello", "hello", "reached")
    assert told["tunnel"] == "HTTP/1.1 200 Connection established"
    refused = {what: answer.replace("HTTP/1.1 ", "")[:4] for what, answer in told["refused"].items()}
    assert set(refused.values()) == {"403 "}, told["refused"]
    assert set(told["tcp"]) == {"closed"}, told
    assert "evil.example" not in names.asked


async def test_a_run_without_a_way_out_finds_none(bench: Any, outside: str) -> None:
    bench.open()
    ways = ways_of(bench, Names(), addresses=[outside])
    code = """
import socket
reached = []
for port in range(int(variable("PORT")), int(variable("PORT")) + 10):
    try:
        socket.create_connection(("proxyserver", port), 0.2)
        reached.append(port - int(variable("PORT")))
    except OSError:
        pass
result = [reached, sorted(name for name in environment() if "PROXY" in name.upper())]
"""
    told = await bench.answer(*await started(bench, ways, code, gives=()))
    assert told == [[0], []]


async def test_a_run_that_was_adopted_has_its_ways_again(bench: Any, outside: str) -> None:
    former = bench.open()
    ways = ways_of(bench, Names(), addresses=[outside])
    code = (
        "open(variable('TEMPORARY_FOLDER') + '/gate').readline()\n" + ASKS + f"result = get('http://{outside}:{PORT}/')"
    )
    reference, spec = await started(bench, ways, code)
    await ways.close_all()
    await former.close()
    again = bench.open()
    bench.opened.reverse()
    assert await again.adopt() == {7: reference}
    ways = ways_of(bench, Names(), addresses=[outside])
    assert await ways.open(7, spec.proxy_socket.parent, Terms(egress=("way",)), ()) == spec.doors
    bench.open_gate()
    assert await bench.answer(reference, spec) == "hello"
    await ways.close_all()
