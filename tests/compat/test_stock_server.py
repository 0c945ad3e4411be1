"""Our node at an unmodified v4 server: it takes the place of a stock node, and gives it back, with one YAML file."""

import csv
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from asking import Asking
from docker_engine import OUTSIDE, Engine
from hanse import Client
from hanse_core.crypto import keys
from hanse_sandbox.lung import split
from hanse_sandbox.network import password
from hanse_sandbox.processes import Process, free_port
from stock_node import ALGORITHM, StockNode, build_images

STATION = "bremen"
WORLDS = ("plain", "encrypted")
"""A collaboration each, with a node of its own."""

pytestmark = [
    pytest.mark.needs("docker", "bwrap", "uv", "python3.10"),
    pytest.mark.timeout(600),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]


class World(Asking):
    """A collaboration of one organization at the stock server, and the two nodes that take turns there."""

    def __init__(self, name: str, server: Any, root: Any, organization: int, engine: Engine, folder: Path) -> None:
        self.name, self.root, self.engine = name, root, engine
        self.key = folder / "key.pem" if name == "encrypted" else None
        self.collaboration = root(
            "POST", "/collaboration", name=name, organization_ids=[organization], encrypted=int(self.key is not None)
        )["id"]
        made = root("POST", "/node", name=name, collaboration_id=self.collaboration, organization_id=organization)
        self.node_id = made["id"]
        data = split(folder)[STATION]
        with data.open() as file:
            self.ages = [float(row["age"]) for row in csv.DictReader(file)]
        self.settings = {
            "api_key": made["api_key"],
            "server_url": f"http://{server.host}",
            "port": server.port,
            "api_path": "/api",
            "databases": [{"label": "default", "uri": str(data), "type": "csv"}],
            "encryption": {"enabled": self.key is not None, "private_key": str(self.key or "")},
            "policies": {"allowed_algorithms": [ALGORITHM], "require_algorithm_pull": False},
        }
        self.docker = engine.settings(images={"consortium/*": {"profile": "v4"}})

    def stand_up(self, stock: StockNode, client: Client, folder: Path) -> None:
        """Take what works on the file of the stock node: that one itself, and ours."""
        self.stock, self.client = stock, client
        told = {"HANSE_NODE_RUNTIME": "docker", "HANSE_NODE_DOCKER": json.dumps(self.docker)}
        told["HANSE_NODE_DIRECTORY"] = str(folder / "ours")
        command = ["node", "start", "--config", str(stock.config), "--name", stock.name]
        self.ours = Process(f"node {self.name}", command, folder / "ours.log", told)

    def log(self) -> str:
        return f"{self.stock.log()}\n{self.ours.last_lines(40)}"

    def wait_for_status(self, status: str) -> None:
        self.wait_for(status, lambda: self.root("GET", f"/node/{self.node_id}")["status"] == status)

    def works(self) -> None:
        """See that the node delivers what is in the rows."""
        answer = self.wait(self.create("partial", STATION, column="age")).result
        assert answer == {"sum": sum(self.ages), "count": len(self.ages)}

    def asks_through_the_proxy(self) -> None:
        """See that a central function makes a subtask, hears of its end and gets what it gave."""
        task = self.create("central", STATION, column="age")
        average = sum(self.ages) / len(self.ages)
        wanted = {"average": pytest.approx(average), "count": len(self.ages), "stations": 1}
        assert self.wait(task).result == wanted
        assert len(list(self.client.tasks.list(parent_id=task.id))) == 1

    def is_killed(self) -> None:
        """See that a kill reaches the container."""
        task = self.create("wait", STATION, seconds=600)
        (run,) = self.runs(task).values()
        self.wait_for("a run at work", lambda: str(self.client.runs.get(run.id).status) == "active")
        assert self.engine.containers(f"eu.hanse.run={run.id}")
        self.root("POST", "/kill/task", id=task.id)
        self.wait_for("no container", lambda: not self.engine.containers(f"eu.hanse.run={run.id}"))
        assert str(self.client.runs.get(run.id).status) == "killed by user"


@pytest.fixture(scope="module")
def worlds(
    docker_engine: Engine,
    module_folder: Path,
    environment: Callable[..., Path],
    python310: str,
    stock_server: Callable[..., Any],
    rest: Callable[[str], Any],
) -> Iterator[dict[str, World]]:
    python, base = build_images(docker_engine, environment, python310)
    uri = f"sqlite:///{module_folder / 'server.sqlite'}"
    server = stock_server(module_folder / "server", uri, free_port(), ip=docker_engine.gateway)
    server.start()
    made: dict[str, World] = {}
    try:
        root = rest(server.url)
        root.log_in("root", "root")
        organization = root("POST", "/organization", name=STATION)["id"]
        roles = [role["id"] for role in root("GET", "/role", per_page=50)["data"] if role["name"] == "Researcher"]
        secret = password()
        root("POST", "/user", username="ada", password=secret, firstname="", lastname="", roles=roles, rules=[],
             email="ada@example.org", organization_id=organization)  # fmt: skip
        for name in WORLDS:
            folder = module_folder / name
            folder.mkdir()
            world = World(name, server, root, organization, docker_engine, folder)
            if world.key is not None:
                world.key.write_bytes(keys.private_to_pem(keys.generate()))
            stock = StockNode(docker_engine, python, base, folder, name, **world.settings)
            world.stand_up(stock, Client(server.url.removesuffix("/api"), "ada", secret), folder)
            made[name] = world
        yield made
    finally:
        for world in made.values():
            world.ours.stop()
            if world.stock.is_there:
                world.stock.stop()
            world.client.close()
        server.stop()
    assert docker_engine.of_nodes() == {}


def test_our_node_takes_the_place_of_a_stock_node_and_gives_it_back(worlds: dict[str, World]) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(there_and_back, worlds.values()))


def there_and_back(world: World) -> None:
    before = world.stock.config.read_bytes()
    world.stock.start()
    world.wait_for_status("online")
    if world.key is not None:
        world.client.setup_encryption(world.key)
    world.works()
    world.stock.stop()

    world.wait_for_status("offline")
    world.ours.start()
    world.wait_for_status("online")
    world.works()
    world.asks_through_the_proxy()
    world.is_killed()
    world.ours.stop()

    world.wait_for_status("offline")
    world.stock.start()
    world.wait_for_status("online")
    world.works()
    assert world.stock.config.read_bytes() == before
