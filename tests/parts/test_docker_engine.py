"""The Docker engine that tests use: a real one, apart from the machine, which keeps nothing of it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from docker_engine import OUTSIDE, Engine, cgroups
from scratch_image import CHANGES, file_system

pytestmark = [
    pytest.mark.needs("docker", "uv", "python3.10"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]

IMAGE = "hanse-test/python:1"
SERVE = """
from http.server import HTTPServer, SimpleHTTPRequestHandler
HTTPServer(("", 80), SimpleHTTPRequestHandler).serve_forever()
"""
ASK = """
import socket, urllib.request
engine = socket.socket(socket.AF_UNIX)
engine.connect("/var/run/docker.sock")
engine.sendall(b"GET /info HTTP/1.0\\r\\n\\r\\n")
print(b"".join(iter(lambda: engine.recv(9999), b"")).decode())
try:
    print("registry:", urllib.request.urlopen("http://{registry}/v2/", timeout=2).status)
except OSError as error:
    print("registry:", error)
"""


@pytest.fixture(scope="module")
def image(environment: Callable[..., Path], python310: str) -> Path:
    return file_system(environment("tomli==2.2.1", python=python310))


def traces(engine: Engine) -> dict[str, list[str]]:
    """Give what of an engine can be seen on the machine."""

    def told(*command: str) -> list[str]:
        return subprocess.check_output(command, text=True).splitlines()

    inside = (path for path in Path("/proc").glob("[0-9]*") if engine.name.encode() in _read(path / "cgroup"))
    named = (path for path in Path("/proc").glob("[0-9]*") if str(engine.folder).encode() in _read(path / "cmdline"))
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return {
        "folders": [str(path) for path in (engine.folder,) if path.exists()],
        "namespaces": [line for line in told("ip", "netns") if line.split()[0] == engine.name],
        "links": [line for line in told("ip", "-o", "link") if f" {engine.name}@" in line],
        "addresses": [line for line in told("ip", "-o", "address") if engine.gateway in line],
        "processes": sorted({*map(str, inside), *map(str, named)}),
        "cgroups": [str(path) for path in cgroups(engine.name)],
        "mounts": [line for line in mounts if str(engine.folder) in line],
    }


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended just now
        return b""


def machine() -> dict[str, object]:
    """Give what of the machine a Docker engine changes if it is not kept apart."""
    rules = [subprocess.check_output(["iptables", "-t", table, "-S"], text=True) for table in ("filter", "nat")]
    places = ("/var/run/docker.sock", "/run/docker", "/run/containerd", "/var/lib/docker", "/etc/docker/key.json")
    here = {place: Path(place).stat().st_mtime_ns if Path(place).exists() else None for place in places}
    forwards = Path("/proc/sys/net/ipv4/ip_forward").read_text()
    bridge = Path("/sys/class/net/docker0").exists()
    return {"rules": rules, "places": here, "forwards": forwards, "docker0": bridge}


def test_nothing_is_left_of_an_engine_that_is_killed_with_a_container_in_it(image: Path) -> None:
    before = machine()
    with Engine() as engine:
        engine.import_image(IMAGE, image, *CHANGES)
        container = engine.ask("POST", "/containers/create", json={"Image": IMAGE, "Cmd": ["python", "-c", SERVE]})
        engine.ask("POST", f"/containers/{container['Id']}/start")
        seen = traces(engine)
        assert all(there for kind, there in seen.items() if kind != "mounts"), seen
        assert seen["mounts"] == []
        assert machine() == before
    assert traces(engine) == {kind: [] for kind in seen}
    assert machine() == before


def test_an_engine_that_does_not_start_leaves_nothing_and_tells_why(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    monkeypatch.setattr("docker_engine._OWN_FOLDERS", "echo no daemon today; exit 3")
    with pytest.raises(AssertionError, match="no daemon today"), engine:
        pass
    assert not any(traces(engine).values())


def test_containers_reach_the_engine_by_its_usual_path_and_its_registry_unless_they_are_cut_off(
    docker_engine: Engine, image: Path
) -> None:
    docker_engine.import_image(IMAGE, image, *CHANGES)
    docker_engine.ask("POST", "/networks/create", json={"Name": "inner", "Internal": True})
    bound = {"Binds": ["/var/run/docker.sock:/var/run/docker.sock"]}
    outputs = []
    for label, host in (("open", bound), ("cut off", bound | {"NetworkMode": "inner"})):
        command = ["python", "-c", ASK.format(registry=docker_engine.registry)]
        body = {"Image": IMAGE, "Cmd": command, "HostConfig": host, "Labels": {"test": label}}
        container = docker_engine.ask("POST", "/containers/create", json=body)["Id"]
        docker_engine.ask("POST", f"/containers/{container}/start")
        docker_engine.ask("POST", f"/containers/{container}/wait")
        outputs.append(docker_engine.output(container))
        assert [found["Id"] for found in docker_engine.containers(f"test={label}")] == [container]
        docker_engine.ask("DELETE", f"/containers/{container}")
    docker_engine.ask("DELETE", "/networks/inner")

    assert all(str(docker_engine.folder) in output for output in outputs)  # of the data of this engine, no other
    assert "registry: 200" in outputs[0]
    assert "registry: <urlopen error" in outputs[1]
    assert docker_engine.containers("test") == []
    assert docker_engine.networks() == set()


def test_an_image_is_pushed_to_the_registry_and_pulled_from_it(docker_engine: Engine) -> None:
    name = f"{docker_engine.registry}/consortium/nothing:1"
    docker_engine.build(name, "FROM scratch\nCOPY nothing /", {"nothing": os.urandom(8)})
    docker_engine.push(name)
    pushed = docker_engine.ask("GET", f"/images/{name}/json")["Id"]
    docker_engine.ask("DELETE", f"/images/{name}")

    docker_engine.pull(name)

    assert docker_engine.ask("GET", f"/images/{name}/json")["Id"] == pushed
    docker_engine.ask("DELETE", f"/images/{name}")
