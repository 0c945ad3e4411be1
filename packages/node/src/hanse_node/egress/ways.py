"""Which ways out a run has, and the sockets behind which they are."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog

from hanse_node import connections, secrets
from hanse_node.egress.dialling import Dialler, Networks, NoAnswer, Resolver, resolve
from hanse_node.egress.passage import Passage
from hanse_node.egress.proxy import EgressProxy
from hanse_node.egress.rules import Destination
from hanse_node.egress_settings import STOCK
from hanse_node.policy.decision import Terms
from hanse_node.runtimes.base import Door, StartFailed
from hanse_node.settings import Settings
from hanse_node.sources import Selection
from hanse_node.streams import CHUNK
from hanse_node.threads import in_thread

PROXY_HOST = "proxyserver"
"""The node, as every run calls it."""
log = structlog.get_logger()


def given(settings: Settings, terms: Terms, labels: Iterable[str]) -> list[str]:
    """Name the ways out of a run: those of its image, and those of the databases that it selected."""
    selected = set(labels)
    names = list(terms.egress)
    if terms.stock_egress:
        names += [name for name in settings.ways if name == STOCK]
    names += [name for database in settings.databases if database.label in selected for name in database.egress]
    return list(dict.fromkeys(names))


def unknown(settings: Settings, names: Iterable[str]) -> list[str]:
    """Name the ways out that a policy gives but the settings do not define."""
    return [name for name in names if name not in settings.ways]


def elsewhere(settings: Settings, labels: Iterable[str]) -> dict[str, str]:
    """Say where those of these databases are that a run reaches over the network: `host:port` by label."""
    selected = set(labels)
    found = {
        database.label: connections.place(secrets.without(database.uri))
        for database in settings.databases
        if database.label in selected and not database.is_path
    }
    return {label: str(Destination(*place)) for label, place in found.items() if place}


async def knock(settings: Settings, selected: Sequence[Selection]) -> dict[str, str]:
    """Try to reach databases over the network; say of those that cannot be reached why, by label."""
    dialler = Dialler(_no_networks, None, None, resolve)
    causes: dict[str, str] = {}
    for label, destination in remote(selected).items():
        try:
            dialled = await dialler.connect(label, destination)
        except NoAnswer as error:
            causes[label] = error.message
        else:
            dialled.line[1].close()
    return causes


async def _no_networks() -> Sequence[str]:
    return ()


@dataclass(slots=True)
class _Open:
    doors: list[Door] = field(default_factory=list)
    servers: list[asyncio.AbstractServer] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class WaysOut:
    """Opens what policy gives to each run, each behind a Unix socket that is the run's alone, and closes it again."""

    def __init__(self, settings: Settings, inner: Networks, resolver: Resolver = resolve) -> None:
        self._settings = settings
        self._dialler = Dialler(inner, settings.proxy, settings.ca_file, resolver)
        self._open: dict[int, _Open] = {}

    async def open(self, run_id: int, folder: Path, terms: Terms, selected: Sequence[Selection]) -> tuple[Door, ...]:
        """Open the ways of a run and those to its databases in this folder. Raises `StartFailed`."""
        names = given(self._settings, terms, [selection.label for selection in selected])
        if missing := unknown(self._settings, names):
            raise StartFailed(f"the policy gives a way out that this station's settings do not define: {missing[0]}")
        if run_id not in self._open:
            opened = self._open[run_id] = _Open()
            if names:
                await self._open_proxy(run_id, opened, folder, names)
            for number, (label, destination) in enumerate(remote(selected).items(), start=1):
                await self._open_database(run_id, opened, folder, label, destination, number)
        return tuple(self._open[run_id].doors)

    async def close(self, run_id: int) -> None:
        """End every connection of a run, and take no more."""
        opened = self._open.pop(run_id, None)
        if opened is None:
            return
        for server in opened.servers:
            server.close()
        for task in opened.tasks:
            task.cancel()
        await asyncio.gather(*opened.tasks, return_exceptions=True)
        for door in opened.doors:
            door.path.unlink(missing_ok=True)

    async def close_all(self) -> None:
        for run_id in list(self._open):
            await self.close(run_id)

    async def _open_proxy(self, run_id: int, opened: _Open, folder: Path, names: list[str]) -> None:
        proxy = EgressProxy(run_id, {name: self._settings.ways[name] for name in names}, self._dialler)
        await _listen(opened, Door(folder / "egress", PROXY_HOST, is_proxy=True), proxy.serve)
        log.info("egress_given", run_id=run_id, ways=",".join(names))

    async def _open_database(
        self, run_id: int, opened: _Open, folder: Path, label: str, destination: Destination, number: int
    ) -> None:
        way = f"database {label}"
        passage = Passage(run_id, way, partial(self._dialler.connect, way, destination))
        known_as = destination.host if can_be_named(destination) else f"database-{number}"
        await _listen(opened, Door(folder / _socket_name(way), known_as, destination.port, label), passage.serve)


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def _listen(opened: _Open, door: Door, serve: Serve) -> None:
    """Serve each connection that comes through a door in a task of its own."""

    def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve(reader, writer))
        opened.tasks.add(task)
        task.add_done_callback(opened.tasks.discard)

    opened.doors.append(door)
    await in_thread(door.path.unlink, missing_ok=True)
    opened.servers.append(await asyncio.start_unix_server(handle, str(door.path), limit=CHUNK))


def remote(selected: Iterable[Selection]) -> dict[str, Destination]:
    """Give, by label, where those of the databases are that are reached over the network."""
    found = {one.label: connections.place(one.uri) for one in selected if not one.is_path}
    return {label: Destination(*place) for label, place in found.items() if place}


def can_be_named(destination: Destination) -> bool:
    """Tell whether a run can know a host by its own name: addresses have none, and some names mean the run itself."""
    return destination.address is None and destination.host.lower().rstrip(".") not in (PROXY_HOST, "localhost")


def _socket_name(purpose: str) -> str:
    """Give a short name, the same after a restart: addresses of Unix sockets are limited."""
    return sha256(purpose.encode()).hexdigest()[:6]
