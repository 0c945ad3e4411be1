"""The unmodified v4 node, started and stopped as its operators do: by its own command, as a container."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from docker_engine import Engine
from scratch_image import CHANGES, file_system

ALGORITHM = "consortium/average:1"
"""Image of the package in `tests/compat/stock-average`, on the unmodified v4 tools."""
ALGORITHM_DOCKERFILE = """
FROM {base}
COPY stock_average /usr/local/lib/python3.10/stock_average
ENV PKG_NAME=stock_average
CMD python -c "from vantage6.algorithm.tools.wrap import wrap_algorithm; wrap_algorithm()"
"""
PACKAGE = Path(__file__).parents[1] / "compat" / "stock-average" / "stock_average"
IMAGE = "hanse-test/stock-node"
DOCKERFILE = """
FROM {base}
ENV PROXY_SERVER_PORT=80
COPY vnode-local /usr/local/bin/vnode-local
"""
PROGRAM = b"""#!/bin/sh
exec python -c 'from vantage6.node.cli.node import cli_node; cli_node()' "$@"
"""
LOGGING = {
    "level": "DEBUG",
    "file": "node.log",
    "use_console": True,
    "backup_count": 5,
    "max_size": 1024,
    "format": "%(asctime)s %(name)s %(levelname)s %(message)s",
    "datefmt": "%H:%M:%S",
    "loggers": [{"name": name, "level": "warning"} for name in ("urllib3", "requests", "engineio.client", "docker")],
}


def build_images(
    engine: Engine, environment: Callable[..., Path], python310: str, version: str = "4.15.2"
) -> tuple[Path, str]:
    """Build the algorithm on the tools of a version; gives the Python with its node, and the image of that one's files.

    `environment` and `python310` are the fixtures.
    """
    packages = (f"vantage6-node=={version}", f"vantage6-algorithm-tools=={version}", "flask==3.1.3", "setuptools<80")
    python, base = environment(*packages, python=python310), f"hanse-test/stock:{version}"
    engine.import_image(base, file_system(python), *CHANGES)
    engine.build(ALGORITHM, ALGORITHM_DOCKERFILE.format(base=base), {"stock_average": PACKAGE})
    return python, base


def _outside_of_containers() -> list[str]:
    """Give the beginning of a command that sees this machine without the mark that containers have at their root.

    Stock programs look for their files elsewhere where they see it, and continuous integration often has it.
    """
    words = ["bwrap", "--die-with-parent"]
    for entry in sorted(Path("/").iterdir()):
        if entry.is_symlink():
            words += ["--symlink", str(entry.readlink()), str(entry)]
        elif entry.is_dir():
            words += ["--dev-bind", str(entry), str(entry)]
    return [*words, "--"]


class StockNode:
    """A node of one version; `python` is of the environment that has it, `base` the image of its file system."""

    def __init__(self, engine: Engine, python: Path, base: str, home: Path, name: str, **settings: Any) -> None:
        self.engine, self.name = engine, name
        self.container = f"vantage6-{name}-user"
        self._image = f"{IMAGE}:{base.partition(':')[2]}"
        self._log = home / ".cache" / "vantage6" / "log" / "node" / name / "node_user.log"
        self._program = python.parent / "v6"
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        self._environment |= {"HOME": str(home), "DOCKER_HOST": engine.address}
        engine.build(self._image, DOCKERFILE.format(base=base), {"vnode-local": PROGRAM})
        self.config = home / ".config" / "vantage6" / "node" / f"{name}.yaml"
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(yaml.safe_dump({"task_dir": "", "logging": LOGGING, **settings}))

    def _command(self, *words: str) -> None:
        command = [*_outside_of_containers(), self._program, "node", *words, "--name", self.name, "--user"]
        ran = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def start(self) -> None:
        """Start it (`v6 node start`); it is not ready yet."""
        self._command("start", "--image", self._image)

    def stop(self) -> None:
        """Stop it, and remove what its command removes (`v6 node stop`)."""
        self._command("stop")

    @property
    def is_there(self) -> bool:
        """Tell whether it has a container, running or not."""
        return bool(self.engine.containers("vantage6-type=node", f"name={self.name}"))

    def runs(self) -> list[int]:
        """Give the runs that have a container of this node."""
        found = self.engine.containers("vantage6-type=algorithm", f"node={self.name}")
        return sorted(int(container["Labels"]["run_id"]) for container in found)

    def log(self) -> str:
        """Give the end of its log, which outlives its container."""
        text = self._log.read_text(errors="replace") if self._log.exists() else "nothing yet"
        return f"--- node {self.name}\n{text[-5000:]}"
