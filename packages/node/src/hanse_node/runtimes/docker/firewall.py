"""What a run reaches of this machine: the node's proxy on its own network's gateway, and nothing else.

An internal network of the engine keeps containers from the outside, but not from the machine itself: on many engines
they reach every address of it. So the node has a chain of its own, into which all packets from its bridges go first.
"""

import asyncio
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hanse_node.errors import CannotStart
from hanse_node.runtimes.docker.labels import Labels
from hanse_node.runtimes.docker.networks import Network

HOOKS = (("INPUT", "-i"), ("FORWARD", "-i"), ("FORWARD", "-o"))
"""Where packets of our bridges pass: to this machine, through it, and (nobody may begin that) to a run."""
SECONDS = 20.0


class Firewall:
    """Keeps the chain of one node, in the network namespace of the engine."""

    def __init__(self, labels: Labels, port: int, namespace: Path | None) -> None:
        self._labels = labels
        self._port = port
        self._enter = ("nsenter", f"--net={namespace}") if namespace else ()
        self._lock = asyncio.Lock()

    async def ensure(self, networks: Mapping[Network, Iterable[int]]) -> None:
        """Check that the rules are there, first of all and complete; mend what is not. Raises `CannotStart`.

        With each network come the ports that are served on it besides the one that all have.
        """
        wanted = self._rules(networks)
        async with self._lock:
            if not await self._holds("iptables", wanted):
                await self._apply("iptables", wanted)
            if await self._has_ipv6() and not await self._holds("ip6tables", [self._drop()]):
                await self._apply("ip6tables", [self._drop()])

    async def remove(self) -> None:
        """Take the chain away, when no network of this node is left."""
        async with self._lock:
            for program in ("iptables", "ip6tables"):
                for line in await self._hooked(program):
                    await self._run(program, "-D", *line.split()[1:], check=False)
                await self._run(program, "-F", self._labels.chain, check=False)
                await self._run(program, "-X", self._labels.chain, check=False)

    def _rules(self, networks: Mapping[Network, Iterable[int]]) -> list[str]:
        """Give the chain as `iptables -S` prints it."""
        chain = self._labels.chain
        accepted = [
            f"-A {chain} -d {network.gateway}/32 -i {network.bridge} -p tcp -m tcp --dport {port} -j ACCEPT"
            for network in sorted(networks, key=lambda network: network.bridge)
            for port in sorted({self._port, *networks[network]})
        ]
        return [*accepted, self._drop()]

    def _drop(self) -> str:
        return f"-A {self._labels.chain} -j DROP"

    def _jumps(self) -> list[str]:
        return [f"-A {hook} {side} {self._labels.bridges}+ -j {self._labels.chain}" for hook, side in HOOKS]

    async def _holds(self, program: str, wanted: Sequence[str]) -> bool:
        """Tell whether the chain is as wanted, and asked before any rule that is not of such a chain."""
        saved = (await self._run(f"{program}-save", "-t", "filter")).splitlines()
        chain = [line for line in saved if line.startswith(f"-A {self._labels.chain} ")]
        first = [line for hook in ("INPUT", "FORWARD") for line in _before_others(saved, hook)]
        return chain == list(wanted) and set(self._jumps()) <= set(first)

    async def _apply(self, program: str, wanted: Sequence[str]) -> None:
        """Write chain and jumps in one step, so that no packet finds half of it."""
        former = [line.replace("-A", "-D", 1) for line in await self._hooked(program)]
        jumps = [line.replace("-A ", "-I ", 1) for line in self._jumps()]
        lines = ["*filter", f":{self._labels.chain} - [0:0]", *former, *wanted, *jumps, "COMMIT", ""]
        await self._run(f"{program}-restore", "--noflush", "--wait", told="\n".join(lines))

    async def _hooked(self, program: str) -> list[str]:
        """Give the jumps to our chain that are there now."""
        saved = await self._run(f"{program}-save", "-t", "filter", check=False)
        return [line for line in saved.splitlines() if line.endswith(f" -j {self._labels.chain}")]

    async def _has_ipv6(self) -> bool:
        return bool((await self._run("cat", "/proc/net/if_inet6", check=False)).strip())

    async def _run(self, *command: str, told: str = "", check: bool = True) -> str:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._enter, *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise CannotStart(f"{command[0]} cannot be started: {error.strerror}. {REMEDY}") from error
        try:
            async with asyncio.timeout(SECONDS):
                output, trouble = await process.communicate(told.encode())
        except TimeoutError:
            process.kill()
            await process.wait()
            raise CannotStart(f"{command[0]} did not end within {SECONDS:.0f} s. {REMEDY}") from None
        if check and process.returncode != 0:
            last = (trouble.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
            raise CannotStart(f"the firewall rules that isolate runs cannot be set ({command[0]}: {last}). {REMEDY}")
        return output.decode(errors="replace")


REMEDY = (
    "A node whose runs are containers needs iptables and the right to use it (root, or CAP_NET_ADMIN); "
    "with docker.firewall: verify somebody else keeps the rules, and this node only proves them"
)


def _before_others(saved: Sequence[str], hook: str) -> list[str]:
    """Give the rules of a chain up to the first that is not a jump of a node like this one."""
    lines = []
    for line in saved:
        if line.startswith(f"-A {hook} "):
            if " -j HANSE-" not in line:
                break
            lines.append(line)
    return lines
