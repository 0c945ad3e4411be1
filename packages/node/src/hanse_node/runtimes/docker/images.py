"""From the name in a task to an image on this machine: the digest first, then exactly those bytes."""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from hanse_node.docker_settings import Registry
from hanse_node.runtimes.base import ImageMissing
from hanse_node.runtimes.docker.engine import Engine, EngineRefused, Json
from hanse_node.runtimes.docker.references import ImageName

REGISTRY_SECONDS = 30.0
WANTS_LOG_IN = ("unauthorized", "no basic auth credentials", "authentication required", "access denied")
log = structlog.get_logger()


@dataclass(slots=True)
class _Pull:
    """One pull that several runs may wait for; it ends when nobody waits any more."""

    task: asyncio.Task[None]
    waiting: int = 0


class Images:
    """Resolves and fetches images; asks a registry as rarely as possible."""

    def __init__(
        self,
        engine: Engine,
        registries: Mapping[str, Registry],
        *,
        registry_decides: Callable[[], bool],
        parallel: int,
        silence: float,
    ) -> None:
        self._engine = engine
        self._registries = registries
        self._registry_decides = registry_decides
        self._places = asyncio.Semaphore(parallel)
        self._silence = silence
        self._pulls: dict[str, _Pull] = {}

    async def resolve(self, image: str) -> str:
        """Give the digest that the name stands for now. Raises `ImageMissing`.

        A name that carries a digest stands for that one. Else the registry says it, or (where
        `require_algorithm_pull` is off) the image that is here already.
        """
        name = ImageName.parse(image)
        if name.digest is not None:
            return name.digest
        if not self._registry_decides() and (local := await self._inspect(name.tagged)) is not None:
            return _digest_here(name, local)
        try:
            told = await self._engine.ask(
                "GET", f"distribution/{name.tagged}/json", headers=self._credentials(name), seconds=REGISTRY_SECONDS
            )
        except EngineRefused as error:
            remedy = "" if not self._registry_decides() else (
                "; an image that was built or loaded here is used when policies.require_algorithm_pull is false"
            )  # fmt: skip
            remedy = self._log_in_remedy(name, error) or remedy
            raise ImageMissing(f"the registry does not give the image {image!r}: {error.message}{remedy}") from error
        return str(told["Descriptor"]["digest"])

    async def fetch(self, image: str, digest: str) -> str:
        """Give the id of the image with this digest, pulled when it is not here. Raises `ImageMissing`."""
        name = ImageName.parse(image)
        found = await self._here(name, digest)
        if found is None:
            await self._pull_once(name, digest)
            found = await self._here(name, digest)
        if found is None:
            raise ImageMissing(f"the registry sent something else than the image {image!r} with the digest {digest}")
        return found

    async def _here(self, name: ImageName, digest: str) -> str | None:
        """Look for an image by the digest of its index, of its manifest, or of its configuration (its id).

        An id alone would be enough for the engine; but what is allowed by its name must also have that name.
        """
        pinned = name.pinned(digest)
        found = await self._inspect(pinned)
        if found is not None and pinned in (found.get("RepoDigests") or ()):
            return str(found["Id"])
        found = await self._inspect(digest)
        named = found is not None and found["Id"] == digest and name.names(found)
        return digest if named else None

    async def _inspect(self, name: str) -> Json | None:
        try:
            found: Json = await self._engine.ask("GET", f"images/{name}/json")
        except EngineRefused as error:
            if error.answer == 404:
                return None
            raise
        return found

    async def _pull_once(self, name: ImageName, digest: str) -> None:
        """Pull, or wait for whoever is pulling the same; who gives up waiting does not end it for the others."""
        pinned = name.pinned(digest)
        pull = self._pulls.get(pinned)
        if pull is None:
            pull = self._pulls[pinned] = _Pull(asyncio.create_task(self._pull(name, pinned)))
        pull.waiting += 1
        try:
            await asyncio.shield(pull.task)
        finally:
            pull.waiting -= 1
            if not pull.waiting:
                self._pulls.pop(pinned, None)
                pull.task.cancel()
                await asyncio.wait({pull.task})

    async def _pull(self, name: ImageName, pinned: str) -> None:
        async with self._places:
            log.info("image_pull_begun", image=pinned)
            try:
                await self._engine.progress(
                    "POST", "images/create", query={"fromImage": pinned},
                    headers=self._credentials(name), silence=self._silence,
                )  # fmt: skip
            except EngineRefused as error:
                remedy = self._log_in_remedy(name, error)
                raise ImageMissing(f"the image {pinned!r} cannot be pulled: {error.message}{remedy}") from error
            log.info("image_pulled", image=pinned)

    async def log_in(self, registry: Registry) -> None:
        """Try the credentials of a registry. Raises `EngineRefused`, or `Invalid` when there is no password."""
        await self._engine.ask("POST", "auth", _login(registry), seconds=REGISTRY_SECONDS)

    def _credentials(self, name: ImageName) -> dict[str, str]:
        registry = self._registries.get(name.registry)
        if registry is None:
            return {}
        return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(_login(registry)).encode()).decode()}

    def _log_in_remedy(self, name: ImageName, error: EngineRefused) -> str:
        """Say what to do where a registry wants to know who asks; engines tell that in the words of registries only."""
        if not any(word in error.message.lower() for word in WANTS_LOG_IN):
            return ""
        if name.registry in self._registries:
            return f"; the registry {name.registry} wants another username or password: see docker_registries"
        return f"; the registry {name.registry} wants a username and password: add it under docker_registries"


def _login(registry: Registry) -> dict[str, str]:
    address = "https://index.docker.io/v1/" if registry.host == "docker.io" else registry.host
    return {"username": registry.username, "password": registry.secret(), "serveraddress": address}


def _digest_here(name: ImageName, found: Json) -> str:
    """Give the digest that a registry knows the local image by; an image that was never there has only its id."""
    pinned = [entry for entry in found.get("RepoDigests") or () if entry.startswith(f"{name.repository}@")]
    return str(pinned[0].rpartition("@")[2] if pinned else found["Id"])
