import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hanse_sandbox.lung import pooled_rows, split
from hanse_sandbox.network import Network, Station

SCRIPT = Path(__file__).parent / "scripts" / "stock_client.py"

pytestmark = [pytest.mark.needs("uv"), pytest.mark.timeout(300)]


@pytest.fixture
def run_script(stock_client: Path) -> Callable[..., Any]:
    def run(action: str, network: Network, *arguments: str) -> Any:
        command = [stock_client, SCRIPT, action, "http://127.0.0.1", str(network.server.port), *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr[-3000:] + ran.stdout[-1000:]
        return json.loads(ran.stdout.splitlines()[-1])

    return run


@pytest.fixture
def network(short_folder: Path) -> Iterator[Network]:
    with Network(short_folder) as network:
        network.server.start()
        yield network


def test_the_stock_client_founds_a_federation_and_gets_the_result_of_a_central_task(
    network: Network, short_folder: Path, run_script: Callable[..., Any]
) -> None:
    founded = run_script("set-up", network, network.server.root_password)
    files = split(short_folder)
    for name, key in founded["api_keys"].items():
        network.stations[name] = Station(name, short_folder, network.server, key, {"default": files[name]})
    for station in network.stations.values():
        station.process.start()
    with network.server.root() as root:
        for name, station in network.stations.items():
            network.wait_online(station, root, f"{name} node")

    answer = run_script("analyse", network, "ada", "Stock-client-1")

    header, rows = pooled_rows()
    ages = [float(row[header.index("age")]) for row in rows]
    assert answer["online"] == ["online"] * 3
    assert answer["status"] == "completed"
    assert answer["subtasks"]
    assert set(answer["subtasks"]) == {"completed"}
    assert answer["runs"] == ["completed"]
    (result,) = answer["results"]
    age = json.loads(result)["numeric"]["age"]  # the stock client gives results as JSON text
    assert age["count"] == 228
    assert age["mean"] == pytest.approx(sum(ages) / len(ages), rel=1e-9)
