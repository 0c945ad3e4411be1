"""Other containers of the engine, found by their names: services that a station shares with its runs."""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

from hanse_node.runtimes.base import StartFailed
from hanse_node.runtimes.docker.engine import Engine, EngineRefused, Json
from hanse_node.runtimes.docker.namespaces import within
from hanse_node.streams import CHUNK, Line
from hanse_node.threads import in_thread


class ContainerLinks:
    """Looks a container up for each connection: it may have been started anew, with another address."""

    def __init__(self, engine: Engine, namespace: Path | None) -> None:
        self._engine = engine
        self._namespace = namespace

    async def ports(self, container: str) -> Sequence[int]:
        described = await self._described(container)
        declared = (described.get("Config") or {}).get("ExposedPorts") or {}
        return sorted(int(text.partition("/")[0]) for text in declared if text.endswith("/tcp"))

    async def connect(self, container: str, port: int) -> Line:
        address = _address(container, await self._described(container))
        line = await in_thread(within, self._namespace, _new_socket)
        try:
            await asyncio.get_running_loop().sock_connect(line, (address, port))
            return await asyncio.open_connection(sock=line, limit=CHUNK)
        except BaseException:
            line.close()
            raise

    async def _described(self, container: str) -> Json:
        try:
            found: Json = await self._engine.ask("GET", f"containers/{container}/json")
        except EngineRefused as error:
            if error.answer == 404:
                raise StartFailed(f"the engine of this station has no container {container}") from error
            raise
        if container not in (str(found["Name"]).removeprefix("/"), found["Id"]):
            # Engines also take the beginning of an id: a run's container must never pass for a service that is away.
            raise StartFailed(f"the engine of this station has no container {container}")
        return found


def _address(container: str, described: Json) -> str:
    """Give where the engine's machine reaches a container; one that shares that machine's network is there itself."""
    if not described["State"]["Running"]:
        raise StartFailed(f"the container {container} does not run")
    if described["HostConfig"].get("NetworkMode") == "host":
        return "127.0.0.1"
    networks = described["NetworkSettings"]["Networks"].values()
    address = next((str(joined["IPAddress"]) for joined in networks if joined.get("IPAddress")), "")
    if not address:
        raise StartFailed(f"the container {container} is on no network")
    return address


def _new_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    return made
