"""Connecting on behalf of a run: names are resolved here, and what was judged is what is connected to."""

import asyncio
import base64
import socket
from asyncio.staggered import staggered_race
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hanse_core.errors import Unavailable
from hanse_node import trust
from hanse_node.egress.rules import Address, Destination, permitted, plain_address, way_to
from hanse_node.egress_settings import HttpProxy, Way
from hanse_node.streams import Line

SECONDS = 15.0
HEAD_START = 0.25
ANSWER_BYTES = 65536
Resolver = Callable[[str], Awaitable[Sequence[str]]]
Networks = Callable[[], Awaitable[Sequence[str]]]


class NoAnswer(Unavailable):
    """A destination that is allowed but does not answer."""

    status = 502


@dataclass(frozen=True, slots=True)
class Dialled:
    """A connection, and how it came about."""

    line: Line
    way: str
    peer: str
    """Where the connection goes: an address, or the proxy."""
    authorization: str | None = None
    """With a proxy at the other end: what it wants to hear with each plain request (may be empty)."""


async def resolve(name: str) -> Sequence[str]:
    """Ask the machine's name service."""
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Dialler:
    """Connects to what the ways of a run lead to, and to nothing else."""

    def __init__(self, inner: Networks, proxy: HttpProxy | None, ca_file: Path | None, resolver: Resolver) -> None:
        """`ca_file` is for a proxy that is spoken to over TLS. Raises `CannotStart` when it cannot be used."""
        self._inner = inner
        self._proxy = proxy
        self._trust = trust.context(ca_file) if proxy is not None and proxy.is_secure else None
        self._resolve = resolver

    async def dial(self, ways: Mapping[str, Way], destination: Destination, *, plain: bool) -> Dialled:
        """Connect; `plain` is for single HTTP requests, which a proxy takes without a tunnel.

        Raises `Refused` and `NoAnswer`.
        """
        name, way = way_to(ways, destination)
        async with in_time(destination):
            if way.through_proxy and self._proxy is not None:
                return await self._through(self._proxy, name, ways, destination, plain=plain)
            addresses = await self._addresses(destination)
            good = permitted(ways, destination, addresses, await self._all_inner(addresses))
            return await self._directly(name, good, destination)

    async def connect(self, way: str, destination: Destination) -> Dialled:
        """Connect to what the settings of this station name themselves, wherever that is. Raises `NoAnswer`."""
        async with in_time(destination):
            return await self._directly(way, await self._addresses(destination), destination)

    async def _addresses(self, destination: Destination) -> list[Address]:
        if destination.address is not None:
            return [destination.address]
        try:
            found = await self._resolve(destination.host)
            return [plain_address(text) for text in dict.fromkeys(found)]
        except (socket.gaierror, UnicodeError) as error:
            raise NoAnswer(f"the name {destination.host} is not known here: {error}") from error

    async def _all_inner(self, addresses: Sequence[Address]) -> list[str]:
        own = [str(address) for address in addresses if _is_of_this_machine(address)]
        return [*own, *await self._inner()]

    async def _directly(self, way: str, addresses: Sequence[Address], destination: Destination) -> Dialled:
        """Take the address that answers first; each has a head start on the next, so that a dead one costs no more."""
        tries = [partial(_connected, address, destination.port) for address in addresses]
        connected, number, troubles = await staggered_race(tries, HEAD_START)
        if connected is None or number is None:
            raise next((error for error in reversed(troubles) if isinstance(error, OSError)), OSError("no address"))
        return Dialled(await asyncio.open_connection(sock=connected), way, str(addresses[number]))

    async def _through(
        self, proxy: HttpProxy, way: str, ways: Mapping[str, Way], destination: Destination, *, plain: bool
    ) -> Dialled:
        """Let the proxy resolve names: this machine may have no name service for the outside."""
        if destination.address is not None:
            permitted(ways, destination, [destination.address], await self._all_inner([destination.address]))
        host, port = proxy.address
        try:
            reader, writer = await asyncio.open_connection(host, port, ssl=self._trust)
        except OSError as error:
            raise NoAnswer(f"the proxy {proxy.url} cannot be reached: {error.strerror or error}") from error
        said = _authorization(proxy)
        if plain:
            return Dialled((reader, writer), way, proxy.url, said)
        try:
            await _ask_for_tunnel(reader, writer, proxy, destination, said)
        except BaseException:
            writer.transport.abort()
            raise
        return Dialled((reader, writer), way, proxy.url)


async def _connected(address: Address, port: int) -> socket.socket:
    """Connect, or leave no socket open: also one that connects in the moment in which another address wins."""
    trial = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6)
    try:
        trial.setblocking(False)
        await asyncio.get_running_loop().sock_connect(trial, (str(address), port))
    except BaseException:
        trial.close()
        raise
    return trial


@asynccontextmanager
async def in_time(destination: Destination) -> AsyncIterator[None]:
    """Limit what connects somewhere, and say what went wrong. Raises `NoAnswer`."""
    try:
        async with asyncio.timeout(SECONDS):
            yield
    except TimeoutError:
        raise NoAnswer(f"{destination} does not answer within {SECONDS:.0f} s") from None
    except OSError as error:
        raise NoAnswer(f"{destination} cannot be reached: {error.strerror or error}") from error


async def _ask_for_tunnel(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, proxy: HttpProxy, destination: Destination, said: str
) -> None:
    lines = [f"CONNECT {destination} HTTP/1.1", f"Host: {destination}"]
    lines += [f"Proxy-Authorization: {said}"] if said else []
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError) as error:
        raise NoAnswer(f"the proxy {proxy.url} does not answer as one") from error
    if status == 407:
        raise NoAnswer(f"the proxy {proxy.url} does not accept the username and password of this station")
    if status != 200:
        raise NoAnswer(f"the proxy {proxy.url} refuses {destination} ({status})")


def _authorization(proxy: HttpProxy) -> str:
    found = proxy.credentials()
    return "" if found is None else "Basic " + base64.b64encode(":".join(found).encode()).decode()


def _is_of_this_machine(address: Address) -> bool:
    """Tell whether an address is one of this machine's own: only those can be bound."""
    try:
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as trial:
            trial.bind((str(address), 0))
    except OSError:
        return False
    return True
