"""A mixed fleet, encrypted: two unmodified v4 nodes and two of ours in one collaboration, on one Docker engine."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from asking import Asking
from docker_engine import OUTSIDE, Engine
from hanse_core.crypto import keys
from hanse_sandbox.lung import Station, pooled_rows, split
from hanse_sandbox.network import Network
from stock_node import ALGORITHM, StockNode, build_images

STATIONS = (
    Station("bremen", range(1, 6)),
    Station("hamburg", range(6, 12)),
    Station("kiel", range(12, 16)),
    Station("luebeck", range(16, 34), takes_unknown=True),
)
NAMES = [station.name for station in STATIONS]
STOCK, OURS = ("bremen", "hamburg"), ("kiel", "luebeck")
LARGE = 100_000_000
"""Bytes of a large result."""

pytestmark = [
    pytest.mark.needs("docker", "bwrap", "uv", "python3.10"),
    pytest.mark.timeout(600),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]


class Fleet(Asking):
    """Our server; at two of its four stations the stock node takes the place of ours, with the same API key and key."""

    def __init__(self, network: Network, engine: Engine, folder: Path, python: Path, base: str) -> None:
        self.network, self.engine = network, engine
        self.keys = {name: folder / f"{name}.pem" for name in NAMES}
        for path in self.keys.values():
            path.write_bytes(keys.private_to_pem(keys.generate()))
        data = split(folder, STATIONS)
        network.server.configure(ip=engine.gateway)
        network.server.start()
        policies = {"allowed_algorithms": [ALGORITHM], "require_algorithm_pull": False}
        network.federate(
            {name: {"default": path} for name, path in data.items()},
            keys=self.keys,
            images={},
            runtime="docker",
            docker=engine.settings(images={"consortium/*": {"profile": "v4"}}),
            server_url=f"http://{engine.gateway}",
            policies=policies,
        )
        self.stock = {
            name: StockNode(
                engine,
                python,
                base,
                folder,
                name,
                api_key=(network.stations.pop(name).directory / "api-key").read_text(),
                server_url=f"http://{engine.gateway}",
                port=network.server.port,
                api_path="/api",
                databases=[{"label": "default", "uri": str(data[name]), "type": "csv"}],
                encryption={"enabled": True, "private_key": str(self.keys[name])},
                policies=policies,
            )
            for name in STOCK
        }
        self.root = network.server.root()
        self.client = network.client()

    def start(self) -> None:
        with ThreadPoolExecutor() as pool:
            starting = [pool.submit(node.start) for node in self.stock.values()]
            self.network.start_nodes()
            for each in starting:
                each.result()
        self.wait_for("all nodes online", lambda: {node.status for node in self.root.nodes.list()} == {"online"})
        self.client.setup_encryption(self.keys["bremen"])

    def stop(self) -> None:
        with ThreadPoolExecutor() as pool:  # each takes its ten seconds
            list(pool.map(StockNode.stop, [node for node in self.stock.values() if node.is_there]))
        self.client.close()
        self.root.close()

    def log(self) -> str:
        ours = [station.process.last_lines(30) for station in self.network.stations.values()]
        stock = [node.log() for node in self.stock.values()]
        return "\n".join([*ours, *stock, self.network.server.process.last_lines(40)])

    def statuses(self, task: Any) -> dict[str, str]:
        return {name: str(run.status) for name, run in self.runs(task).items()}

    def run_ids(self, *tasks: Any) -> list[int]:
        return [run.id for task in tasks for run in self.runs(task).values()]

    def subtask_that_waits(self, task: Any) -> Any:
        """Wait until the subtask of a task runs everywhere and has told so: a stock node kills nothing before."""
        (subtask,) = self.wait_for("a subtask", lambda: list(self.client.tasks.list(parent_id=task.id)))
        self.wait_for(
            "runs with a log",
            lambda: all("waiting for" in (run.log or "") for run in self.runs(subtask).values()),
        )
        return subtask

    def containers(self) -> list[int]:
        """Give the runs that have a container, of nodes of both kinds."""
        ours = [int(found["Labels"]["eu.hanse.run"]) for found in self.engine.containers("eu.hanse.run")]
        return sorted(ours + [run for node in self.stock.values() for run in node.runs()])


@pytest.fixture(scope="module")
def fleet(
    docker_engine: Engine, module_folder: Path, environment: Callable[..., Path], python310: str
) -> Iterator[Fleet]:
    python, base = build_images(docker_engine, environment, python310)
    with Network(module_folder) as network:
        fleet = Fleet(network, docker_engine, module_folder, python, base)
        try:
            fleet.start()
            yield fleet
        finally:
            fleet.stop()


def test_central_functions_on_either_kind_ask_both_kinds(fleet: Fleet) -> None:
    header, rows = pooled_rows()
    ages = [float(row[header.index("age")]) for row in rows]
    tasks = [fleet.create("central", station, column="age") for station in (STOCK[1], OURS[1])]

    answers = [fleet.wait(task).result for task in tasks]

    wanted = {"average": pytest.approx(sum(ages) / len(ages)), "count": len(ages), "stations": len(NAMES)}
    assert answers == [wanted, wanted]
    for task in tasks:
        (subtask,) = fleet.client.tasks.list(parent_id=task.id)
        assert fleet.statuses(subtask) == dict.fromkeys(NAMES, "completed")
    fleet.wait_for("no containers", lambda: not fleet.containers())


def test_a_killed_tree_takes_its_containers_with_it_at_both_kinds_and_no_others(fleet: Fleet) -> None:
    trees = {station: fleet.create("wait_everywhere", station, seconds=600) for station in (STOCK[1], OURS[1])}
    subtasks = {station: fleet.subtask_that_waits(task) for station, task in trees.items()}
    left = {name: fleet.run_ids(trees[name], subtasks[name]) for name in trees}
    assert fleet.containers() == sorted(chain(*left.values()))

    for station, task in trees.items():
        fleet.root.tasks.kill(task)

        del left[station]
        fleet.wait_for("only the other tree", lambda: fleet.containers() == sorted(chain(*left.values())))
        assert fleet.statuses(task) == {station: "killed by user"}
        assert fleet.statuses(subtasks[station]) == dict.fromkeys(NAMES, "killed by user")


def test_a_large_result_comes_from_either_kind(fleet: Fleet) -> None:
    task = fleet.create("large", STOCK[1], OURS[1], size=LARGE, seed=7)

    answers = fleet.wait(task).by_organization

    wanted = random.Random(7).randbytes(LARGE // 2).hex()
    assert len(wanted) == LARGE
    assert {name: answer == wanted for name, answer in answers.items()} == {STOCK[1]: True, OURS[1]: True}
