"""The unmodified v4 node at our server, on a real Docker engine, with an algorithm on the unmodified v4 tools."""

import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from asking import SECONDS, Asking
from docker_engine import OUTSIDE, Engine
from hanse import Client
from hanse_core.crypto import keys
from hanse_sandbox.lung import STATIONS as PARTS_OF_THE_TRIAL
from hanse_sandbox.lung import pooled_rows, split
from hanse_sandbox.network import Server, password
from stock_node import ALGORITHM, StockNode, build_images

SCRIPT = Path(__file__).parent / "scripts" / "stock_task.py"
STATIONS = ("bremen", "hamburg")

every_federation = pytest.mark.parametrize("federation", ["4.15.2", "4.15.2 encrypted", "4.14.0"], indirect=True)
one_federation = pytest.mark.parametrize("federation", ["4.15.2"], indirect=True)

pytestmark = [
    pytest.mark.needs("docker", "bwrap", "uv", "python3.10"),
    pytest.mark.timeout(600),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]


class Federation(Asking):
    """Our server, and a stock node at each of two organizations."""

    def __init__(
        self, engine: Engine, folder: Path, python: Path, base: str, *, is_encrypted: bool, **settings: Any
    ) -> None:
        self.settings = settings
        self.server = Server(folder, ip=engine.gateway)
        self.server.start()
        self.root = self.server.root()
        self.keys = {name: folder / f"{name}.pem" for name in STATIONS} if is_encrypted else {}
        for path in self.keys.values():
            path.write_bytes(keys.private_to_pem(keys.generate()))
        self.nodes = dict(self._stations(engine, folder, python, base))
        self.password = password()
        ours = self.root.organizations.list(name=STATIONS[0])[0].id
        self.root.users.create(
            "ada", self.password, "ada@example.org", organization_id=ours, roles=["Researcher", "Collaboration Admin"]
        )
        self.client = Client(self.server.url, "ada", self.password)

    def _stations(self, engine: Engine, folder: Path, python: Path, base: str) -> Iterator[tuple[str, StockNode]]:
        data = split(folder)
        organizations = {name: self.root.organizations.create(name).id for name in STATIONS}
        members = list(organizations.values())
        self.collaboration = self.root.collaborations.create("lung", members, encrypted=bool(self.keys)).id
        for name, organization in organizations.items():
            node = self.root.nodes.create(self.collaboration, organization_id=organization, name=name)
            settings = {
                "api_key": node.api_key,
                "server_url": f"http://{engine.gateway}",
                "port": self.server.port,
                "api_path": "/api",
                "databases": [{"label": "default", "uri": str(data[name]), "type": "csv"}],
                "encryption": {"enabled": bool(self.keys), "private_key": str(self.keys.get(name, ""))},
                "policies": {"allowed_algorithms": [ALGORITHM], "require_algorithm_pull": False},
                **self.settings,
            }
            yield name, StockNode(engine, python, base, folder, name, **settings)

    def start(self) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(StockNode.start, self.nodes.values()))
        self.wait_online()
        if self.keys:
            self.client.setup_encryption(self.keys[STATIONS[0]])

    def stop(self) -> None:
        running = [node for node in self.nodes.values() if node.is_there]
        with ThreadPoolExecutor() as pool:  # each takes its ten seconds
            list(pool.map(StockNode.stop, running))
        self.client.close()
        self.root.close()
        self.server.process.stop()

    def log(self) -> str:
        return "\n".join([*(node.log() for node in self.nodes.values()), self.server.process.last_lines(40)])

    def statuses(self) -> dict[str, str | None]:
        return {node.name: node.status for node in self.root.nodes.list()}

    def wait_online(self) -> None:
        self.wait_for("nodes online", lambda: set(self.statuses().values()) == {"online"})

    def wait_running(self, task: Any, *stations: str) -> None:
        """Wait until the algorithm runs and has told so."""

        def are_running() -> bool:
            runs = [run for name, run in self.runs(task).items() if name in stations]
            return all(str(run.status) == "active" and "waiting for" in (run.log or "") for run in runs)

        self.wait_for("runs with a log", are_running)


def pulled_before_vpn(engine: Engine) -> dict[str, str]:
    """Put into the registry what 4.14 pulls although there is no VPN; without it, it ends."""
    name = f"{engine.registry}/nothing:1"
    engine.build(name, "FROM scratch\nCOPY nothing /", {"nothing": b""})
    engine.push(name)
    return dict.fromkeys(("alpine", "vpn_client", "network_config"), name)


@pytest.fixture(scope="module")
def federation(
    request: pytest.FixtureRequest,
    docker_engine: Engine,
    module_folder: Path,
    environment: Callable[..., Path],
    python310: str,
) -> Iterator[Federation]:
    version, _, encrypted = request.param.partition(" ")
    python, base = build_images(docker_engine, environment, python310, version)
    folder = module_folder / request.param.replace(" ", "-")
    folder.mkdir()
    settings = {"images": pulled_before_vpn(docker_engine)} if version.startswith("4.14") else {}
    federation = Federation(docker_engine, folder, python, base, is_encrypted=bool(encrypted), **settings)
    try:
        federation.start()
        yield federation
    finally:
        federation.stop()


