"""Proof that runs are isolated: a container like that of a run tries to get out, while this machine listens.

The image is an empty one; the container is shown this machine's own Python, read-only, so nothing is pulled or shipped.
A node that is in a container itself uses the image of that one.
"""

import asyncio
import io
import ipaddress
import itertools
import json
import os
import socket
import sys
import tarfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import structlog

from hanse_node.docker_settings import Docker, ImageRules
from hanse_node.errors import CannotStart
from hanse_node.runtimes.base import Limits
from hanse_node.runtimes.docker.containers import PROXY_NAME, Recipe, ceilings, confinement, sandboxed, user
from hanse_node.runtimes.docker.engine import Engine, EngineRefused, Json
from hanse_node.runtimes.docker.namespaces import within
from hanse_node.runtimes.docker.networks import Network

REPOSITORY, TAG = "hanse/probe", "1"
SECONDS = 0.5
"""How long the container waits for an answer; what is not dropped answers at once."""
IMPORT_SECONDS = 60.0
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/libx32")
PROGRAM = """
import json, os, select, socket, sys, time
plan = json.loads(sys.argv[1])
def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET
poll, waiting, reached = select.poll(), {}, []
for name, address, port in plan["tcp"]:
    attempt = socket.socket(family(address), socket.SOCK_STREAM)
    attempt.setblocking(False)
    try:
        attempt.connect_ex((address, port))
    except OSError:
        continue
    waiting[attempt.fileno()] = (attempt, name)
    poll.register(attempt, select.POLLOUT)
for name, address, port in plan["udp"]:
    try:
        socket.socket(family(address), socket.SOCK_DGRAM).sendto(name.encode(), (address, port))
    except OSError:
        pass
end = time.monotonic() + plan["seconds"]
while waiting and time.monotonic() < end:
    for descriptor, _ in poll.poll(max(0, (end - time.monotonic()) * 1000)):
        poll.unregister(descriptor)
        attempt, name = waiting.pop(descriptor)
        if attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            reached.append(name)
try:
    socket.getaddrinfo("hanse.example.org", 80)
    reached.append("the name service")
except OSError:
    pass
try:
    here = socket.gethostbyname(plan["proxy"])
except OSError as error:
    here = str(error)
print(json.dumps({"reached": reached, "proxy": here, "kernel": os.uname().release}))
"""
log = structlog.get_logger()


class Probe:
    """Runs one container on a network and tells what it reached."""

    def __init__(self, engine: Engine, recipe: Recipe, outside: Sequence[tuple[str, int]]) -> None:
        self._engine = engine
        self._recipe = recipe
        self._outside = outside
        """Addresses that this machine reaches and a run must not, such as the server's."""

    async def prove(self, network: Network) -> str:
        """Give the kernel that containers see. Raises `CannotStart` unless one reaches its proxy, and nothing else."""
        with ExitStack() as stack:
            tcp, udp = within(self._recipe.docker.network_namespace, lambda: _traps(stack))
            port = tcp.getsockname()[1]
            here = within(self._recipe.docker.network_namespace, lambda: list(_addresses()))
            outside = [address async for address in _resolved(self._outside)]
            told = await self._run(network, self._plan(network, port, here, outside))
            reached = [*told["reached"], *_heard(udp)]
        if "proxy" not in reached:
            raise CannotStart(
                f"a container on the network {network.subnet} does not reach this node at {network.gateway}:"
                f"{self._recipe.port}; look for firewall rules on this machine that drop packets from {network.bridge}"
            )
        if told["proxy"] != network.gateway:
            raise CannotStart(f"the name {PROXY_NAME} means {told['proxy']} in a container; it should be the node")
        leaks = sorted(set(reached) - {"proxy"})
        if leaks:
            raise CannotStart(
                f"runs would not be isolated: from its network a container reached {', '.join(leaks)}. No run is "
                "started before that is closed; see 'Isolation' in docs/explanation/containers.md"
            )
        kernel = str(told["kernel"])
        if sandboxed(self._recipe.docker.oci_runtime) and kernel == os.uname().release:
            raise CannotStart(
                f"the OCI runtime {self._recipe.docker.oci_runtime} (docker.oci_runtime) shows containers this "
                "machine's own kernel, so it is not gVisor; look at 'runtimes' in the engine's configuration"
            )
        log.info("isolation_proven", tried=len(here) + len(outside), network=network.subnet, kernel=kernel)
        return kernel

    def _plan(self, network: Network, port: int, here: Iterable[str], outside: Iterable[tuple[str, int]]) -> Json:
        inner = [(f"{address} (this machine)", address, port) for address in here]
        outer = [(f"{address}:{port} (outside)", address, port) for address, port in outside]
        return {
            "tcp": [("proxy", network.gateway, self._recipe.port), *inner, *outer],
            "udp": [(f"{address} (this machine, UDP)", address, port) for address in here],
            "proxy": PROXY_NAME,
            "seconds": SECONDS,
        }

    async def _run(self, network: Network, plan: Json) -> Json:
        container = await self._create(network, plan)
        try:
            await self._engine.ask("POST", f"containers/{container}/start")
            ended = await self._engine.ask("POST", f"containers/{container}/wait")
            async with self._engine.log(container) as pieces:
                printed = b"".join([piece async for piece in pieces])
        except EngineRefused as error:
            trouble = f"a container cannot be started to try the isolation of runs: {error.message}{self._hint()}"
            raise CannotStart(trouble) from error
        finally:
            with suppress(EngineRefused):
                await self._engine.ask("DELETE", f"containers/{container}", query={"force": True, "v": True})
        if ended["StatusCode"] != 0:
            said = printed.decode(errors="replace").strip().splitlines() or ["no message"]
            raise CannotStart(f"the container that tries the isolation of runs failed: {said[-1]}")
        found: Json = json.loads(printed)
        return found

    def _hint(self) -> str:
        if not (sandboxed(self._recipe.docker.oci_runtime) and self._recipe.whereabouts.first_user):
            return ""
        return ". The engine maps users (userns-remap), which not every gVisor can: do without one of the two"

    async def _create(self, network: Network, plan: Json) -> str:
        docker, rules = self._recipe.docker, ImageRules(profile="strict")
        program = _program()
        body = {
            "Image": self._recipe.whereabouts.image or await self._image(),
            "Entrypoint": [program, "-I", "-S", "-c", PROGRAM, json.dumps(plan)],
            "Labels": self._recipe.labels.of_node(),
            "HostConfig": {
                **confinement(docker, rules, network),
                **ceilings(Limits(processes=64), in_sandbox=True),
                "Binds": [] if self._recipe.whereabouts.image else _shown(program),
                **({"Runtime": docker.oci_runtime} if docker.oci_runtime else {}),
            },
            **_reader(docker, program),
        }
        return str((await self._engine.ask("POST", "containers/create", body))["Id"])

    async def _image(self) -> str:
        name = f"{REPOSITORY}:{TAG}"
        try:
            found = await self._engine.ask("GET", f"images/{name}/json")
        except EngineRefused as error:
            if error.answer != 404:
                raise
            query = {"fromSrc": "-", "repo": REPOSITORY, "tag": TAG}
            headers = {"Content-Type": "application/x-tar"}
            await self._engine.progress(
                "POST", "images/create", _empty_image(), query=query, headers=headers, silence=IMPORT_SECONDS
            )
            found = await self._engine.ask("GET", f"images/{name}/json")
        return str(found["Id"])


