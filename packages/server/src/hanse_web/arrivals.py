"""Connections whose requests do not arrive, which would be held open for ever, are given up."""

import asyncio
import resource

from hanse_web.departures import Departures

SPARE_FILES = 200
"""Open files left for the database, the log, blobs and calls to others."""


def most_connections() -> int:
    """Count the connections that may be open at a time: what the limit of open files leaves."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 10_000 if files == resource.RLIM_INFINITY else max(min(files - SPARE_FILES, 10_000), 50)


class Arrivals(Departures):
    """Wants the head of a request within `seconds`, and then `bytes_least` of its body in each such time.

    It counts only while something is to come: not while a request is answered or held, nor for WebSockets; and not
    while we ourselves do not read on.
    """

    seconds = 15.0
    bytes_least = 15_000
    most = most_connections()

    _awaited: str | None = "head"
    _timer: asyncio.TimerHandle | None = None
    _arrived = 0
    _was_paused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most:
            self._forget("gone")
            self.give_up("too many connections")
            return
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._arrived += len(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget("gone")
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._forget(None)
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        self._forget("head")
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._forget("body")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._forget(None)
        super().on_message_complete()

    def _forget(self, awaited: str | None) -> None:
        """Go on to what is awaited next."""
        self._awaited, self._arrived = awaited, 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _watch(self) -> None:
        # Set only when data has been read: most requests arrive whole and never need a timer.
        if self._timer is None and self._awaited in ("head", "body") and not self.transport.is_closing():
            self._was_paused = self.flow.read_paused
            self._timer = self.loop.call_later(self.seconds, self._judge)

    def _judge(self) -> None:
        self._timer = None
        is_ours = self.flow.read_paused or self._was_paused
        if self._awaited == "body":
            is_ours = is_ours or self.cycle.waiting_for_100_continue or self._arrived >= self.bytes_least
        self._arrived = 0
        if is_ours:
            self._watch()
        else:
            cause = f"the {self._awaited} of its request did not arrive"
            self._forget("gone")
            self.give_up(cause)
