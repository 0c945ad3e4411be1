"""The node in a container of the engine that its runs are on: an image like that of `images/node.Dockerfile`."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from asking import Asking
from docker_engine import OUTSIDE, Engine
from hanse_node.check import Problem
from hanse_sandbox.network import Network
from scratch_image import CHANGES, file_system, libraries

NODE, ALGORITHM = "hanse-test/node", "hanse-test/waits"
BASE = f"{NODE}-base:1"
ROOT = Path(__file__).parents[2]
NODE_DOCKERFILE = f"""
FROM {BASE}
COPY system /
COPY packages /opt/packages
ENTRYPOINT ["python", "-m", "hanse_core", "node"]
"""
ALGORITHM_DOCKERFILE = f"""
FROM {BASE}
COPY algorithm.py /algorithm.py
CMD ["python", "/algorithm.py"]
"""
CODE = """
import base64, json, os, socket, time
def variable(name):
    return base64.b32decode(os.environ[name].replace("!", "=")).decode()
def reaches(address, port):
    try:
        return socket.create_connection((address, port), 1) is not None
    except OSError:
        return False
folder, address, port = variable("DEFAULT_DATABASE_URI"), "{address}", {port}
while not os.path.exists(folder + "/go"):
    time.sleep(0.02)
result = {{"value": open(folder + "/value").read(), "server": reaches(address, port)}}
result["proxy"] = reaches(variable("HOST").partition("//")[2], int(variable("PORT")))
json.dump(result, open(variable("OUTPUT_FILE"), "w"))
"""
FIREWALL = ("iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore", "cat")
HOME = "/var/lib/hanse"
WAYS_IN = {"NetworkMode": "host", "CapAdd": ["NET_ADMIN"]}

pytestmark = [
    pytest.mark.needs("docker", "uv"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]


def _system() -> dict[str, bytes | Path]:
    """Give the programs that set rules, with what they load."""
    programs = {f"usr/local/bin/{name}": Path(shutil.which(name) or name).resolve() for name in FIREWALL}
    (extensions,) = {path.parent for path in Path("/usr/lib").glob("*/xtables/libxt_tcp.so")}
    loaded = libraries([*programs.values(), *extensions.glob("*.so")])
    paths = {str(path).lstrip("/"): path.resolve() for path in (*loaded, extensions)}
    return {f"system/{name}": path for name, path in {**programs, **paths}.items()}


def _packages() -> dict[str, bytes | Path]:
    """Give our packages, with what says which commands they have."""
    packages: dict[str, bytes | Path] = {}
    for name in ("core", "node"):
        packages[f"packages/hanse_{name}"] = ROOT / f"packages/{name}/src/hanse_{name}"
        about = f"packages/hanse_{name}-0.dist-info"
        packages[f"{about}/METADATA"] = f"Metadata-Version: 2.1\nName: hanse-{name}\nVersion: 0\n".encode()
        packages[f"{about}/entry_points.txt"] = (
            distribution(f"hanse-{name}").read_text("entry_points.txt") or ""
        ).encode()
    return packages


@pytest.fixture(scope="module")
def engine(docker_engine: Engine, environment: Callable[..., Path], uv: str) -> Engine:
    """The engine, with the image of the node."""
    export = [uv, "export", "--quiet", "--frozen", "--no-dev", "--package", "hanse-node", "--no-emit-workspace"]
    listed = subprocess.check_output([*export, "--no-hashes", "--no-header", "--no-annotate"], cwd=ROOT, text=True)
    docker_engine.import_image(BASE, file_system(environment(*listed.splitlines())), *CHANGES)
    docker_engine.build(NODE, NODE_DOCKERFILE, _system() | _packages())
    return docker_engine


class Clinic(Asking):
    """A server, and the folders of one station, which its node sees at other paths than the machine does."""

    def __init__(self, network: Network, engine: Engine, folder: Path) -> None:
        self.network, self.engine, self.data, self.node = network, engine, folder / "data", ""
        self.data.mkdir()
        (self.data / "value").write_text("41")
        network.server.configure(ip=engine.gateway)
        network.server.start()
        engine.build(
            ALGORITHM,
            ALGORITHM_DOCKERFILE,
            {"algorithm.py": CODE.format(address=engine.gateway, port=network.server.port).encode()},
        )
        network.federate(
            {"alpha": {}},
            api_key_file=f"{HOME}/api-key",
            directory=HOME,
            databases=[{"label": "default", "type": "folder", "uri": "/data"}],
            images={},
            runtime="docker",
            server_url=f"http://{engine.gateway}",
            policies={"allowed_algorithms": [ALGORITHM], "require_algorithm_pull": False},
            on_stop="leave",
        )
        self.home = network.stations["alpha"].directory
        self.binds = [f"{engine.socket}:/var/run/docker.sock", f"{self.home}:{HOME}", f"{self.data}:/data:ro"]
        self.client = network.client()

    def container(self, command: str, **host: Any) -> str:
        """Start a container of the node."""
        words = [command, "--config", f"{HOME}/node.yaml", "--name", "alpha"]
        body = {"Image": NODE, "Cmd": words, "HostConfig": {"Binds": self.binds, **WAYS_IN, **host}}
        made: str = self.engine.ask("POST", "/containers/create", json=body)["Id"]
        self.engine.ask("POST", f"/containers/{made}/start")
        return made

    def ended(self, container: str) -> tuple[int, str]:
        """Give the exit code of a container, and what it printed."""
        code = self.engine.ask("POST", f"/containers/{container}/wait")["StatusCode"]
        printed = self.engine.output(container)
        self.remove(container)
        return code, printed

    def remove(self, container: str) -> None:
        self.engine.ask("DELETE", f"/containers/{container}", params={"force": True, "v": True})

    def log(self) -> str:
        return self.engine.output(self.node)[-4000:]

    def is_online(self) -> bool:
        assert self.engine.ask("GET", f"/containers/{self.node}/json")["State"]["Running"], self.log()
        return any(node.status == "online" for node in self.client.nodes.list(name="alpha"))

    def runs_here(self) -> list[str]:
        return [found["Id"] for found in self.engine.containers("eu.hanse.run")]


@pytest.fixture(scope="module")
def clinic(engine: Engine, module_folder: Path) -> Iterator[Clinic]:
    with Network(module_folder) as network:
        clinic = Clinic(network, engine, module_folder)
        yield clinic
        clinic.client.close()
    assert engine.of_nodes() == {}


def test_a_check_inside_proves_the_isolation_and_tells_what_the_container_lacks(clinic: Clinic) -> None:
    files = [f"{clinic.home}/{name}:{HOME}/{name}" for name in ("node.yaml", "api-key")]
    checks = {
        "a container reached the node's proxy, and nothing else that was tried": clinic.container("check"),
        "start it with --network host": clinic.container("check", NetworkMode="bridge"),
        "rules that isolate runs cannot be set": clinic.container("check", CapAdd=[]),
        f"--volume {HOME}:{HOME}": clinic.container("check", Binds=[*clinic.binds[:1], *files, *clinic.binds[2:]]),
    }
    ended = {words: clinic.ended(container) for words, container in checks.items()}
    assert [words in printed for words, (_, printed) in ended.items()] == [True] * 4, ended
    assert [code for code, _ in ended.values()] == [Problem.NONE, *[Problem.ISOLATION] * 3], ended


def test_runs_find_their_files_and_are_adopted_after_a_restart(clinic: Clinic) -> None:
    clinic.node = clinic.container("start")
    clinic.wait_for("a node that is online", clinic.is_online)
    task = clinic.create("main", image=ALGORITHM)
    (run,) = clinic.wait_for("a run", clinic.runs_here)
    rules = clinic.engine.of_nodes()["rules"]

    clinic.engine.ask("POST", f"/containers/{clinic.node}/kill")
    clinic.engine.ask("POST", f"/containers/{clinic.node}/wait")
    clinic.engine.ask("POST", f"/containers/{clinic.node}/start")
    clinic.wait_for("a second proof", lambda: clinic.log().count("isolation_proven") == 2)
    assert clinic.runs_here() == [run]
    assert set(rules) <= set(clinic.engine.of_nodes()["rules"])
    (clinic.data / "go").touch()

    assert clinic.wait(task).result == {"value": "41", "server": False, "proxy": True}
    clinic.wait_for("no runs", lambda: not clinic.runs_here())
    clinic.engine.ask("POST", f"/containers/{clinic.node}/stop")
    clinic.remove(clinic.node)
