"""Which ways out a run has, and the sockets behind which they are."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from hanse_node.egress.dialling import Dialler, Networks, Resolver, resolve
from hanse_node.egress.proxy import EgressProxy
from hanse_node.egress_settings import STOCK
from hanse_node.policy.decision import Terms
from hanse_node.runtimes.base import StartFailed
from hanse_node.settings import Settings
from hanse_node.streams import CHUNK
from hanse_node.threads import in_thread

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


@dataclass(slots=True)
class _Open:
    path: Path
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    server: asyncio.AbstractServer | None = None


class WaysOut:
    """Opens what policy gives to each run, behind a Unix socket that is the run's alone, and closes it again."""

    def __init__(self, settings: Settings, inner: Networks, resolver: Resolver = resolve) -> None:
        self._settings = settings
        self._dialler = Dialler(inner, settings.proxy, settings.ca_file, resolver)
        self._open: dict[int, _Open] = {}

    async def open(self, run_id: int, folder: Path, terms: Terms, labels: Iterable[str]) -> Path | None:
        """Open the ways of a run in this folder; give the socket, if it has any. Raises `StartFailed`."""
        names = given(self._settings, terms, labels)
        if missing := unknown(self._settings, names):
            raise StartFailed(f"the policy gives a way out that this station's settings do not define: {missing[0]}")
        if not names:
            return None
        if run_id not in self._open:
            await self._listen(run_id, folder / "egress", names)
        return self._open[run_id].path

    async def close(self, run_id: int) -> None:
        """End every connection of a run, and take no more."""
        opened = self._open.pop(run_id, None)
        if opened is None:
            return
        if opened.server is not None:
            opened.server.close()
        for task in opened.tasks:
            task.cancel()
        await asyncio.gather(*opened.tasks, return_exceptions=True)
        opened.path.unlink(missing_ok=True)

    async def close_all(self) -> None:
        for run_id in list(self._open):
            await self.close(run_id)

    async def _listen(self, run_id: int, path: Path, names: list[str]) -> None:
        opened = self._open[run_id] = _Open(path)
        proxy = EgressProxy(run_id, {name: self._settings.ways[name] for name in names}, self._dialler)

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.get_running_loop().create_task(proxy.serve(reader, writer))
            opened.tasks.add(task)
            task.add_done_callback(opened.tasks.discard)

        await in_thread(path.unlink, missing_ok=True)
        opened.server = await asyncio.start_unix_server(serve, str(path), limit=CHUNK)
        log.info("egress_given", run_id=run_id, ways=",".join(names))
