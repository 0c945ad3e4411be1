"""What stands between strangers and the socket library: odd messages end their socket, nothing is raised or kept."""

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import socketio
import structlog

from hanse_core.protocol import NAMESPACE

EVENT_BYTES = 1_000_000
"""The largest message; also told to peers, as `maxPayload`."""
RESERVED = frozenset({"connect", "disconnect", "connect_error"})
"""Events that the library raises itself: sent by a peer, they would reach the same handlers."""
_FRAMES = frozenset("0123456")
_CONNECT, _DISCONNECT, _EVENT = "012"
_FAULTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

log = structlog.get_logger()

# The library logs what peers send, with tracebacks; what is worth knowing of it is logged here.
quiet = logging.getLogger("hanse.sockets")
quiet.setLevel(logging.CRITICAL + 1)


class BoundedJson:
    """JSON as the library wants it; nesting without end is a fault of the sender, like any other."""

    dumps = staticmethod(json.dumps)

    @staticmethod
    def loads(text: str) -> Any:
        """Read JSON. Raises `ValueError`."""
        try:
            return json.loads(text)
        except RecursionError as error:
            raise ValueError("the JSON is nested too deeply") from error


class StrictServer(socketio.AsyncServer):  # type: ignore[misc]
    """The server of the library; it ends sockets that send anything but plain, known messages."""

    async def _handle_eio_message(self, eio_sid: str, data: object) -> None:
        try:
            if not isinstance(data, str) or not self._is_plain(data):
                raise ValueError("not a message of this protocol")
            await super()._handle_eio_message(eio_sid, data)
        except _FAULTS as error:
            log.info("socket-message-refused", error=type(error).__name__)
            await self.cut(eio_sid)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        """Forget a peer that left; its held poll is answered at once, which it waits for as long as it is pinged."""
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None and reason == self.reason.CLIENT_DISCONNECT:
            await socket.queue.put(None)
        await super()._handle_eio_disconnect(eio_sid, reason)

    def _is_plain(self, data: str) -> bool:
        """Tell whether a message connects, disconnects, or is an event; none has attachments."""
        if data[:1] in (_CONNECT, _DISCONNECT):
            return True
        if data[:1] != _EVENT:
            return False
        packet = self.packet_class(encoded_packet=data)
        is_event = isinstance(packet.data, list) and bool(packet.data) and isinstance(packet.data[0], str)
        return is_event and not packet.attachment_count and packet.data[0] not in RESERVED

    def _is_in(self, eio_sid: str) -> bool:
        return self.manager.sid_from_eio_sid(eio_sid, NAMESPACE) is not None

    def strangers(self) -> set[str]:
        """Name the transports that have not joined the namespace."""
        return {key for key, socket in self.eio.sockets.items() if not socket.closed and not self._is_in(key)}

    async def cut(self, eio_sid: str) -> None:
        """End a transport, without waiting for the peer, who may not want it to end."""
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None:
            await socket.close(wait=False, reason=self.eio.reason.SERVER_DISCONNECT)
            await socket.queue.put(None)  # after which the library closes a websocket itself

    async def lose(self, eio_sid: str) -> None:
        """End a transport as a fault of the network does: its peer comes back, as stock ones that are told do not."""
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None:
            await socket.close(wait=False, abort=True, reason=self.eio.reason.SERVER_DISCONNECT)
            await socket.queue.put(None)  # which also answers a poll that is held


def guarded(app: App) -> App:
    """Stand before the library's application: frames that it would stumble over end the socket."""

    async def guard(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        async def receiving() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and not _is_frame(message):
                log.info("socket-frame-refused")
                return {"type": "websocket.disconnect", "code": 1003}
            return message

        try:
            await app(scope, receiving, sending)
        except Exception as error:  # whatever the library did not expect of its peer: it must not reach the log whole
            log.info("socket-request-refused", error=type(error).__name__)
            if not has_begun:
                await _refuse(scope["type"], send)

    return guard


def _is_frame(message: Message) -> bool:
    text = message.get("text")
    return isinstance(text, str) and text[:1] in _FRAMES and len(text) <= EVENT_BYTES


async def _refuse(kind: str, send: Send) -> None:
    if kind == "websocket":
        await send({"type": "websocket.close", "code": 1003})
        return
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": b"not a request of this protocol"})
