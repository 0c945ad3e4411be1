"""One station whose runs are containers: how long it takes to be ready, and what it adds to what the engine takes."""

import os
import shutil
import statistics
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure, seconds
from docker_engine import Engine
from hanse import Client
from hanse_node.docker_settings import Docker
from hanse_node.runtimes.base import RunSpec
from hanse_node.runtimes.docker.containers import Recipe
from hanse_node.runtimes.docker.labels import Labels
from hanse_node.runtimes.docker.networks import Network as RunNetwork
from hanse_sandbox.network import Network
from scratch_image import CHANGES, file_system

BASE, IMAGE = "hanse-bench/base:1", "hanse-bench/trivial:1"
DOCKERFILE = f"""
FROM {BASE}
ENV PYTHONPATH=/usr/local/lib/bench PKG_NAME=trivial
COPY hanse_algorithm /usr/local/lib/bench/hanse_algorithm
COPY trivial.py /usr/local/lib/bench/trivial.py
CMD ["python", "-m", "hanse_algorithm"]
"""
PROGRAM = b"from hanse_algorithm import federated\n\n@federated\ndef one() -> int:\n    return 1\n"
SDK = Path(__file__).parents[1] / "packages/algorithm/src/hanse_algorithm"
IDLE_SECONDS = 20.0


def station() -> list[Figure]:
    """Start to online, one run and ten at once beside the bare engine, and processor time while idle."""
    with _engine() as engine, _network(engine) as (network, client):
        bare = _bare(engine, network.folder)
        single = seconds(lambda: _run(client), times=10, warm_up=2)
        ten = seconds(lambda: _run(client, 10), times=3)
        idle = [_idle_percent(network.stations["alpha"].process.pid) for _ in range(2)]
        online = [_start_to_online(network, client) for _ in range(5)]
    engine_only, one = statistics.median(bare), statistics.median(single)
    added = [1000 * (value - engine_only) for value in single]
    return [
        Figure("node with containers, start to online", "s", online, asked=3),
        Figure("trivial container through the engine's API", "ms", [1000 * value for value in bare]),
        Figure("trivial run, created to result, beyond that", "ms", added, asked=150),
        Figure("ten such runs at once", "s", ten, asked=1.5 * 10 / (os.cpu_count() or 1) * one, yardstick=one),
        Figure("idle node with containers, processor time", "%", idle, asked=1),
    ]


def _bare(engine: Engine, folder: Path) -> list[float]:
    """Time the engine alone, from creating the container to its exit."""
    bare = _Bare(engine, folder)
    try:
        for _ in range(12):
            bare.run()
    finally:
        bare.close()
    return bare.seconds[2:]


@contextmanager
def _engine() -> Iterator[Engine]:
    """Run an engine of our own with a trivial algorithm on our SDK."""
    with Engine() as engine, tempfile.TemporaryDirectory() as folder:
        venv.create(Path(folder, "python"), symlinks=True)
        engine.import_image(BASE, file_system(Path(folder, "python/bin/python")), *CHANGES)
        engine.build(IMAGE, DOCKERFILE, {"hanse_algorithm": SDK, "trivial.py": PROGRAM})
        yield engine


@contextmanager
def _network(engine: Engine) -> Iterator[tuple[Network, Client]]:
    folder = Path(tempfile.mkdtemp(prefix="h"))
    folder.chmod(0o755)
    try:
        with Network(folder) as network:
            network.server.start()
            network.federate(
                {"alpha": {}},
                images={},
                runtime="docker",
                docker=engine.settings(),
                policies={"allowed_algorithms": [IMAGE], "require_algorithm_pull": False},
                limits={"parallel_runs": 10},
            )
            network.start_nodes()
            with network.client() as client:
                yield network, client
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(client: Client, times: int = 1) -> None:
    """Create runs side by side, and wait for all of them."""
    tasks = [
        client.tasks.create(
            collaboration="demo", image=IMAGE, method="one", organizations=["alpha"], arguments={}, databases=[]
        )
        for _ in range(times)
    ]
    for task in tasks:
        client.tasks.wait(task, progress=False)


class _Bare:
    """The engine alone: a container with the flags of a run, on a network that is there already."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        made = engine.ask("POST", "/networks/create", json={"Name": "hanse-bench", "Internal": True})["Id"]
        found = engine.ask("GET", f"/networks/{made}")["IPAM"]["Config"][0]
        self._network = RunNetwork(made, "", found["Gateway"], found["Subnet"])
        self._image = engine.ask("GET", f"/images/{IMAGE}/json")["Id"]
        self._folder = folder / "bare"
        self._folder.mkdir()
        self._folder.chmod(0o777)
        for name, text in (("input", '{"method": "one"}'), ("output", ""), ("token", "t")):
            (self._folder / name).write_text(text)
            (self._folder / name).chmod(0o666)
        self.seconds: list[float] = []

    def run(self) -> None:
        recipe = Recipe(Docker(), Labels("bench", "00000000"), 20_000)
        spec = RunSpec(1, 1, 1, IMAGE, self._image, self._folder, self._folder, self._folder)
        body = recipe.container(spec, self._image, self._network)
        begin = time.perf_counter()
        container = self._engine.ask("POST", "/containers/create", json=body)["Id"]
        self._engine.ask("POST", f"/containers/{container}/start")
        code = self._engine.ask("POST", f"/containers/{container}/wait")["StatusCode"]
        self.seconds.append(time.perf_counter() - begin)
        assert (code, (self._folder / "output").read_text()) == (0, "1"), self._engine.output(container)
        self._engine.ask("DELETE", f"/containers/{container}")

    def close(self) -> None:
        self._engine.ask("DELETE", f"/networks/{self._network.id}")


def _start_to_online(network: Network, client: Client) -> float:
    node = network.stations["alpha"]
    node.process.stop()
    while client.nodes.list(name="alpha")[0].status == "online":
        time.sleep(0.02)
    begin = time.perf_counter()
    node.process.start()
    network.wait_online(node, client)
    return time.perf_counter() - begin


def _idle_percent(pid: int) -> float:
    """Give the share of one processor that a process takes while nothing is asked of it."""
    before = _ticks(pid)
    time.sleep(IDLE_SECONDS)
    return 100 * (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / IDLE_SECONDS


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
