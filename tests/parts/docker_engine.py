"""A Docker engine of our own: a daemon in a network namespace, beside whatever else the machine runs.

Two daemons in one namespace destroy each other's rules. Within its own one this daemon has full rules of its own
(internal networks, translated addresses) and leaves nothing outside. It also has a `/run` of its own, and is there
under its usual path: programs in containers that are given `/var/run/docker.sock` get this engine, never the
machine's. It reaches the machine's side of one cable and nothing else; there it finds a registry, also our own.
"""

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import httpx

import leftovers

PROGRAMS = ("dockerd", "containerd", "runc", "docker-registry", "ip", "iptables", "nsenter", "unshare", "setpriv")
OUTSIDE = "198.18.0.0/16"
"""Addresses kept for measurements between devices; no network uses them. Each engine has four of them."""
NETS = 1 << 14
PLENTY = 6 << 30
"""Several times what the images of all tests need."""

_UNTIL_WE_END = ("setpriv", "--pdeathsig", "KILL", "--")
_OWN_FOLDERS = """
mount -t tmpfs -o mode=755 none /run
[ ! -d /etc/docker ] || mount -t tmpfs -o mode=755 none /etc/docker
if [ -f "$0.users" ]; then
    mount --bind "$0.users" /etc/subuid
    mount --bind "$0.users" /etc/subgid
fi
exec dockerd --config-file "$0"
"""
REMAPPED = 500_000
"""As which user of the machine root of a container goes, where users are mapped."""
_GVISOR = """#!/bin/sh
# As packaged it takes every network namespace of a newer kernel for the machine's own, by a file that is hidden here.
exec unshare -m --propagation slave /bin/sh -c \
    'mount -t tmpfs -o size=4k,ro none /proc/sys/net && exec runsc "$@"' runsc "$@"
"""


def is_possible() -> bool:
    """Tell whether this machine has the programs, and lets us make namespaces."""
    if os.geteuid() != 0 or not all(map(shutil.which, PROGRAMS)):
        return False
    name = f"hanse-probe{os.getpid()}"
    return _try("ip", "netns", "add", name) and _try("ip", "netns", "delete", name)


def _try(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0


def _memory() -> str | None:
    """Give a folder in memory where there is plenty: images have many files, which disks write and remove slowly."""
    memory = "/dev/shm"
    is_there = os.access(memory, os.W_OK)
    return memory if is_there and min(shutil.disk_usage(memory).free, _available()) >= PLENTY else None


def _available() -> int:
    """Give the bytes of memory that programs can still get."""
    line = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable:"))
    return int(line.split()[1]) * 1024


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


def cgroups(name: str) -> list[Path]:
    """Find the groups that containers of an engine are below: one per controller, or one."""
    root = Path("/sys/fs/cgroup")
    return [path for path in (root / name, *root.glob(f"*/{name}")) if path.exists() and not path.parent.is_symlink()]


def _remove_cgroups(name: str) -> None:
    for top in cgroups(name):
        for folder, _, _ in os.walk(top, topdown=False):
            os.rmdir(folder)


def wait_for(what: str, seen: Callable[[], Any], seconds: float, told: Callable[[], str] = str) -> Any:
    """Look until something is there; what it was, or a failure with what is told."""
    end = time.monotonic() + seconds
    while not (found := seen()):
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}\n{told()}"
        time.sleep(0.1)
    return found