def average(column: str = "age") -> dict[str, Any]:
    """Compute the answer of `central` from the rows themselves."""
    values = [float(row[column]) for name in STATIONS for row in rows(name)]
    return {"average": pytest.approx(sum(values) / len(values)), "count": len(values), "stations": len(STATIONS)}


def partial(column: str = "age") -> list[dict[str, Any]]:
    """Compute the answers of `partial` from the rows themselves."""
    columns = [[float(row[column]) for row in rows(name)] for name in STATIONS]
    return [{"sum": sum(values), "count": len(values)} for values in columns]


def rows(station: str) -> list[dict[str, str]]:
    """Give the patients of a station."""
    header, patients = pooled_rows()
    held = next(held for held in PARTS_OF_THE_TRIAL if held.name == station)
    return [row for row in (dict(zip(header, each, strict=True)) for each in patients) if held.holds(row["inst"])]


@every_federation
def test_a_partial_task_gives_what_both_stations_have(federation: Federation) -> None:
    task = federation.create("partial", column="age")
    assert str(task.status) == "pending"

    answers = federation.wait(task)

    assert answers.by_organization == dict(zip(STATIONS, partial(), strict=True))
    for run in federation.runs(task).values():
        assert str(run.status) == "completed"
        assert run.started_at
        assert run.finished_at
        assert run.assigned_at <= run.started_at <= run.finished_at
    assert str(federation.client.tasks.get(task.id).status) == "completed"


@every_federation
def test_a_central_task_makes_subtasks_through_the_proxy_of_the_node(federation: Federation) -> None:
    task = federation.create("central", "hamburg", column="age")

    assert federation.wait(task).result == average()

    (subtask,) = federation.client.tasks.list(parent_id=task.id)
    assert {name: str(run.status) for name, run in federation.runs(subtask).items()} == dict.fromkeys(
        STATIONS, "completed"
    )
    assert "asking 2 organizations" in (federation.runs(task)["hamburg"].log or "")
    # As soon as both tasks are done, nothing of them is left at the engine.
    federation.wait_for("no containers", lambda: not any(node.runs() for node in federation.nodes.values()))


@every_federation
def test_the_stock_client_reads_what_our_client_asked_and_asks_itself(
    federation: Federation, stock_client: Path
) -> None:
    task = federation.create("partial", column="age")
    federation.wait(task)
    who = [f"http://{federation.server.host}", str(federation.server.port), "ada", federation.password]
    key = str(federation.keys.get(STATIONS[0], ""))

    command = [stock_client, SCRIPT, *who, key, ALGORITHM, str(task.id)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=2 * SECONDS)

    assert ran.returncode == 0, ran.stderr[-3000:] + ran.stdout[-1000:] + federation.log()
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["status"] == "completed"
    for given in (told["there"], told["own"]):
        assert sorted(given, key=str) == sorted(partial(), key=str)


@one_federation
def test_a_killed_task_ends_at_once_and_its_containers_with_it(federation: Federation) -> None:
    task = federation.create("wait", seconds=600)
    federation.wait_running(task, *STATIONS)
    assert str(federation.client.tasks.get(task.id).status) == "active"
    ids = {name: [run.id] for name, run in federation.runs(task).items()}
    assert {name: node.runs() for name, node in federation.nodes.items()} == ids

    federation.client.tasks.kill(task)

    assert {str(run.status) for run in federation.runs(task).values()} == {"killed by user"}
    assert str(federation.client.tasks.get(task.id).status) == "killed by user"
    federation.wait_for("no containers", lambda: not any(node.runs() for node in federation.nodes.values()))
    for run in federation.runs(task).values():  # and what the nodes report afterwards changes nothing
        assert str(run.status) == "killed by user"
        assert "waiting for" in (run.log or "")


@one_federation
def test_all_that_runs_at_one_node_is_killed_and_nothing_elsewhere(federation: Federation) -> None:
    task = federation.create("wait", seconds=600)
    federation.wait_running(task, *STATIONS)
    (bremen,) = federation.root.nodes.list(name="bremen")

    federation.root.nodes.kill_tasks(bremen.id)

    federation.wait_for("no container in Bremen", lambda: not federation.nodes["bremen"].runs())
    runs = federation.runs(task)
    assert str(runs["bremen"].status) == "killed by user"
    assert str(runs["hamburg"].status) == "active"
    assert federation.nodes["hamburg"].runs() == [runs["hamburg"].id]
    federation.client.tasks.kill(task)
    federation.wait_for("no container in Hamburg", lambda: not federation.nodes["hamburg"].runs())


@one_federation
def test_nodes_come_back_after_a_restart_of_the_server_and_do_what_they_missed(federation: Federation) -> None:
    federation.server.process.stop()
    federation.server.start()
    task = federation.create("partial", column="age")

    assert federation.wait(task).by_organization == dict(zip(STATIONS, partial(), strict=True))
    federation.wait_online()


@one_federation
def test_a_stopped_node_is_offline_and_the_other_one_is_not(federation: Federation) -> None:
    federation.wait(federation.create("partial", column="age"))
    node = federation.nodes["bremen"]

    node.stop()
    try:
        federation.wait_for("Bremen offline", lambda: federation.statuses()["bremen"] == "offline")
        assert federation.statuses()["hamburg"] == "online"
        assert not node.is_there
        assert node.runs() == []
    finally:
        node.start()
        federation.wait_online()
