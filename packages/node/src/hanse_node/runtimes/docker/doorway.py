"""From a run's network to the run's proxy: a TCP port on the network's gateway, carried to the run's Unix socket.

Whose connection it is follows from where it arrives: the port of a network serves the one run that has that network.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from hanse_node.runtimes.base import StartFailed
from hanse_node.runtimes.docker.namespaces import within
from hanse_node.runtimes.docker.networks import Network
from hanse_node.threads import in_thread

CHUNK = 65536
MOST_CONNECTIONS = 200
BACKLOG = 128
log = structlog.get_logger()


@dataclass(slots=True)
class _Open:
    server: asyncio.Server
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Doorway:
    """Opens and closes the ports of runs."""

    def __init__(self, port: int, namespace: Path | None) -> None:
        self._port = port
        self._namespace = namespace
        self._open: dict[str, _Open] = {}

    async def open(self, network: Network, path: Path) -> None:
        """Serve the run that has this network with what listens at a path."""
        if network.id in self._open:
            return
        listening = await in_thread(within, self._namespace, lambda: _listen(network.gateway, self._port))
        tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(_handler(network, path, tasks), sock=listening, limit=CHUNK)
        self._open[network.id] = _Open(server, tasks)

    async def close(self, network: Network) -> None:
        """Close the port of a network, and every connection that came through it."""
        opened = self._open.pop(network.id, None)
        if opened is None:
            return
        opened.server.close()
        for task in opened.tasks:
            task.cancel()
        await asyncio.gather(*opened.tasks, return_exceptions=True)

    async def close_all(self) -> None:
        for network_id in list(self._open):
            opened = self._open.pop(network_id)
            opened.server.close()
            for task in opened.tasks:
                task.cancel()
            await asyncio.gather(*opened.tasks, return_exceptions=True)


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
        inner_reader, inner_writer = await asyncio.open_unix_connection(str(path), limit=CHUNK)
    except OSError:
        writer.transport.abort()
        return
    ways = [asyncio.ensure_future(_flow(reader, inner_writer)), asyncio.ensure_future(_flow(inner_reader, writer))]
    try:
        # When either side goes away, so does the other.
        await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for end in (writer, inner_writer):
            end.transport.abort() if end.transport.get_write_buffer_size() else end.close()


async def _flow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one direction; a slow receiver slows the sender."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    with suppress(OSError, NotImplementedError):
        writer.write_eof()
