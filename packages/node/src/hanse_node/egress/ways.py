"""Which ways out a run has, and the sockets behind which they are."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog

from hanse_node.egress.dialling import Networks, Resolver, resolve
from hanse_node.egress.given import PROXY_HOST, can_be_named, given, remote, unknown
from hanse_node.egress.passage import Passage
from hanse_node.egress.proxy import EgressProxy
from hanse_node.egress.reach import Reach
from hanse_node.egress.rules import Destination
from hanse_node.policy.decision import Terms
from hanse_node.runtimes.base import Door, Links, StartFailed
from hanse_node.settings import Settings
from hanse_node.sources import Selection
from hanse_node.streams import CHUNK
from hanse_node.threads import in_thread

MOST_CONNECTIONS = 200
"""Of one run at a time: inside a sandbox, nothing of ours is between it and its sockets."""
log = structlog.get_logger()


@dataclass(slots=True)
class _Open:
    doors: list[Door] = field(default_factory=list)
    servers: list[asyncio.AbstractServer] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class WaysOut:
    """Opens what policy gives to each run, each behind a Unix socket that is the run's alone, and closes it again."""

    def __init__(
        self, settings: Settings, inner: Networks, resolver: Resolver = resolve, links: Links | None = None
    ) -> None:
        self._settings = settings
        self._reach = Reach(settings, inner, resolver, links)
        self._open: dict[int, _Open] = {}

    async def open(self, run_id: int, folder: Path, terms: Terms, selected: Sequence[Selection]) -> tuple[Door, ...]:
        """Open the ways of a run and those to its databases in this folder. Raises `StartFailed`."""
        names = given(self._settings, terms, [selection.label for selection in selected])
        if missing := unknown(self._settings, names):
            raise StartFailed(f"the policy gives a way out that this station's settings do not define: {missing[0]}")
        if run_id not in self._open:
            places = await self._reach.named(names, leniently=terms.stock_egress)
            opened = self._open[run_id] = _Open()
            if ways := [name for name in names if name in self._settings.ways]:
                await self._open_proxy(run_id, opened, folder, ways)
            for door, destination in _doors(folder, places, selected):
                way = f"database {door.label}" if door.label else destination.host
                passage = Passage(run_id, way, partial(self._reach.connect, way, destination))
                await _listen(opened, door, passage.serve)
            if names:
                log.info("egress_given", run_id=run_id, ways=",".join(names))
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
        await self._reach.close()

    async def _open_proxy(self, run_id: int, opened: _Open, folder: Path, names: list[str]) -> None:
        proxy = EgressProxy(run_id, {name: self._settings.ways[name] for name in names}, self._reach.dialler)
        await _listen(opened, Door(folder / "egress", PROXY_HOST, is_proxy=True), proxy.serve)


def _doors(
    folder: Path, places: Sequence[Destination], selected: Sequence[Selection]
) -> Iterator[tuple[Door, Destination]]:
    """Give the doors of a run, each with what is behind it; what is given by name needs none for a database."""
    for place in places:
        yield Door(folder / _socket_name(str(place)), place.host, place.port), place
    for number, (label, place) in enumerate(remote(selected).items(), start=1):
        if place not in places:
            known_as = place.host if can_be_named(place) else f"database-{number}"
            yield Door(folder / _socket_name(f"database {label}"), known_as, place.port, label), place


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def _listen(opened: _Open, door: Door, serve: Serve) -> None:
    """Serve each connection that comes through a door in a task of its own."""

    def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(opened.tasks) >= MOST_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(serve(reader, writer))
        opened.tasks.add(task)
        task.add_done_callback(opened.tasks.discard)

    opened.doors.append(door)
    await in_thread(door.path.unlink, missing_ok=True)
    opened.servers.append(await asyncio.start_unix_server(handle, str(door.path), limit=CHUNK))


def _socket_name(purpose: str) -> str:
    """Give a short name, the same after a restart: addresses of Unix sockets are limited."""
    return sha256(purpose.encode()).hexdigest()[:6]
