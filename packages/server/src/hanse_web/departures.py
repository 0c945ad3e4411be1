"""Connections whose answers are not read, which would be held open for ever, are given up."""

import asyncio

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = structlog.get_logger()


class Departures(HttpToolsProtocol):
    """Wants `answer_bytes_least` of what waits to be sent to be taken in each `answer_seconds`.

    It counts only while our buffer is full, as the system takes no more, or while the connection waits for it to end.
    """

    answer_seconds = 60.0
    answer_bytes_least = 60_000

    _reading: asyncio.TimerHandle | None = None
    _unread = 0

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._forget_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_reader()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_end()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_end()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._watch_end()

    def give_up(self, cause: str) -> None:
        """End the connection at once."""
        log.info("connection-given-up", address=self.client and self.client[0], cause=cause)
        # Not closed: what waits to be written might never be read.
        self.transport.abort()

    def _watch_end(self) -> None:
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._watch_reader()

    def _watch_reader(self) -> None:
        if self._reading is None:
            self._unread = self.transport.get_write_buffer_size()
            self._reading = self.loop.call_later(self.answer_seconds, self._judge_reader)

    def _forget_reader(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _judge_reader(self) -> None:
        self._reading = None
        left = self.transport.get_write_buffer_size()
        if left and self._unread - left >= self.answer_bytes_least:
            self._watch_reader()
        elif left:
            self.give_up("its answer is not read")
