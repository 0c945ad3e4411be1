"""The live part of the server: sockets, their bus, and the jobs that keep both honest."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import socketio
import structlog
from anyio import to_thread
from sqlalchemy import Engine

from hanse_core.protocol import NAMESPACE
from hanse_server.live.admission import Admission
from hanse_server.live.bus import LocalEvents, SocketBus
from hanse_server.live.connections import Connections
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
EVENT_BYTES = 1_000_000
DRAIN_SECONDS = 3.0

log = structlog.get_logger()


class Live:
    """Made in two steps, because the transactions ring for the bus and the sockets write through transactions."""

    def __init__(self, engine: Engine, allowed_origins: Sequence[str] = ("*",)) -> None:
        self.sio = socketio.AsyncServer(
            async_mode="asgi",
            always_connect=True,
            async_handlers=False,  # one after the other, so that the lines of a log keep their order
            namespaces=[NAMESPACE],
            cors_allowed_origins=_origin_check(allowed_origins),
            cors_credentials=False,
            ping_interval=25,
            ping_timeout=60,
            max_http_buffer_size=EVENT_BYTES,
        )
        self.watch = Watch(engine)
        self.connections = Connections()
        self.bells: dict[str, Callable[[], None]] = {}
        """What is to be rung in this process by events of these names."""
        self.namespace: TasksNamespace | None = None
        self._works: Works | None = None

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
        admission = Admission(works, tokens, loaders)
        self.namespace = TasksNamespace(works, admission, self.connections, seen, refused_seconds)
        self.sio.register_namespace(self.namespace)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What must run as long as the process does."""
        if self.namespace is None:
            raise RuntimeError("the sockets are not attached yet")
        return self.watch.run, self.namespace.close_refused, self._watch_presence

    def asgi(self) -> socketio.ASGIApp:
        """Give the application that is to be mounted at `PATH`."""
        return socketio.ASGIApp(self.sio, socketio_path=None)

    async def drain(self) -> None:
        """End everything that is held open here, because this process is about to stop."""
        self.watch.drain()
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                for socket in list(self.sio.eio.sockets.values()):
                    # Without waiting for its queue to empty: a peer that is gone never empties it.
                    await socket.close(wait=False, reason=self.sio.eio.reason.SERVER_DISCONNECT)
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


def _origin_check(allowed: Sequence[str]) -> str | Callable[..., bool]:
    if "*" in allowed:
        return "*"
    expressions = [re.compile(origin) for origin in allowed]
    return lambda origin, *_: any(expression.fullmatch(origin) for expression in expressions)
