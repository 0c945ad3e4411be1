"""A federation of one server and three nodes, as its users see it."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, bare_python, seconds
from hanse_sandbox.lung import split
from hanse_sandbox.network import Network

CENTRAL: dict[str, Any] = {
    "collaboration": "demo",
    "organizations": ["hamburg"],
    "image": "hanse/summary",
    "method": "summary",
    "arguments": {"columns": ["sex"], "categorical": ["sex"]},
    "databases": ["default"],
    "progress": False,
}
"""A central function with one round of three partials, each reading its CSV file with pandas."""


@contextmanager
def _network() -> Iterator[Network]:
    folder = Path(tempfile.mkdtemp(prefix="h"))
    try:
        with Network(folder) as network:
            network.server.start()
            network.federate({name: {"default": path} for name, path in split(folder).items()})
            network.start_nodes()
            yield network
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tasks() -> list[Figure]:
    """User-visible time of tasks through the process runtime; memory of idle processes."""
    with _network() as network, network.client() as client:
        idle = [_megabytes(station.process.pid) for station in network.stations.values()]
        server = [_megabytes(network.server.process.pid)]
        central = seconds(lambda: client.tasks.run(**CENTRAL), times=15, warm_up=2)
        partial = {**CENTRAL, "method": "totals"}
        single = seconds(lambda: client.tasks.run(**partial), times=15, warm_up=2)
        after = [_megabytes(station.process.pid) for station in network.stations.values()]
    pandas = bare_python("import pandas")
    return [
        Figure("central + three partials, process runtime", "s", central, asked=1.5, yardstick=pandas),
        Figure("one partial, process runtime", "s", single, yardstick=pandas),
        Figure("idle node, resident memory", "MB", idle, asked=60),
        Figure("node after these tasks, resident memory", "MB", after),
        Figure("idle server, resident memory", "MB", server),
    ]


def demo() -> list[Figure]:
    """The whole demo as a newcomer runs it: `make demo` in a clean clone with empty caches, then again and again."""
    folder = Path(tempfile.mkdtemp(prefix="h"))
    environment = {**os.environ, "HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "home/.cache")}
    for name in ("UV", "UV_CACHE_DIR", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)

    def run() -> None:
        make = ["make", "--silent", "demo", "DEMO=--json"]
        ran = subprocess.run(make, cwd=folder / "clone", env=environment, check=True, capture_output=True, timeout=300)
        assert json.loads(ran.stdout.splitlines()[-1])["equal"]

    try:
        subprocess.run(["git", "clone", "--quiet", ".", folder / "clone"], check=True, timeout=60)
        first = seconds(run, times=1, warm_up=0)
        again = seconds(run, times=5, warm_up=0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [
        Figure("demo from a clean clone", "s", first, asked=120),
        Figure("demo, second time", "s", again, asked=15),
    ]


def _megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