def _tar(files: Mapping[str, bytes | Path]) -> bytes:
    """Pack files and folders; what is given as bytes may be executed."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            if isinstance(content, Path):
                archive.add(content, name, filter=lambda entry: None if "__pycache__" in entry.name else entry)
                continue
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@contextmanager
def registry(address: str, folder: Path, **further: Any) -> Iterator[str]:
    """Run a registry of images; gives its address, with the port. `further` are settings of its own."""
    storage = {"filesystem": {"rootdirectory": str(folder / "registry")}}
    settings = {"version": "0.1", "storage": storage, "http": {"addr": f"{address}:0"}, **further}
    config, told = folder / "registry.yaml", folder / "registry.log"
    config.write_text(json.dumps(settings))  # which is YAML as well
    with told.open("wb") as log:
        process = subprocess.Popen([*_UNTIL_WE_END, "docker-registry", "serve", config], stdout=log, stderr=log)

    def listens() -> str | None:
        assert process.poll() is None, told.read_text()
        found = re.search(r'msg="listening on ([^"]+)"', told.read_text())
        return found and found[1]

    try:
        yield wait_for("a registry that listens", listens, 30, told.read_text)
    finally:
        process.kill()
        process.wait(30)


class Engine:
    """Use as a context manager: what is in it, and what it needs of the machine, is gone afterwards.

    All of its processes, those in containers too, are of one process namespace: they end together, whatever they do,
    and also when the program that started them is killed.
    """

    def __init__(self, *, maps_users: bool = False) -> None:
        self._maps_users = maps_users
        # A short name: the paths of sockets below it are limited.
        self.folder = Path(tempfile.mkdtemp(prefix="h", dir=_memory()))
        self.socket = self.folder / "docker.sock"
        self.name = self.gateway = self.registry = ""
        self._daemon: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://docker", timeout=300
        )
        self._undo = ExitStack()
        self._undo.callback(shutil.rmtree, self.folder)
        self._undo.callback(self._http.close)

    @property
    def address(self) -> str:
        """How Docker's clients are told where the engine is (`DOCKER_HOST`)."""
        return f"unix://{self.socket}"

    @property
    def entering(self) -> tuple[str, ...]:
        """How a command begins that is carried out in its network."""
        return ("nsenter", f"--net=/run/netns/{self.name}")

    def within(self, *command: str) -> str:
        """Carry a command out in its network; gives what that printed."""
        return subprocess.check_output([*self.entering, *command], text=True)

    def settings(self, **more: Any) -> dict[str, Any]:
        """Give what a node's `docker` section says of it."""
        return {"host": self.address, "network_namespace": f"/run/netns/{self.name}", **more}

    def __enter__(self) -> "Engine":
        with self._undo:
            self._connect()
            self.registry = self._undo.enter_context(registry(self.gateway, self.folder))
            self._configure()
            self._undo.callback(_remove_cgroups, self.name)
            self._undo.callback(self._kill)
            self.start()
            self._undo = self._undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _connect(self) -> None:
        """Make the network namespace, whose name nobody else has, and a cable into it."""
        leftovers.sweep()
        tries = ((os.getpid() + further) % NETS for further in range(NETS))
        number = next(number for number in tries if _try("ip", "netns", "add", f"hanse{number}"))
        self.name = f"hanse{number}"
        self._undo.callback(_ip, "netns", "delete", self.name)
        self.gateway, inside = (f"198.18.{number // 64}.{number % 64 * 4 + host}" for host in (1, 2))
        _ip("link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        self._undo.callback(_ip, "link", "delete", self.name)
        _ip("address", "add", f"{self.gateway}/30", "dev", self.name)
        _ip("link", "set", self.name, "alias", leftovers.owner(self.folder))
        _ip("link", "set", self.name, "up")
        for words in ("link set lo up", f"address add {inside}/30 dev eth0", "link set eth0 up"):
            _ip("-n", self.name, *words.split())

    def _configure(self) -> None:
        settings = {
            "data-root": str(self.folder / "data"),
            "exec-root": str(self.folder / "exec"),
            "pidfile": str(self.folder / "pid"),
            "hosts": [self.address, "unix:///var/run/docker.sock"],
            "bip": "198.19.255.1/24",
            "default-address-pools": [{"base": "198.19.0.0/17", "size": 24}],
            "insecure-registries": [OUTSIDE],
            "cgroup-parent": f"/{self.name}",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "runtimes": {"runsc": {"path": str(self._gvisor())}, "runsc-in-name-only": {"path": shutil.which("runc")}},
        }
        config = self.folder / "daemon.json"
        if self._maps_users:
            settings["userns-remap"] = "nobody:nogroup"
            config.with_name("daemon.json.users").write_text(f"nobody:{REMAPPED}:65536\nnogroup:{REMAPPED}:65536\n")
            self.folder.chmod(0o711)
        config.write_text(json.dumps(settings))

    def stop(self) -> None:
        """Stop the daemon as an administrator does: it stops its containers, and keeps them."""
        for pid in self._inside():
            os.kill(pid, signal.SIGTERM)
        if self._daemon is not None:
            self._daemon.wait(60)

    def start(self) -> None:
        """Start the daemon, at first or again, with what it has kept; return when it answers.

        It ends with the thread that calls this at the latest.
        """
        config = self.folder / "daemon.json"
        inside = [
            *_UNTIL_WE_END, *self.entering,
            "unshare", "--mount", "--propagation", "slave", "--pid", "--fork", "--kill-child", "--mount-proc",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._daemon = subprocess.Popen([*inside, "sh", "-ec", _OWN_FOLDERS, config], stdout=log, stderr=log)
        wait_for("an answer of dockerd", self._answers, 60, self.log)

    def _gvisor(self) -> Path:
        path = self.folder / "runsc"
        path.write_text(_GVISOR)
        path.chmod(0o755)
        return path

    def _inside(self) -> list[int]:
        """Give the first process of the process namespace, which `unshare` waits for, while it is there."""
        if self._daemon is None or self._daemon.poll() is not None:
            return []
        children = Path(f"/proc/{self._daemon.pid}/task/{self._daemon.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def _kill(self) -> None:
        """Kill the first process of the process namespace, and all others with it."""
        for pid in self._inside():
            os.kill(pid, signal.SIGKILL)
        if self._daemon is not None:
            self._daemon.wait(60)

    def _answers(self) -> bool:
        assert self._daemon is not None
        assert self._daemon.poll() is None, self.log()
        with socket.socket(socket.AF_UNIX) as trial:  # which httpx would leave open when nobody listens yet
            if trial.connect_ex(str(self.socket)):
                return False
        return self._http.get("/_ping").status_code == 200

    def log(self) -> str:
        """Give the end of what the daemon tells."""
        return (self.folder / "log").read_text()[-3000:]

    def ask(self, method: str, path: str, **options: Any) -> Any:
        answer = self._http.request(method, path, **options)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def import_image(self, name: str, tar: Path, *changes: str) -> None:
        """Make an image of a whole file system, unless it is there."""
        if self._http.get(f"/images/{name}/json").status_code == 200:
            return
        repository, tag = name.split(":")
        query = {"fromSrc": "-", "repo": repository, "tag": tag, "changes": list(changes)}
        with tar.open("rb") as file:
            self._done(self._http.post("/images/create", params=query, content=_chunks(file)))

    def build(self, name: str, dockerfile: str, files: Mapping[str, bytes | Path]) -> None:
        """Make an image as `docker build` does."""
        context = _tar({"Dockerfile": dockerfile.encode(), **files})
        headers = {"Content-Type": "application/x-tar"}
        self._done(self._http.post("/build", params={"t": name}, content=context, headers=headers))

    def push(self, name: str) -> None:
        """Bring an image whose name begins with our registry there."""
        self._done(self._http.post(f"/images/{name}/push", headers={"X-Registry-Auth": "e30="}))

    def pull(self, name: str) -> None:
        """Fetch an image from our registry."""
        self._done(self._http.post("/images/create", params={"fromImage": name}))

    @staticmethod
    def _done(answer: httpx.Response) -> None:
        assert answer.status_code == 200, answer.text
        assert '"error"' not in answer.text, answer.text

    def containers(self, *labels: str) -> list[dict[str, Any]]:
        """Give all containers with these labels (`name` or `name=value`), also stopped ones."""
        filters = json.dumps({"label": labels})
        found: list[dict[str, Any]] = self.ask("GET", "/containers/json", params={"all": True, "filters": filters})
        return found

    def volumes(self) -> set[str]:
        return {volume["Name"] for volume in self.ask("GET", "/volumes")["Volumes"] or ()}

    def networks(self) -> set[str]:
        """Give the networks that somebody made."""
        return {network["Name"] for network in self.ask("GET", "/networks")} - {"bridge", "host", "none"}

    def of_nodes(self) -> dict[str, Any]:
        """Give what our nodes have here, kind by kind; nothing at all once they have ended and left nothing."""
        rules = [self.within(program, "-S").splitlines() for program in ("iptables", "ip6tables")]
        found = {
            "containers": self.containers("eu.hanse.node"),
            "networks": [name for name in self.networks() if name.startswith("hanse-")],
            "rules": [rule for rule in chain(*rules) if "HANSE" in rule],
        }
        return {kind: those for kind, those in found.items() if those}

    def output(self, container: str) -> str:
        """Give what a container without terminal printed."""
        answer = self._http.get(f"/containers/{container}/logs", params={"stdout": True, "stderr": True})
        if answer.status_code != 200:
            return f"{container} is not there"
        frames, parts = io.BytesIO(answer.content), []
        while head := frames.read(8):  # which stream it is, and the length of what follows
            parts.append(frames.read(int.from_bytes(head[4:], "big")))
        return b"".join(parts).decode(errors="replace")


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(1 << 20):
        yield chunk
