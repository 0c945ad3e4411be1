"""Three of our nodes on one Docker engine: images on the unmodified v4 tools and on our SDK, central and partial."""

import csv
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import socketio

from asking import SECONDS, Asking
from docker_engine import OUTSIDE, Engine
from hanse import Client, TaskFailed
from hanse_core.crypto import keys
from hanse_core.events import RUN_STATUS_CHANGED
from hanse_core.protocol import NAMESPACE
from hanse_sandbox.lung import STATIONS, pooled_rows, split
from hanse_sandbox.network import Network
from stock_node import ALGORITHM as STOCK
from stock_node import build_images

OURS = "hanse/summary:1"
QUIET = "consortium/quiet:1"
"""The stock image under another name, whose logs stay at the station."""
ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).parent / "scripts" / "stock_task.py"
OUR_IMAGE = """
FROM {base}
COPY hanse_algorithm /usr/local/lib/python3.10/hanse_algorithm
COPY hanse_summary /usr/local/lib/python3.10/hanse_summary
ENV PKG_NAME=hanse_summary
CMD ["python", "-m", "hanse_algorithm"]
"""
NAMES = [station.name for station in STATIONS]

pytestmark = [
    pytest.mark.needs("docker", "uv", "python3.10"),
    pytest.mark.timeout(600),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]
either = pytest.mark.parametrize("federation", ["plain", "encrypted"], indirect=True)
plain = pytest.mark.parametrize("federation", ["plain"], indirect=True)
with_blobs = pytest.mark.parametrize("federation", ["encrypted with blobs"], indirect=True)


@pytest.fixture(scope="module")
def engine(docker_engine: Engine, environment: Callable[..., Path], python310: str) -> Engine:
    """The engine, with both images."""
    _, base = build_images(docker_engine, environment, python310)
    sources = {
        "hanse_algorithm": ROOT / "packages/algorithm/src/hanse_algorithm",
        "hanse_summary": ROOT / "algorithms/summary/src/hanse_summary",
    }
    docker_engine.build(OURS, OUR_IMAGE.format(base=base), sources)
    repository, tag = QUIET.split(":")
    docker_engine.ask("POST", f"/images/{STOCK}/tag", params={"repo": repository, "tag": tag})
    return docker_engine


class Federation(Asking):
    """A server and three nodes, each a process of its own on this machine; their runs are containers."""

    def __init__(self, network: Network, engine: Engine, folder: Path, *, encrypted: bool, blobs: bool) -> None:
        if blobs:
            network.server.configure(large_result_store={"type": "files", "folder": str(folder / "blobs")})
        self.network, self.engine = network, engine
        self.keys = {name: folder / f"{name}.pem" for name in NAMES} if encrypted else None
        for path in (self.keys or {}).values():
            path.write_bytes(keys.private_to_pem(keys.generate()))
        network.server.start()
        network.federate(
            {name: {"default": path} for name, path in split(folder).items()},
            keys=self.keys,
            images={},
            runtime="docker",
            docker=engine.settings(images={"consortium/*": {"profile": "v4"}}),
            policies={
                "allowed_algorithms": [STOCK, OURS, QUIET],
                "require_algorithm_pull": False,
                "per_image": [{"images": QUIET, "share_logs": False}],
            },
        )
        network.start_nodes()
        self.client: Client = network.client()
        if self.keys:
            self.client.setup_encryption(self.keys[NAMES[0]])

    def log(self) -> str:
        return "\n".join(station.process.last_lines(30) for station in self.network.stations.values())

    def containers(self) -> list[int]:
        return sorted(int(found["Labels"]["eu.hanse.run"]) for found in self.engine.containers("eu.hanse.run"))


@pytest.fixture(scope="module")
def federation(request: pytest.FixtureRequest, engine: Engine, module_folder: Path) -> Iterator[Federation]:
    folder = module_folder / request.param.replace(" ", "-")
    folder.mkdir()
    with Network(folder) as network:
        words = request.param.split()
        federation = Federation(network, engine, folder, encrypted="encrypted" in words, blobs="blobs" in words)
        yield federation
        federation.client.close()
    # The nodes have ended: nothing of theirs is left at the engine that they shared.
    assert engine.of_nodes() == {}


def ages() -> dict[str, list[float]]:
    header, rows = pooled_rows()
    where, age = header.index("inst"), header.index("age")
    return {station.name: [float(row[age]) for row in rows if station.holds(row[where])] for station in STATIONS}


def partials() -> list[dict[str, Any]]:
    return [{"sum": sum(values), "count": len(values)} for values in ages().values()]


@either
def test_a_central_function_on_the_stock_tools_asks_all_stations(federation: Federation) -> None:
    values = [value for held in ages().values() for value in held]
    answer = federation.wait(federation.create("central", "hamburg", column="age")).result
    assert answer == {"average": pytest.approx(sum(values) / len(values)), "count": 228, "stations": 3}


@either
def test_partial_functions_are_read_and_asked_by_both_clients(federation: Federation, stock_client: Path) -> None:
    task = federation.create("partial", column="age")
    answers = federation.wait(task)
    assert answers.by_organization == dict(zip(NAMES, partials(), strict=True))
    network = federation.network
    who = ["http://127.0.0.1", str(network.server.port), network.researcher, network.researcher_password]
    key = str(federation.keys[NAMES[0]]) if federation.keys else ""

    command = [stock_client, SCRIPT, *who, key, STOCK, str(task.id)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=2 * SECONDS)

    assert ran.returncode == 0, ran.stderr[-3000:] + ran.stdout[-1000:] + federation.log()
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["status"] == "completed"
    for given in (told["there"], told["own"]):
        assert sorted(given, key=str) == sorted(partials(), key=str)


