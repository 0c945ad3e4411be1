"""From a run's network to its proxy and what else it reaches: TCP ports on the network's gateway, carried to sockets.

Whose connection it is follows from where it arrives: the port of a network serves the one run that has that network.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

import structlog

from hanse_node.runtimes.base import Door, StartFailed
from hanse_node.runtimes.docker.namespaces import within
from hanse_node.runtimes.docker.networks import Network
from hanse_node.streams import CHUNK, carry
from hanse_node.threads import in_thread

MOST_CONNECTIONS = 200
BACKLOG = 128
HIGHEST_PORT = 65536
log = structlog.get_logger()


@dataclass(slots=True)
class _Open:
    doors: tuple[Door, ...] = ()
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

    async def open(self, network: Network, proxy: Door, doors: Sequence[Door] = ()) -> tuple[Door, ...]:
        """Serve the run that has this network with its proxy and these doors; give them with their ports.

        Raises `StartFailed` when one must have a port that it cannot have.
        """
        if network.id in self._open:
            return self._open[network.id].doors[1:]
        opened = self._open[network.id] = _Open()
        opening = asyncio.ensure_future(self._serve(opened, network, proxy, doors))
        try:
            return await asyncio.shield(opening)
        except BaseException:
            await asyncio.wait({opening})  # cut short, it would lose the socket that it is just opening
            await self.close(network)
            raise

    async def _serve(self, opened: _Open, network: Network, proxy: Door, doors: Sequence[Door]) -> tuple[Door, ...]:
        further = iter(range((proxy.port or 0) + 1, HIGHEST_PORT))
        for door in (proxy, *sorted(doors, key=_may_move)):
            listening = await in_thread(within, self._namespace, partial(_listen_for, door, network, further))
            handler = _handler(network, door.path, opened.tasks)
            opened.servers.append(await asyncio.start_server(handler, sock=listening, limit=CHUNK))
            opened.doors += (replace(door, port=int(listening.getsockname()[1])),)
        return opened.doors[1:]

    def ports(self, network: Network) -> tuple[int, ...]:
        """Give the ports that are served on a network now."""
        opened = self._open.get(network.id)
        return tuple(door.port for door in opened.doors if door.port) if opened else ()

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


def _may_move(door: Door) -> bool:
    return door.label is not None or door.port is None


def _listen_for(door: Door, network: Network, further: Iterator[int]) -> socket.socket:
    """Listen where the run expects a door; one that may move goes to the next port that is free."""
    wanted = iter(() if door.port is None else (door.port,))
    for port in chain(wanted, further) if _may_move(door) else wanted:
        try:
            return _listen(network.gateway, port)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL or not _may_move(door):
                where = f"{network.gateway}:{port}, where a run finds {door.host}" if door.host else network.gateway
                raise StartFailed(f"the node cannot listen at {where}: {error.strerror}") from error
    raise StartFailed("this machine has no port left for what a run is to reach")


def _listen(address: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError:
        listening.close()
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
