"""Linked services: a real container beside the runs, reached by those that policy gives it to, at its ports only."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import structlog.testing

from docker_engine import OUTSIDE, wait_for
from hanse_node import check_data
from hanse_node.egress.dialling import resolve
from hanse_node.egress.ways import WaysOut
from hanse_node.findings import Problem
from hanse_node.policy.decision import Terms
from hanse_node.runtimes.base import StartFailed
from hanse_node.settings import Settings
from hanse_node.sources import Selection, Sources

INSIDE = "198.19.0.0/16"
"""Addresses of the engine's containers."""
pytestmark = [
    pytest.mark.needs("docker"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE, INSIDE]),
]

CONTAINER, DECLARED, OTHER = "hanse-test-warehouse", 8000, 9000
SERVES = f"""
import http.server, threading
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"from the service")
servers = [http.server.ThreadingHTTPServer(("", port), Answers) for port in ({DECLARED}, {OTHER})]
for server in servers:
    threading.Thread(target=server.serve_forever).start()
print("ready")
"""
ASKS = f"""
import urllib.request
def get(host, port, seconds):
    try:
        return urllib.request.urlopen(f"http://{{host}}:{{port}}/", timeout=seconds).read().decode()
    except OSError:
        return None
result = [get("warehouse", {DECLARED}, 20), get("warehouse", {OTHER}, 0.5), get("ADDRESS", {DECLARED}, 0.5)]
"""


@pytest.fixture(scope="module")
def address(sample_engine: Any) -> Iterator[str]:
    """Address of a service that listens at two ports and declares one of them."""
    config = {
        "Image": "sample",
        "Cmd": ["python", "-c", SERVES],
        "ExposedPorts": {f"{DECLARED}/tcp": {}, "53/udp": {}},
    }
    container = sample_engine.ask("POST", "/containers/create", params={"name": CONTAINER}, json=config)["Id"]
    try:
        sample_engine.ask("POST", f"/containers/{container}/start")
        wait_for("a service that listens", lambda: "ready" in sample_engine.output(container), 30)
        described = sample_engine.ask("GET", f"/containers/{container}/json")
        yield described["NetworkSettings"]["IPAddress"]
    finally:
        sample_engine.ask("DELETE", f"/containers/{container}", params={"force": True})


@pytest.fixture
def bench(in_containers: Any) -> Any:
    in_containers.open()
    return in_containers


@pytest.fixture
async def ways(bench: Any) -> AsyncIterator[WaysOut]:
    runtime = bench.opened[0]
    ways = WaysOut(settings(bench), runtime.networks, resolve, runtime.links)
    yield ways
    await ways.close_all()


def settings(bench: Any, **more: Any) -> Settings:
    services = {"docker_services": {"warehouse": CONTAINER, "gone": "no-such-container"}}
    return Settings.model_validate({**bench.node().model_dump(by_alias=True, exclude_none=True), **services, **more})


async def asked(
    bench: Any, ways: WaysOut, address: str, run_id: int, gives: Sequence[str] = (), selected: Sequence[Selection] = ()
) -> Any:
    spec = await bench.spec(ASKS.replace("ADDRESS", address), run_id=run_id)
    doors = await ways.open(run_id, spec.proxy_socket.parent, Terms(egress=tuple(gives)), selected)
    spec = replace(spec, doors=doors)
    return await bench.answer(await bench.start(spec), spec)


async def test_who_is_given_a_service_reaches_it_at_the_ports_that_it_declares(
    bench: Any, ways: WaysOut, address: str
) -> None:
    assert await asked(bench, ways, address, 7, ["warehouse"]) == ["from the service", None, None]
    assert await asked(bench, ways, address, 8) == [None, None, None]


async def test_a_database_in_it_is_reached_by_who_selects_that(bench: Any, ways: WaysOut, address: str) -> None:
    database = Selection("terms", "sparql", f"http://warehouse:{DECLARED}/sparql", is_path=False)
    assert await asked(bench, ways, address, 7, selected=[database]) == ["from the service", None, None]


async def test_one_that_is_not_there_is_named(bench: Any, ways: WaysOut, address: str) -> None:
    with pytest.raises(StartFailed, match="has no container no-such-container"):
        await ways.open(7, bench.folder, Terms(egress=("gone",)), ())
    with structlog.testing.capture_logs() as told:
        doors = await ways.open(7, bench.folder, Terms(stock_egress=True), ())
    assert [door.host for door in doors] == ["warehouse"]
    assert any("has no container no-such-container" in str(line.get("cause")) for line in told)


async def test_the_beginning_of_an_id_is_no_name(bench: Any, address: str) -> None:
    described = bench.engine.ask("GET", f"/containers/{CONTAINER}/json")
    links = bench.opened[0].links
    assert await links.ports(described["Id"]) == [DECLARED]
    for work in (links.ports(described["Id"][:12]), links.connect(described["Id"][:2], DECLARED)):
        with pytest.raises(StartFailed, match="has no container"):
            await work


async def test_check_says_which_services_are_reached(bench: Any, address: str) -> None:
    services = {"docker_services": {"warehouse": {"container": CONTAINER, "ports": [DECLARED, 1]}}}
    (found,) = await check_data.elsewhere(settings(bench, **services), Sources(()))
    assert found.text.startswith("the service warehouse cannot be reached: warehouse:1 cannot be reached")
    assert found.problem is Problem.DATABASE
    services = {"docker_services": {"warehouse": CONTAINER}}
    (found,) = await check_data.elsewhere(settings(bench, **services), Sources(()))
    assert (found.text, found.ok) == ("reached from here: warehouse", True)
