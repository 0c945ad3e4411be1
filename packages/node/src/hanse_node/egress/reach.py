"""Connecting to what this station's settings name, wherever that is: databases, far ends of tunnels, containers."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import structlog

from hanse_node.egress.dialling import Dialled, Dialler, Networks, NoAnswer, Resolver, in_time, resolve
from hanse_node.egress.given import remote
from hanse_node.egress.rules import Destination
from hanse_node.runtimes.base import Links, StartFailed
from hanse_node.settings import Settings
from hanse_node.sources import Selection
from hanse_node.tunnel_settings import Service

if TYPE_CHECKING:
    from hanse_node.egress.tunnels import SshTunnel


log = structlog.get_logger()


class Reach:
    """Keeps what leads to the places of one station."""

    def __init__(
        self, settings: Settings, inner: Networks, resolver: Resolver = resolve, links: Links | None = None
    ) -> None:
        self.dialler = Dialler(inner, settings.proxy, settings.ca_file, resolver)
        self._settings = settings
        self._links = links
        self._tunnels = _tunnels(settings)

    async def named(self, names: Iterable[str], *, leniently: bool = False) -> list[Destination]:
        """Give host and port under which runs know those of these names that are more than ways of the proxy.

        Raises `StartFailed` when nobody can say at which ports a service is; leniently, that one is left out.
        """
        found = []
        for name in names:
            try:
                found += await self._places(name)
            except StartFailed as error:
                if not leniently:
                    raise
                log.warning("egress_not_opened", way=name, cause=error.message)
        return found

    async def connect(self, way: str, destination: Destination) -> Dialled:
        """Connect; the name of a tunnel leads through it, that of a service to its container. Raises `NoAnswer`."""
        name = destination.host
        if (tunnel := self._tunnels.get(name)) is not None:
            return await tunnel.connect()
        if (service := self._settings.docker_services.get(name)) is not None:
            return await self._linked(way, service, destination)
        return await self.dialler.connect(way, destination)

    async def troubles(self, selected: Iterable[Selection]) -> list[str]:
        """Try each tunnel and service, and each of these databases that is elsewhere; say why one cannot be reached."""
        found = []
        for name in (*self._tunnels, *self._settings.docker_services):
            what = f"the {'tunnel' if name in self._tunnels else 'service'} {name} cannot be reached"
            try:
                places = await self.named([name])
            except StartFailed as error:
                found.append(f"{what}: {error.message}")
                continue
            found += [text for place in places if (text := await self._trouble(what, place))]
        for label, place in remote(selected).items():
            if text := await self._trouble(f"database '{label}' cannot be reached from this node", place):
                found.append(text)
        return found

    async def _places(self, name: str) -> list[Destination]:
        if (tunnel := self._settings.tunnels.get(name)) is not None:
            return [Destination(name, tunnel.port)]
        if (service := self._settings.docker_services.get(name)) is not None:
            return [Destination(name, port) for port in service.ports or await self._declared(name, service)]
        return []

    async def _declared(self, name: str, service: Service) -> Sequence[int]:
        if self._links is None:
            raise StartFailed(f"the service {name} is a container, which only the docker runtime can reach")
        if not (ports := await self._links.ports(service.container)):
            raise StartFailed(f"{service} declares no ports: list those of the service {name} in docker_services")
        return ports

    async def _linked(self, way: str, service: Service, destination: Destination) -> Dialled:
        if self._links is None:
            raise NoAnswer(f"{service} can only be reached by the docker runtime")
        try:
            async with in_time(destination):
                line = await self._links.connect(service.container, destination.port)
        except StartFailed as error:
            raise NoAnswer(error.message) from error
        return Dialled(line, way, f"{service}, port {destination.port}")

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
