"""The live part of the server: sockets, their bus, and the jobs that keep both honest."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import socketio
import structlog
from anyio import to_thread
from sqlalchemy import Engine

from hanse_core.protocol import NAMESPACE
from hanse_server.identity.sessions import SESSIONS_ENDED
from hanse_server.live.admission import Admission
from hanse_server.live.bus import LocalEvents, SocketBus
from hanse_server.live.connections import Connections
from hanse_server.live.guard import EVENT_BYTES, App, BoundedJson, StrictServer, guarded, quiet
from hanse_server.live.namespace import REFUSED_SECONDS, TasksNamespace
from hanse_server.live.presence import retire_silent, silent_nodes
from hanse_server.tasks.watch import Watch
from hanse_web.access import Actor, ActorLoader
from hanse_web.app import Job
from hanse_web.auth import Tokens
from hanse_web.outbox import EventBus
from hanse_web.work import Works

PATH = "/socket.io"
"""Where stock nodes look for the sockets: on the root of the server, whatever the API path is."""
PRESENCE_SECONDS = 65.0
REVIEW_SECONDS = 30.0
LEAST_PAUSE = 0.2
PAUSE_SHARE = 10
ROUND_SECONDS = 5.0
ROUNDS_TO_JOIN = 2
DRAIN_SECONDS = 3.0

log = structlog.get_logger()


class Live:
    """Made in two steps, because the transactions ring for the bus and the sockets write through transactions."""

    def __init__(self, engine: Engine, allowed_origins: Sequence[str] = ("*",)) -> None:
        self.sio = StrictServer(
            async_mode="asgi",
            always_connect=True,
            async_handlers=False,  # one after the other, so that the lines of a log keep their order
            namespaces=[NAMESPACE],
            cors_allowed_origins=_origin_check(allowed_origins),
            cors_credentials=False,
            ping_interval=25,
            ping_timeout=60,
            max_http_buffer_size=EVENT_BYTES,
            json=BoundedJson,
            logger=quiet,
            engineio_logger=quiet,
        )
        self.watch = Watch(engine)
        self.connections = Connections()
        self.bells: dict[str, Callable[[], None]] = {}
        """What is to be rung in this process by events of these names."""
        self.namespace: TasksNamespace | None = None
        self._works: Works | None = None
        self._changed = asyncio.Event()
        self.bells[SESSIONS_ENDED] = self._changed.set
        self._strangers: dict[str, int] = {}

    def bus(self, outer: EventBus | None = None) -> EventBus:
        """Give where the outbox delivers to: the sockets, or another bus in their place."""
        return LocalEvents(outer or SocketBus(self.sio), self.watch, self.hang_up, self.bells)

    def attach(
        self,
        works: Works,
        tokens: Tokens,
        loaders: Mapping[str, ActorLoader],
        seen: Callable[[Actor, datetime], None],
        refused_seconds: float = REFUSED_SECONDS,
    ) -> None:
        """Give the sockets what they need to let somebody in."""
        self._works = works
        works.known.listeners.append(self._changed.set)
        admission = Admission(works, tokens, loaders)
        self.namespace = TasksNamespace(works, admission, self.connections, seen, refused_seconds)
        self.sio.register_namespace(self.namespace)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What must run as long as the process does."""
        if self.namespace is None:
            raise RuntimeError("the sockets are not attached yet")
        watches = self._watch_presence, self._watch_rights, self._watch_strangers
        return self.watch.run, self.namespace.close_refused, *watches

    def asgi(self) -> App:
        """Give the application that is to be mounted at `PATH`."""
        return guarded(socketio.ASGIApp(self.sio, socketio_path=None))

    async def drain(self) -> None:
        """End everything that is held open here, because this process is about to stop; peers look for the next."""
        self.watch.drain()
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                for key in list(self.sio.eio.sockets):
                    # Without waiting for its queue to empty: a peer that is gone never empties it.
                    await self.sio.lose(key)
                if self.sio.eio.service_task_handle is not None:
                    await self.sio.shutdown()
        except TimeoutError:
            log.warning("sockets-not-drained")

    async def hang_up(self, identity_id: int) -> None:
        """Close all sockets of an identity."""
        if self.namespace is not None:
            await self.namespace.hang_up(identity_id)

    async def retire_silent_nodes(self) -> int:
        """Mark nodes offline that are neither connected here nor were heard of for a while."""
        if self._works is None:
            return 0
        connected = self.connections.identities
        async with self._works.open(write=False) as work:
            silent = await to_thread.run_sync(silent_nodes, work, connected)
        if not silent:
            return 0
        async with self._works.open(write=True) as work:
            return await to_thread.run_sync(retire_silent, work, connected)

    async def _watch_presence(self) -> None:
        while True:
            await asyncio.sleep(PRESENCE_SECONDS)
            await self.retire_silent_nodes()

    async def _watch_rights(self) -> None:
        """Look at the sockets again whenever rights were changed here, and now and then for changes elsewhere."""
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(REVIEW_SECONDS):
                    await self._changed.wait()
            self._changed.clear()
            begun = loop.time()
            if self.namespace is not None:
                await self.namespace.review()
            # Many changes are looked at together, and never for more than a part of the time.
            await asyncio.sleep(max(LEAST_PAUSE, PAUSE_SHARE * (loop.time() - begun)))

    async def _watch_strangers(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            await self.cut_strangers()

    async def cut_strangers(self) -> int:
        """Close transports that have not joined in so many rounds; gives how many."""
        self._strangers = {key: self._strangers.get(key, 0) + 1 for key in self.sio.strangers()}
        late = [key for key, rounds in self._strangers.items() if rounds > ROUNDS_TO_JOIN]
        for key in late:
            await self.sio.cut(key)
        return len(late)


def _origin_check(allowed: Sequence[str]) -> str | Callable[..., bool]:
    if "*" in allowed:
        return "*"
    expressions = [re.compile(origin) for origin in allowed]
    return lambda origin, *_: any(expression.fullmatch(origin) for expression in expressions)