@either
def test_an_image_with_our_sdk_runs_without_any_privilege(federation: Federation) -> None:
    answer = federation.wait(federation.create("summary", "luebeck", image=OURS, columns=["age"])).result
    held = [value for values in ages().values() for value in values]
    assert answer["numeric"]["age"]["mean"] == pytest.approx(sum(held) / len(held))


@plain
def test_a_row_in_a_crash_reaches_nobody_but_the_station_and_its_cause_does(federation: Federation) -> None:
    network = federation.network
    station, row = network.stations["hamburg"], row_of("hamburg", network.folder)
    with socketio.SimpleClient() as ears:
        ears.connect(network.server.url, headers=authorization(network), namespace=NAMESPACE)
        quiet, told = crashed(federation, QUIET)
        stored = [path.read_bytes() for path in network.folder.glob("server.*")]
        kept = station.directory / "logs" / f"run-{quiet}.log"
        node = [path for path in station.directory.rglob("*") if path.is_file() and path != kept]
        told_here = [path.read_bytes() for path in (*node, station.process.log)]
        shared, shown = crashed(federation, STOCK)
        heard = []
        while not (
            heard
            and heard[-1][0] == RUN_STATUS_CHANGED
            and heard[-1][1].get("run_id") == shared
            and heard[-1][1].get("status") == "crashed"
        ):
            heard.append(ears.receive(SECONDS))

    assert row.encode() not in b"".join([*stored, *told_here])
    assert row not in told
    assert "the algorithm ended with exit code 1" in told
    assert "kind of error: KeyError" in told
    assert {entry[1].get("run_id") for entry in heard if row in json.dumps(entry)} <= {shared}
    assert quiet in {entry[1].get("run_id") for entry in heard if entry[0] == RUN_STATUS_CHANGED}
    assert row in kept.read_text()
    assert row in shown
    assert b"event=weak_setting key=share_algorithm_logs" in (station.directory / "node.log").read_bytes()


def row_of(station: str, folder: Path) -> str:
    """Give what `trips` says of the first row of a station."""
    with (folder / f"{station}.csv").open() as file:
        first = next(csv.DictReader(file))
    return f"PATIENT-{first['time']}-{first['age']}"


def authorization(network: Network) -> dict[str, str]:
    body = {"username": network.researcher, "password": network.researcher_password}
    token = httpx.post(f"{network.server.url}/api/token/user", json=body).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def crashed(federation: Federation, image: str) -> tuple[int, str]:
    """Let `trips` crash under an image; give its run, and all that the researcher is told."""
    task = federation.create("trips", "hamburg", image=image)
    with pytest.raises(TaskFailed) as failure:
        federation.client.tasks.wait(task, timeout=SECONDS, progress=False)
    (run,) = federation.runs(task).values()
    return run.id, f"{failure.value}\n{run.log}"


@plain
def test_a_killed_task_takes_its_containers_with_it(federation: Federation) -> None:
    task = federation.create("wait", seconds=600)
    federation.wait_for("three containers", lambda: len(federation.containers()) == 3)

    with federation.network.server.root() as root:
        root.tasks.kill(task)

    federation.wait_for("no containers", lambda: federation.containers() == [])
    assert {str(run.status) for run in federation.runs(task).values()} == {"killed by user"}


@plain
def test_a_node_that_is_killed_finds_its_run_again_and_delivers_it_once(federation: Federation) -> None:
    task = federation.create("central", "bremen", column="age")
    (run,) = federation.runs(task).values()
    federation.wait_for("a container", lambda: run.id in federation.containers())
    station = federation.network.stations["bremen"]

    station.process.kill()
    station.process.start()

    assert federation.wait(task).result["stations"] == 3, federation.log()
    federation.wait_for("no containers", lambda: federation.containers() == [])
    command = [*station.process._arguments[:3], "node", "journal", "--json", "--config", str(station.config)]
    lines = subprocess.check_output([*command, "--name", "bremen"], text=True).splitlines()
    events = [line["event"] for line in map(json.loads, lines) if line["run_id"] == run.id]
    assert events.count("delivered") == 1


@with_blobs
@pytest.mark.parametrize(
    ("image", "method", "arguments"), [(STOCK, "central", {"column": "age"}), (OURS, "summary", {"columns": ["age"]})]
)
def test_subtasks_and_results_go_through_the_blob_store_of_the_server(
    federation: Federation, image: str, method: str, arguments: dict[str, Any]
) -> None:
    task = federation.create(method, "hamburg", image=image, **arguments)
    answer = federation.wait(task).result
    held = [value for values in ages().values() for value in values]
    mean = answer["average"] if image == STOCK else answer["numeric"]["age"]["mean"]
    assert mean == pytest.approx(sum(held) / len(held))
    subtasks = list(federation.client.tasks.list(parent_id=task.id))
    runs = [run for each in (task, *subtasks) for run in federation.runs(each).values()]
    assert [run.blob_storage_used for run in runs] == [True] * (1 + len(subtasks) * len(NAMES))
    assert subtasks
