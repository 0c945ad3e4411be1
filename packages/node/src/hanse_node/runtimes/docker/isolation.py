"""The ground that runs stand on: networks, rules and doorways, proven before the first run and after each restart."""

import asyncio
import json
import random
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from hanse_node.docker_settings import Docker
from hanse_node.errors import CannotStart
from hanse_node.runtimes.base import Door, StartFailed
from hanse_node.runtimes.docker import labels
from hanse_node.runtimes.docker.containers import Recipe, doors_of
from hanse_node.runtimes.docker.doorway import Doorway, port_is_free
from hanse_node.runtimes.docker.engine import Engine, EngineDown, EngineRefused, Json
from hanse_node.runtimes.docker.firewall import Firewall
from hanse_node.runtimes.docker.following import read_state
from hanse_node.runtimes.docker.labels import Labels
from hanse_node.runtimes.docker.networks import Network, Networks
from hanse_node.runtimes.docker.probe import Probe
from hanse_node.threads import in_thread

PORTS = range(20_000, 32_000)
"""Below those that kernels hand out by themselves."""
AWAY_SECONDS = 1.0
MOST_AWAY_SECONDS = 15.0
log = structlog.get_logger()


class Isolation:
    """Gives each run a network that leads to its proxy only."""

    def __init__(
        self, engine: Engine, docker: Docker, name: str, state: Path, *, spare: int, gpu: bool,
        outside: Sequence[tuple[str, int]], probe: type[Probe],
    ) -> None:  # fmt: skip
        self._engine = engine
        self._docker = docker
        identity = _identity(state / "identity.json", docker.network_namespace)
        self.labels = Labels(name, identity["instance"])
        self.recipe = Recipe(docker, self.labels, identity["port"], gpu)
        self._firewall = Firewall(self.labels, self.recipe.port, docker.network_namespace)
        self._doorway = Doorway(docker.network_namespace)
        self._networks = Networks(engine, self.labels, spare, str(docker.addresses) if docker.addresses else None)
        recipes = self.recipe.of_each_runtime()
        self._probes = {recipe.docker.oci_runtime: probe(engine, recipe, outside) for recipe in recipes}
        self.kernels: dict[str | None, str] = {}
        """What containers were seen to have under each OCI runtime, as the proof told."""
        self._readying = asyncio.Lock()
        self._recovered = False
        self._proven = False
        self._watching: asyncio.Task[None] | None = None
        self._filling: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Find the networks again, set the rules, prove that they hold. Raises `CannotStart` or `EngineDown`."""
        async with self._readying:
            if not self._recovered:
                await self._recover()
            if not self._proven:
                self._watch()
                await self._prove()
                self._fill()

    async def take(self, proxy: Path, doors: Sequence[Door]) -> tuple[Network, tuple[Door, ...]]:
        """Give a proven network, at which the proxy and these doors are served, and the doors with their ports."""
        try:
            await self.ready()
            network = await self._networks.take()
            try:
                # First taken, then opened: a port on which somebody else listens is never shown to a run.
                placed = await self._doorway.open(network, self.recipe.door(proxy), doors)
                await self._ensure()
            except BaseException:
                await asyncio.shield(self.release(network.id))
                raise
        except CannotStart as error:
            raise StartFailed(error.message) from error
        self._fill()
        return network, placed

    async def serve(self, containers: Sequence[Json]) -> None:
        """Open the doorways of runs that were found still running."""
        await self.ready()
        for container in containers:
            network = self._networks.used(_network_of(container))
            if network is not None and container["State"] == "running":
                proxy = self.recipe.door(Path(container["Labels"][labels.SOCKET]))
                await self._doorway.open(network, proxy, doors_of(container["Labels"]))
        await self._ensure()

    async def release(self, network_id: str) -> None:
        """Take back the network of a run whose container is gone."""
        network = self._networks.used(network_id)
        if network is not None:
            await self._doorway.close(network)
            await self._networks.give_back(network)

    async def shut(self, network_id: str) -> None:
        """Close the doorway of a run that has ended; its network stays taken until the container is removed."""
        network = self._networks.used(network_id)
        if network is not None:
            await self._doorway.close(network)

    async def close(self) -> None:
        """Let go: unused networks go, and the rules too when no run needs them any more."""
        for task in (self._watching, self._filling):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        await self._doorway.close_all()
        if self._recovered:
            with suppress(EngineDown, EngineRefused, CannotStart):
                await self._networks.clear()
                if not self._networks.all and self._docker.firewall == "manage":
                    await self._firewall.remove()

    async def engine_networks(self) -> list[str]:
        """Give the subnets of all networks of the engine, those of others too."""
        found = await self._engine.ask("GET", "networks")
        configs = (config for network in found for config in (network.get("IPAM") or {}).get("Config") or ())
        return [str(config["Subnet"]) for config in configs if config.get("Subnet")]

    async def containers(self) -> list[Json]:
        """Give all containers of runs of this node, ended ones too."""
        query = {"all": True, "filters": self.labels.filters("eu.hanse.run")}
        found: list[Json] = await self._engine.ask("GET", "containers/json", query=query)
        return found

    async def _recover(self) -> None:
        await self._check_engine()
        containers = await self.containers()
        await self._networks.recover(_network_of(container) for container in containers)
        if not containers and not await in_thread(port_is_free, self.recipe.port, self._docker.network_namespace):
            raise CannotStart(
                f"port {self.recipe.port}, at which this node serves its runs, is used by another program here; "
                "remove identity.json from the folder 'engine' of this node, so that it chooses another one"
            )
        self._recovered = True

    async def _check_engine(self) -> None:
        await self.recipe.whereabouts.learn(self._engine, elsewhere=self._docker.network_namespace is not None)
        info = await self._engine.ask("GET", "info")
        self.recipe.whereabouts.learn_users(info)
        if info.get("OSType") != "linux":
            raise CannotStart("the engine runs other containers than Linux ones")
        if "name=rootless" in (info.get("SecurityOptions") or ()) and self._docker.network_namespace is None:
            raise CannotStart(
                "the engine is rootless: its networks are in a namespace of their own, which docker.network_namespace "
                "must name (/proc/<pid of the engine>/ns/net)"
            )

    async def _prove(self) -> None:
        network = await self._networks.take()
        try:
            await self._ensure()
            await self._doorway.open(network, self.recipe.door(Path("/nowhere")))
            self.kernels = {name: await probe.prove(network) for name, probe in self._probes.items()}
        finally:
            await self._doorway.close(network)
            await self._networks.give_back(network)
        self._proven = True

    async def _ensure(self) -> None:
        if self._docker.firewall == "manage":
            await self._firewall.ensure({network: self._doorway.ports(network) for network in self._networks.all})

    def _fill(self) -> None:
        if self._filling is None or self._filling.done():
            self._filling = asyncio.create_task(self._fill_up(), name="hanse-networks")

    async def _fill_up(self) -> None:
        try:
            if await self._networks.fill():
                await self._ensure()
        except (StartFailed, CannotStart) as error:
            log.warning("no_spare_network", cause=error.message)

    def _watch(self) -> None:
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch_engine(), name="hanse-engine")

    async def _watch_engine(self) -> None:
        """Take nothing for proven any more when the engine has stopped; the next run, or its return, proves anew."""
        while True:
            with suppress(EngineDown, EngineRefused):
                await self._engine.gone()
            async with self._readying:  # a proof that is under way ends first, and does not count
                self._proven = False
            log.warning("engine_gone", address=self._engine.address)
            await self._until_back()

    async def _until_back(self) -> None:
        pause = AWAY_SECONDS
        while True:
            try:
                await self._engine.ask("GET", "version")
                async with self._readying:
                    if not self._proven:
                        await self._prove()
                return
            except (EngineDown, EngineRefused, CannotStart, StartFailed) as error:
                log.warning("isolation_not_proven", cause=error.message)
                await asyncio.sleep(pause)
                pause = min(2 * pause, MOST_AWAY_SECONDS)


def _identity(path: Path, namespace: Path | None) -> Json:
    """Read, or choose at the first start, the number of this node at its engine and the port of its proxies."""
    found = read_state(path)
    if not found.keys() >= {"instance", "port"}:
        free = next(port for port in random.sample(PORTS, len(PORTS)) if port_is_free(port, namespace))
        found = {"instance": secrets.token_hex(4), "port": free, **found}
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(json.dumps(found))
    return found


def _network_of(container: Json) -> str:
    networks: Mapping[str, Json] = (container.get("NetworkSettings") or {}).get("Networks") or {}
    return next((str(joined["NetworkID"]) for joined in networks.values()), "")
