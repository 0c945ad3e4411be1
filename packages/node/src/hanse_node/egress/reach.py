"""Connecting to what this station's settings name, wherever that is: databases, and the far ends of tunnels."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from hanse_node.egress.dialling import Dialled, Dialler, Networks, NoAnswer, Resolver, resolve
from hanse_node.egress.given import remote
from hanse_node.egress.rules import Destination
from hanse_node.settings import Settings
from hanse_node.sources import Selection

if TYPE_CHECKING:
    from hanse_node.egress.tunnels import SshTunnel


class Reach:
    """Keeps what leads to the places of one station."""

    def __init__(self, settings: Settings, inner: Networks, resolver: Resolver = resolve) -> None:
        self.dialler = Dialler(inner, settings.proxy, settings.ca_file, resolver)
        self._settings = settings
        self._tunnels = _tunnels(settings)

    def named(self, names: Iterable[str]) -> Iterator[tuple[str, int]]:
        """Give host and port under which runs know those of these names that are more than ways of the proxy."""
        for name in names:
            if (tunnel := self._settings.tunnels.get(name)) is not None:
                yield name, tunnel.port

    async def connect(self, way: str, destination: Destination) -> Dialled:
        """Connect; the name of a tunnel leads through it. Raises `NoAnswer`."""
        tunnel = self._tunnels.get(destination.host.lower())
        return await (self.dialler.connect(way, destination) if tunnel is None else tunnel.connect())

    async def troubles(self, selected: Iterable[Selection]) -> list[str]:
        """Try each tunnel, and each of these databases that is reached over the network; say why one cannot be."""
        places = {
            f"the tunnel {name} cannot be used": Destination(name, port) for name, port in self.named(self._tunnels)
        }
        for label, destination in remote(selected).items():
            if destination.host.lower() not in self._tunnels:
                places[f"database '{label}' cannot be reached from this node"] = destination
        return [text for what, place in places.items() if (text := await self._trouble(what, place))]

    async def close(self) -> None:
        """End the connections that are kept."""
        for tunnel in self._tunnels.values():
            await tunnel.close()

    async def _trouble(self, what: str, place: Destination) -> str:
        try:
            dialled = await self.connect(what, place)
        except NoAnswer as error:
            return f"{what}: {error.message}"
        dialled.line[1].close()
        return ""


def _tunnels(settings: Settings) -> "dict[str, SshTunnel]":
    if not settings.tunnels:
        return {}
    from hanse_node.egress.tunnels import SshTunnel  # Only who has a tunnel pays for the import.

    return {name: SshTunnel(tunnel) for name, tunnel in settings.tunnels.items()}


async def no_networks() -> Sequence[str]:
    """Give the networks of an engine that is not asked."""
    return ()
