"""Where the events of the outbox go: to the sockets, and some of them only to this process itself."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import socketio

from hanse_core.protocol import NAMESPACE
from hanse_server.accounts.rules import IDENTITY_REVOKED
from hanse_server.tasks.watch import TASK_CHANGED, Watch
from hanse_web.outbox import Event, EventBus


class SocketBus:
    """Tells events to the rooms of the Socket.IO server; who is in several of the rooms hears it once."""

    def __init__(self, sio: socketio.AsyncServer) -> None:
        self._sio = sio

    async def publish(self, event: Event) -> None:
        await self._sio.emit(event.name, event.data, room=list(event.rooms), namespace=NAMESPACE)


class LocalEvents:
    """Acts on the events that are for the server itself, and hands all others on."""

    def __init__(
        self,
        outer: EventBus,
        watch: Watch,
        hang_up: Callable[[int], Awaitable[None]],
        bells: Mapping[str, Callable[[], None]],
    ) -> None:
        self._outer = outer
        self._watch = watch
        self._hang_up = hang_up
        self._bells = bells

    async def publish(self, event: Event) -> None:
        data: Any = event.data
        if event.name == TASK_CHANGED:
            self._watch.ring(data["ids"])
        elif event.name == IDENTITY_REVOKED:
            await self._hang_up(data["id"])
        elif event.name in self._bells:
            self._bells[event.name]()
        elif event.rooms:
            await self._outer.publish(event)
