"""A pool of internal networks: each run gets one to itself, and finds nobody on it but the node's proxy."""

import asyncio
import ipaddress
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import structlog

from hanse_node.runtimes.base import StartFailed
from hanse_node.runtimes.docker.engine import Engine, EngineRefused, Json
from hanse_node.runtimes.docker.labels import Labels
from hanse_node.runtimes.docker.undoing import made_or_undone

SMALLEST = 29
"""Prefix length of a network that is carved out of `docker.addresses`: gateway, one container, a few to spare."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Network:
    """One network with the name of its bridge, and the address at which the node can be reached on it."""

    id: str
    bridge: str
    gateway: str
    subnet: str

    def has(self, address: str) -> bool:
        """Tell whether an address is that of a container of this network."""
        return address != self.gateway and ipaddress.ip_address(address) in ipaddress.ip_network(self.subnet)


class Networks:
    """Makes networks ahead of time and removes what is too much."""

    def __init__(self, engine: Engine, labels: Labels, spare: int, addresses: str | None) -> None:
        self._engine = engine
        self._labels = labels
        self._spare = spare
        self._addresses = addresses
        self._free: list[Network] = []
        self._used: dict[str, Network] = {}
        self._making = asyncio.Lock()
        self._bridges: set[str] = set()
        """Names that are taken, also by a network that is just being made or removed."""

    @property
    def all(self) -> list[Network]:
        """All networks of this node that exist now."""
        return [*self._used.values(), *self._free]

    async def recover(self, in_use: Iterable[str]) -> None:
        """After a restart: find the networks of this node; those named are in use by runs."""
        busy = set(in_use)
        found = await self._engine.ask("GET", "networks", query={"filters": self._labels.filters()})
        self._free, self._used, self._bridges = [], {}, set()
        for described in found:
            network = _network(described)
            if network is None:
                await self._delete(described["Id"])
                continue
            self._bridges.add(network.bridge)
            if network.id in busy:
                self._used[network.id] = network
            else:
                self._free.append(network)

    async def take(self) -> Network:
        """Give a network that nobody uses."""
        network = self._free.pop() if self._free else await made_or_undone(self._make(), self._keep)
        self._used[network.id] = network
        return network

    def used(self, network_id: str) -> Network | None:
        return self._used.get(network_id)

    async def give_back(self, network: Network) -> None:
        """Put a network back when its container is gone; what is too much is removed."""
        if self._used.pop(network.id, None) is None:
            return
        if len(self._free) < self._spare:
            self._free.append(network)
        else:
            await self._remove(network)

    async def fill(self) -> bool:
        """Make networks ahead of time; tells whether there are new ones."""
        before = len(self._free)
        while len(self._free) < self._spare:
            self._free.append(await made_or_undone(self._make(), self._keep))
        return len(self._free) > before

    async def clear(self) -> None:
        """Remove the networks that no run uses."""
        while self._free:
            await self._remove(self._free.pop())

    async def _keep(self, network: Network) -> None:
        self._free.append(network)

    async def _make(self) -> Network:
        async with self._making:
            number = next(n for n in itertools.count() if self._labels.bridge(n) not in self._bridges)
            self._bridges.add(self._labels.bridge(number))
            try:
                return await self._made(number)
            except BaseException:
                self._bridges.discard(self._labels.bridge(number))
                raise

    async def _made(self, number: int) -> Network:
        for config in self._configurations(number):
            try:
                made = await self._engine.ask("POST", "networks/create", config)
            except EngineRefused as error:
                if config["IPAM"]["Config"] and "overlap" in error.message:
                    continue
                raise _no_network(error) from error
            network = _network(await self._engine.ask("GET", f"networks/{made['Id']}"))
            if network is not None:
                return network
        raise StartFailed(f"all networks of docker.addresses ({self._addresses}) are in use; give it more addresses")

    def _configurations(self, number: int) -> Iterator[Json]:
        for subnet in self._subnets():
            yield {
                "Name": self._labels.network(number),
                "CheckDuplicate": True,
                "Driver": "bridge",
                "Internal": True,
                "EnableIPv6": False,
                "IPAM": {"Driver": "default", "Config": [{"Subnet": subnet}] if subnet else []},
                "Labels": self._labels.of_node(),
                "Options": {
                    "com.docker.network.bridge.name": self._labels.bridge(number),
                    "com.docker.network.bridge.enable_icc": "false",
                },
            }

    def _subnets(self) -> Iterator[str | None]:
        """Give the subnets to try; None leaves the choice to the engine."""
        if self._addresses is None:
            yield None
            return
        taken = {network.subnet for network in self.all}
        for subnet in ipaddress.ip_network(self._addresses).subnets(new_prefix=SMALLEST):
            if str(subnet) not in taken:
                yield str(subnet)

    async def _remove(self, network: Network) -> None:
        if await self._delete(network.id):
            self._bridges.discard(network.bridge)

    async def _delete(self, network_id: str) -> bool:
        """Remove a network; tells whether it is gone."""
        try:
            await self._engine.ask("DELETE", f"networks/{network_id}")
        except EngineRefused as error:
            if error.answer != 404:
                log.warning("network_not_removed", network=network_id, cause=error.message)
                return False
        return True


def _network(described: Json) -> Network | None:
    """Read how the engine describes a network; None when it lacks what we need."""
    bridge = (described.get("Options") or {}).get("com.docker.network.bridge.name")
    for config in (described.get("IPAM") or {}).get("Config") or ():
        subnet = config.get("Subnet", "")
        if bridge and ":" not in subnet and subnet:
            network = ipaddress.ip_network(subnet)
            gateway = config.get("Gateway") or str(next(network.hosts()))
            return Network(str(described["Id"]), bridge, gateway.partition("/")[0], str(network))
    return None


def _no_network(error: EngineRefused) -> StartFailed:
    if "non-overlapping" in error.message or "fully subnetted" in error.message:
        return StartFailed(
            "the engine has no addresses left for another network: set docker.addresses to a range that nothing else "
            f"uses here, or remove unused networks ({error.message})"
        )
    return StartFailed(f"the engine cannot make a network: {error.message}")
