"""What happens on a socket: who enters, what nodes tell, who leaves."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import socketio
import structlog
from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError

from hanse_core import events
from hanse_core.protocol import NAMESPACE
from hanse_server.live import presence, relay, rooms
from hanse_server.live.admission import Admission, Refusal
from hanse_server.live.allowance import Allowance
from hanse_server.live.connections import Connection, Connections
from hanse_web.access import Actor, NodeActor
from hanse_web.work import Work, Works

REFUSED_SECONDS = 3.0
"""How long a refused socket stays open, so that the reason reaches it."""
MOST_SOCKETS = 50
"""Of one identity here; with one more the oldest is closed, which a peer that lost it would never do."""
_REASONS = {Refusal.EXPIRED: events.EXPIRED_TOKEN, Refusal.INVALID: events.INVALID_TOKEN}

log = structlog.get_logger()


class TasksNamespace(socketio.AsyncNamespace):  # type: ignore[misc]
    """The namespace in which all events travel. What a node says is believed only as far as it is its own."""

    def __init__(
        self,
        works: Works,
        admission: Admission,
        connections: Connections,
        seen: Callable[[Actor, datetime], None],
        refused_seconds: float = REFUSED_SECONDS,
    ) -> None:
        super().__init__(NAMESPACE)
        self._works = works
        self._admission = admission
        self._connections = connections
        self._seen = seen
        self.refused_seconds = refused_seconds
        self._refused: asyncio.Queue[str] = asyncio.Queue()
        self.allowance = Allowance(works.clock)
        self._flooding: set[int] = set()

    async def on_connect(self, sid: str, environ: Mapping[str, Any], auth: object = None) -> None:
        """Let somebody in; the socket has been accepted already, as stock nodes need it."""
        try:
            admitted = await self._admission.admit(environ.get("HTTP_AUTHORIZATION"))
        except SQLAlchemyError as error:
            log.warning("socket-admission-failed", error=type(error).__name__)
            admitted = Refusal.NO_TOKEN
        if isinstance(admitted, Refusal):
            log.info("socket-refused", reason=admitted.value)
            if admitted in _REASONS:
                await self.emit(_REASONS[admitted], to=sid)
            self._refused.put_nowait(sid)
            return
        await self._enter(sid, admitted)

    async def _enter(self, sid: str, connection: Connection) -> None:
        actor = connection.actor
        is_first = self._connections.add(sid, connection)
        self._seen(actor, self._works.clock.now())
        for oldest in self._connections.sids_of(actor.id)[:-MOST_SOCKETS]:
            await self._turn_out(oldest, None)
        if is_first:
            await self._write(presence.come_online, actor)
        if isinstance(actor, NodeActor):
            await self.emit(events.SYNC, to=sid)
            if is_first:
                await self._tell_presence(events.NODE_ONLINE, actor, sid)
        for room in connection.rooms:
            await self.enter_room(sid, room)
            await self.emit(events.MESSAGE, rooms.joined(actor, room), room=room)

    async def on_disconnect(self, sid: str, reason: object = None) -> None:
        """Note that a socket is gone, whoever closed it."""
        connection, is_last = self._connections.remove(sid)
        if connection is None:
            return
        for room in connection.rooms:
            await self.leave_room(sid, room)
            await self.emit(events.MESSAGE, rooms.left(connection.actor, room), room=room)
        if not is_last:
            return
        await self._write(presence.go_offline, connection.actor)
        if isinstance(connection.actor, NodeActor):
            await self._tell_presence(events.NODE_OFFLINE, connection.actor, sid)

    async def _tell_presence(self, name: str, node: NodeActor, sid: str) -> None:
        heard_in = presence.presence_rooms(node.collaboration_id, node.organization_id)
        data = presence.node_data(node.id, node.name, node.organization_id)
        await self.emit(name, data, room=heard_in, skip_sid=sid)

    async def on_ping(self, sid: str, *_: object) -> None:
        """Note a sign of life."""
        connection = self._connections.get(sid)
        if connection is not None:
            self._seen(connection.actor, self._works.clock.now())

    async def on_algorithm_status_change(self, sid: str, data: object = None, *_: object) -> None:
        """Pass on that a run changed its state."""
        await self._from_node(sid, data, relay.relay_status)

    async def on_algorithm_log(self, sid: str, data: object = None, *_: object) -> None:
        """Store and pass on lines of a run's log."""
        await self._from_node(sid, data, relay.relay_log)

    async def on_node_info_update(self, sid: str, data: object = None, *_: object) -> None:
        """Store what a node shares of its configuration."""
        await self._from_node(sid, data, presence.share_settings)

    async def _from_node(
        self, sid: str, data: object, use: Callable[[Work, NodeActor, Mapping[str, Any]], object]
    ) -> None:
        connection = self._connections.get(sid)
        if connection is None or not isinstance(connection.actor, NodeActor) or not isinstance(data, Mapping):
            log.info("socket-event-ignored", use=use.__name__)
            return
        if not self._is_allowed(connection.actor):
            return
        if await self._write(use, connection.actor, data) is False:
            log.info("socket-event-not-own", use=use.__name__, node=connection.actor.id)

    def _is_allowed(self, node: NodeActor) -> bool:
        """Tell whether a node has said little enough; what it says beyond is dropped, and reported over REST anyway."""
        is_allowed = self.allowance.take(node.id)
        if is_allowed:
            self._flooding.discard(node.id)
        elif node.id not in self._flooding:
            self._flooding.add(node.id)
            log.warning("node-says-too-much", node=node.id)
        return is_allowed

    async def _write(self, use: Callable[..., object], *arguments: object) -> object:
        """Do something in a transaction; what fails at this edge is logged only, because REST tells the truth."""
        try:
            async with self._works.open(write=True) as work:
                return await to_thread.run_sync(use, work, *arguments)
        except (SQLAlchemyError, ValueError, ArithmeticError) as error:
            log.warning("socket-event-failed", use=use.__name__, error=type(error).__name__)
            return None

    async def hang_up(self, identity_id: int) -> None:
        """Close all sockets of an identity: it was revoked, or does not belong here any more."""
        for sid in self._connections.sids_of(identity_id):
            await self._turn_out(sid, Refusal.INVALID)

    async def review(self) -> None:
        """Look at all sockets again: some may have expired, been revoked, or belong into other rooms by now."""
        connections = self._connections.all()
        if not connections:
            return
        for sid, judged in (await self._admission.judge_again(connections)).items():
            if isinstance(judged, Refusal):
                await self._turn_out(sid, judged)
            else:
                await self._move(sid, judged)

    async def _move(self, sid: str, judged: Connection) -> None:
        current = self._connections.get(sid)
        if current is None:
            return
        self._connections.replace(sid, judged)
        for room in sorted(set(current.rooms) - set(judged.rooms)):
            await self.leave_room(sid, room)
            await self.emit(events.MESSAGE, rooms.left(judged.actor, room), room=room)
        for room in sorted(set(judged.rooms) - set(current.rooms)):
            await self.enter_room(sid, room)
            await self.emit(events.MESSAGE, rooms.joined(judged.actor, room), room=room)

    async def _turn_out(self, sid: str, reason: Refusal | None) -> None:
        """Have a socket hear and say nothing any more, tell it why, and close it soon."""
        connection = self._connections.get(sid)
        if connection is None or not self._connections.silence(sid):
            return
        for room in connection.rooms:
            await self.leave_room(sid, room)
        if reason in _REASONS:
            await self.emit(_REASONS[reason], to=sid)
        self._refused.put_nowait(sid)

    async def close_refused(self) -> None:
        """Close refused sockets a moment after they were told why; runs as long as the process."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                sid = await self._refused.get()
                group.create_task(self._close_at(sid, loop.time() + self.refused_seconds))

    async def _close_at(self, sid: str, moment: float) -> None:
        await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))
        try:
            transport = self.server.manager.eio_sid_from_sid(sid, NAMESPACE)
            await self.disconnect(sid)
            await self.server.cut(transport)
        except (KeyError, OSError, RuntimeError) as error:
            log.debug("socket-gone-before-closing", error=type(error).__name__)