async def _resolved(outside: Iterable[tuple[str, int]]) -> AsyncIterator[tuple[str, int]]:
    """Give numbers for names; an address of the loopback device is another machine's in a container."""
    for host, port in outside:
        with suppress(OSError):
            for found in await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM):
                address = str(found[4][0])
                if not ipaddress.ip_address(address.partition("%")[0]).is_loopback:
                    yield address, port


def _reader(docker: Docker, program: str) -> dict[str, str]:
    """Run as algorithms do, unless only root can read this machine's Python."""
    open_to_all = all(folder.stat().st_mode & 0o001 for folder in [Path(program).parent, Path(program).parents[1]])
    return user(docker, ImageRules(profile="strict")) if open_to_all else {"User": "0:0"}


def _program() -> str:
    """Give this machine's Python itself, not a link in a virtual environment."""
    return os.path.realpath(sys.executable)


def _shown(program: str) -> list[str]:
    """Give the folders in which this machine's Python and its libraries lie."""
    prefixes = {sys.base_prefix, str(Path(program).parents[1])}
    own = [prefix for prefix in sorted(prefixes) if not prefix.startswith("/usr")]
    return [f"{os.path.realpath(path)}:{path}:ro" for path in [*SYSTEM, *own] if os.path.isdir(path)]


def _empty_image() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(folder)
    return content.getvalue()


def _traps(stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    """Listen on every address of the machine for a moment; nothing is ever answered there."""
    families = [socket.AF_INET6, socket.AF_INET] if socket.has_ipv6 else [socket.AF_INET]
    for family in families:
        tcp = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        udp = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        try:
            if family == socket.AF_INET6:
                for trap in (tcp, udp):
                    trap.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            tcp.bind(("", 0))
            udp.bind(("", tcp.getsockname()[1]))
        except OSError:
            continue
        tcp.listen()
        udp.setblocking(False)
        return tcp, udp
    raise CannotStart("this machine lets the node listen nowhere, so the isolation of runs cannot be tried")


def _heard(trap: socket.socket) -> Iterator[str]:
    with suppress(BlockingIOError):
        while True:
            yield trap.recv(200).decode(errors="replace")


def _addresses() -> Iterator[str]:
    """Give the addresses of this machine as the kernel lists them, those of the loopback device left out."""
    lines = [line.split() for line in Path("/proc/thread-self/net/fib_trie").read_text().splitlines()]
    for before, line in itertools.pairwise(lines):
        if line[:2] == ["/32", "host"] and "LOCAL" in line and before[0] == "|--":
            found = ipaddress.ip_address(before[1])
            if not found.is_loopback:
                yield str(found)
    with suppress(OSError):
        for text in Path("/proc/thread-self/net/if_inet6").read_text().splitlines():
            address = ipaddress.ip_address(int(text.split()[0], 16))
            if not address.is_loopback and not address.is_link_local:
                yield str(address)
