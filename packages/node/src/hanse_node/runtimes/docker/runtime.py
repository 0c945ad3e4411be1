"""Run each algorithm in a container."""

import asyncio
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hanse_node import run_context
from hanse_node.docker_settings import Docker, Registry
from hanse_node.errors import CannotStart
from hanse_node.runtimes.base import Exit, Links, RunSpec, StartFailed
from hanse_node.runtimes.docker import labels
from hanse_node.runtimes.docker.engine import Engine, EngineRefused, Json
from hanse_node.runtimes.docker.following import LOST, Following
from hanse_node.runtimes.docker.generations import Generations
from hanse_node.runtimes.docker.images import Images
from hanse_node.runtimes.docker.isolation import Isolation
from hanse_node.runtimes.docker.links import ContainerLinks
from hanse_node.runtimes.docker.networks import Network
from hanse_node.runtimes.docker.probe import Probe
from hanse_node.runtimes.docker.undoing import made_or_undone
from hanse_node.threads import in_thread

CONTAINER = re.compile(r"^[0-9a-f]{64}$")
OPEN_FOLDER, OPEN_FILE = 0o777, 0o666
"""Any user of a container may use what the run is given; here it lies in folders that only the node enters."""


class DockerRuntime:
    """One container per run. The reference of a run is the container's id; all else is in the container's labels."""

    name = "docker"

    def __init__(
        self,
        name: str,
        docker: Docker,
        state: Path,
        *,
        registries: Sequence[Registry] = (),
        registry_decides: Callable[[], bool] = lambda: True,
        spare: int = 1,
        gpu: bool = False,
        outside: Sequence[tuple[str, int]] = (),
        probe: type[Probe] = Probe,
        runs: Path | None = None,
    ) -> None:
        """Know where the folders of `runs` will be, and it is told at the start when the engine cannot see them."""
        self._engine = Engine(docker.host)
        self.links: Links = ContainerLinks(self._engine, docker.network_namespace)
        self._state = state.absolute()
        self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._images = Images(
            self._engine, {registry.host: registry for registry in registries}, registry_decides=registry_decides,
            parallel=docker.parallel_pulls, silence=docker.pull_silence,
        )  # fmt: skip
        self._isolation = Isolation(
            self._engine, docker, name, self._state, spare=spare, gpu=gpu, outside=outside, probe=probe
        )  # fmt: skip
        self._generations = Generations(self._engine)
        self._runs = runs
        self._followed: dict[str, Following] = {}

    async def prepare(self) -> None:
        try:
            await self._isolation.ready()
            if self._runs is not None:
                self._isolation.recipe.whereabouts.on_host(self._runs)
        except StartFailed as error:
            raise CannotStart(error.message) from error

    @property
    def kernels(self) -> Mapping[str | None, str]:
        """Releases of the kernels that containers see under each OCI runtime; empty before isolation is proven."""
        return self._isolation.kernels

    async def resolve(self, image: str) -> str:
        return await self._images.resolve(image)

    async def log_in(self, registry: Registry) -> None:
        """Try the credentials of a registry. Raises `EngineRefused`, or `Invalid` when there is no password."""
        await self._images.log_in(registry)

    async def fetch(self, image: str, digest: str) -> None:
        await self._images.fetch(image, digest)

    async def start(self, spec: RunSpec) -> str:
        self._isolation.recipe.check(spec)
        image_id = await self._images.fetch(spec.image, spec.digest)
        network, doors = await self._isolation.take(spec.proxy_socket, spec.doors)
        spec = replace(spec, doors=doors)
        try:
            await in_thread(_let_in, spec)
            await in_thread(run_context.write, spec, self._isolation.recipe.view(spec))
            container = await made_or_undone(self._create(spec, image_id, network), self._drop)
        except BaseException:
            await asyncio.shield(self._isolation.release(network.id))
            raise
        try:
            following = self._follow(container, fresh=True)
            await following.listening()
            await self._generations.require_spoken(image_id, container)
            await self._engine.ask("POST", f"containers/{container}/start")
        except BaseException:
            # With its network: a container that was never started does not know its own.
            await asyncio.shield(self._take_away(container, network.id))
            raise
        following.started()
        return container

    def holds(self, spec: RunSpec) -> str:
        return self._isolation.recipe.holds(spec)

    async def wait(self, reference: str) -> Exit:
        if not CONTAINER.fullmatch(reference):
            return LOST
        ended = await self._follow(reference).ended()
        if ended.reason == "lost":
            await self._forget(reference)
        elif (network := await self._network(reference)) is not None:
            await self._isolation.shut(network)
        return ended

    async def logs(self, reference: str, offset: int = 0) -> bytes:
        if not CONTAINER.fullmatch(reference):
            return b""
        if reference not in self._followed and not (self._folder(reference) / "log").exists():
            return b""
        return await in_thread(self._follow(reference).printed, offset)

    async def stop(self, reference: str) -> None:
        if not CONTAINER.fullmatch(reference):
            return
        following = self._follow(reference)
        await following.listening()
        await following.kill("killed")
        await following.ended()

    async def remove(self, reference: str) -> None:
        if not CONTAINER.fullmatch(reference):
            return
        await self._take_away(reference, await self._network(reference))

    async def _take_away(self, reference: str, network: str | None) -> None:
        try:
            await self._drop(reference)
        except EngineRefused as error:
            if error.answer not in (404, 409):
                raise
        await self._forget(reference)
        if network is not None:
            await self._isolation.release(network)

    async def adopt(self) -> Mapping[int, str]:
        await self._isolation.ready()
        containers = await self._isolation.containers()
        never_started = [container["Id"] for container in containers if container["State"] == "created"]
        for container in never_started:
            await self.remove(container)
        kept = [container for container in containers if container["Id"] not in never_started]
        await self._isolation.serve(kept)
        return {int(container["Labels"][labels.RUN]): str(container["Id"]) for container in kept}

    async def networks(self) -> Sequence[str]:
        return await self._isolation.engine_networks()

    async def close(self) -> None:
        for following in self._followed.values():
            await following.stop()
        self._followed.clear()
        await self._isolation.close()
        await self._engine.close()

    async def _drop(self, container: str) -> None:
        await self._engine.ask("DELETE", f"containers/{container}", query={"force": True, "v": True})

    async def _create(self, spec: RunSpec, image_id: str, network: Network) -> str:
        body = self._isolation.recipe.container(spec, image_id, network)
        name = self._isolation.labels.container(spec.run_id)
        try:
            return await self._created(name, body)
        except EngineRefused as error:
            if error.answer != 409:
                raise StartFailed(f"the engine cannot create the container: {error.message}") from error
        await self._remove_former(name, spec.run_id)
        return await self._created(name, body)

    async def _created(self, name: str, body: Json) -> str:
        return str((await self._engine.ask("POST", "containers/create", body, query={"name": name}))["Id"])

    async def _remove_former(self, name: str, run_id: int) -> None:
        """Remove what an ended attempt at the same run left. Raises `StartFailed` when it still runs."""
        former = await self._engine.ask("GET", f"containers/{name}/json")
        if former["State"]["Running"]:
            raise StartFailed(f"run {run_id} is already running")
        await self.remove(str(former["Id"]))

    async def _network(self, reference: str) -> str | None:
        try:
            found = await self._engine.ask("GET", f"containers/{reference}/json")
        except EngineRefused:
            return None
        joined = found["NetworkSettings"]["Networks"].values()
        return next((str(entry["NetworkID"]) for entry in joined), None)

    def _folder(self, reference: str) -> Path:
        return self._state / "runs" / reference[:16]

    def _follow(self, reference: str, *, fresh: bool = False) -> Following:
        following = self._followed.get(reference)
        if following is None:
            folder = self._folder(reference)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            following = self._followed[reference] = Following(self._engine, reference, folder, fresh=fresh)
        return following

    async def _forget(self, reference: str) -> None:
        following = self._followed.pop(reference, None)
        if following is not None:
            await following.stop()
        with suppress(OSError):
            await in_thread(shutil.rmtree, self._folder(reference))


def _let_in(spec: RunSpec) -> None:
    """Let any user of the container use what the run is given; nothing of the run has been there yet."""
    for folder in (spec.folder, spec.temporary):
        os.chmod(folder, OPEN_FOLDER)
    for name in ("input", "output", "token"):
        os.chmod(spec.folder / name, OPEN_FILE)
