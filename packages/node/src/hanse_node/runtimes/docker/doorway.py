"""From a run's network to the run's proxy: a TCP port on the network's gateway, carried to the run's Unix socket.

Whose connection it is follows from where it arrives: the port of a network serves the one run that has that network.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

from hanse_node.runtimes.base import StartFailed
from hanse_node.runtimes.docker.namespaces import within
from hanse_node.runtimes.docker.networks import Network
from hanse_node.streams import CHUNK, carry
from hanse_node.threads import in_thread

MOST_CONNECTIONS = 200
BACKLOG = 128
log = structlog.get_logger()


@dataclass(slots=True)
class _Open:
    ports: tuple[int, ...]
    servers: list[asyncio.Server] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def close(self) -> None:
        for server in self.servers:
            server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class Doorway:
    """Opens and closes the ports of runs."""

    def __init__(self, namespace: Path | None) -> None:
        self._namespace = namespace
        self._open: dict[str, _Open] = {}

    async def open(self, network: Network, doors: Mapping[int, Path]) -> None:
        """Serve the run that has this network, at each port with what listens at a path. Raises `StartFailed`."""
        if network.id in self._open:
            return
        opened = self._open[network.id] = _Open(tuple(doors))
        opening = asyncio.ensure_future(self._serve(opened, network, doors))
        try:
            await asyncio.shield(opening)
        except BaseException:
            await asyncio.wait({opening})  # cut short, it would lose the socket that it is just opening
            await self.close(network)
            raise

    async def _serve(self, opened: _Open, network: Network, doors: Mapping[int, Path]) -> None:
        for port, path in doors.items():
            listening = await in_thread(within, self._namespace, partial(_listen, network.gateway, port))
            handler = _handler(network, path, opened.tasks)
            opened.servers.append(await asyncio.start_server(handler, sock=listening, limit=CHUNK))

    def ports(self, network: Network) -> tuple[int, ...]:
        """Give the ports that are served on a network now."""
        opened = self._open.get(network.id)
        return opened.ports if opened else ()

    async def close(self, network: Network) -> None:
        """Close the ports of a network, and every connection that came through them."""
        opened = self._open.pop(network.id, None)
        if opened is not None:
            await opened.close()

    async def close_all(self) -> None:
        while self._open:
            await self._open.popitem()[1].close()


def port_is_free(port: int, namespace: Path | None) -> bool:
    """Tell whether nothing in the engine's network namespace uses a port."""

    def try_it() -> bool:
        try:
            _listen("", port).close()
        except OSError:
            return False
        return True

    return within(namespace, try_it)


def _listen(address: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if address and error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
            raise StartFailed(f"the node cannot listen at {address}:{port} for a run: {error.strerror}") from error
        raise
    return listening


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


def _handler(network: Network, path: Path, tasks: set[asyncio.Task[None]]) -> Handler:
    def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        if not peer or not network.has(peer) or len(tasks) >= MOST_CONNECTIONS:
            log.warning("connection_refused", peer=peer, gateway=network.gateway)
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(_carry(reader, writer, path))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return handle


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: Path) -> None:
    try:
        inner = await asyncio.open_unix_connection(str(path), limit=CHUNK)
    except OSError:
        writer.transport.abort()
        return
    await carry((reader, writer), inner)
