"""The doorbell of a task: tells that something changed and it is worth looking again.

Live events where the extra `events` is installed and the server lets us hear; else the held status of the task.
A missed event costs seconds: whoever waits looks again anyway.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from hanse._http import Session
from hanse._modes import settle
from hanse_core import events
from hanse_core.errors import Unavailable
from hanse_core.protocol import NAMESPACE
from hanse_core.states import RunStatus
from hanse_core.wire.tasks import Task

_LIVE_SECONDS = 5.0
_HELD_SECONDS = 15.0
_REOPEN_SECONDS = 30.0
_RINGS = frozenset({events.STATUS_UPDATE, events.RUN_STATUS_CHANGED, events.NEW_TASK, events.KILL})
_REFUSED = frozenset({events.EXPIRED_TOKEN, events.INVALID_TOKEN})


class Doorbell:
    """Rings when a task may have changed. Open it before the first look, so that no change is missed."""

    def __init__(self, session: Session, task: Task, *, live: bool) -> None:
        self._session = session
        self._task = task
        self._live = live
        self._socket: Any = None
        self._reopen_at = 0.0

    async def open(self) -> None:
        """Listen to live events, if that is possible."""
        socket = self._session.transport.socket() if self._live else None
        if socket is None or time.monotonic() < self._reopen_at:
            return
        from socketio.exceptions import SocketIOError

        tokens = await self._session.identity()
        if tokens.is_personal:  # The server lets these not listen.
            self._live = False
            return
        origin = str(self._session.url.copy_with(raw_path=b"/"))
        headers = {"Authorization": f"Bearer {tokens.access}"}
        try:
            await settle(socket.connect(origin, headers=headers, namespace=NAMESPACE, wait_timeout=5))
        except SocketIOError:
            self._reopen_at = time.monotonic() + _REOPEN_SECONDS
            return
        self._socket = socket

    async def ring(self, seconds: float) -> None:
        """Return when the task may have changed, after `seconds` at the latest (or a little later)."""
        if self._socket is not None:
            await self._hear(min(seconds, _LIVE_SECONDS))
            return
        await self.open()
        if self._socket is None:
            await self._hold(min(seconds, _HELD_SECONDS))

    async def close(self) -> None:
        """Stop listening."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await settle(socket.disconnect())

    async def _hear(self, seconds: float) -> None:
        from socketio.exceptions import SocketIOError, TimeoutError

        ends = time.monotonic() + seconds
        try:
            while (left := ends - time.monotonic()) > 0:
                name, *data = await settle(self._socket.receive(timeout=left))
                if name in _REFUSED:
                    await self.close()
                    with suppress(Unavailable):
                        await self._session.renew(await self._session.identity())
                    return
                if self._concerns_us(name, data):
                    self._socket.input_buffer.clear()
                    return
        except TimeoutError:
            return
        except SocketIOError:
            await self.close()

    def _concerns_us(self, name: str, data: list[Any]) -> bool:
        fields = data[0] if data and isinstance(data[0], dict) else {}
        return name in _RINGS and fields.get("job_id", self._task.job_id) == self._task.job_id

    async def _hold(self, seconds: float) -> None:
        """Wait for the held status. A server that does not hold it (v4, or one that closes) is asked once a second."""
        began = time.monotonic()
        try:
            answer = await self._session.held(f"task/{self._task.id}/status", seconds)
        except Unavailable:
            answer = None
        if answer is not None and RunStatus(answer["status"]).is_finished:
            return
        await self._session.transport.pause(min(1.0, max(0.0, seconds - (time.monotonic() - began))))
