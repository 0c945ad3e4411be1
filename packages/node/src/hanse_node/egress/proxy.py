"""The HTTP proxy of one run: CONNECT and plain requests to what its ways out lead to, one at a time per connection."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11
import structlog

from hanse_core.errors import HanseError
from hanse_node.egress.dialling import Dialled, Dialler
from hanse_node.egress.rules import Destination, Refused
from hanse_node.egress_settings import Way
from hanse_node.streams import CHUNK, Counts, carry, end

HEAD_SECONDS = 30.0
HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"te", b"trailer", b"upgrade"}
)
"""Headers that are for the next machine only."""
FRAMING = frozenset({b"content-length", b"transfer-encoding"})
DENIED, BROKEN, MALFORMED = 403, 502, 400
log = structlog.get_logger()


class Unreadable(HanseError):
    """What came is not a request to a proxy."""

    status = MALFORMED


@dataclass(frozen=True, slots=True)
class EgressProxy:
    """Serves the connections of one run."""

    run_id: int
    ways: Mapping[str, Way]
    dialler: Dialler

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request and carry what follows; whatever happens, the connection is closed."""
        connection = h11.Connection(h11.SERVER)
        try:
            await self._serve(_Client(connection, reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            end(writer)

    async def _serve(self, client: "_Client") -> None:
        destination: Destination | None = None
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                request = await client.request()
            is_tunnel = request.method == b"CONNECT"
            destination = _tunnelled(request.target) if is_tunnel else _requested(request.target)
            dialled = await self.dialler.dial(self.ways, destination, plain=not is_tunnel)
        except TimeoutError:
            return
        except HanseError as error:
            self._say_no(destination, error)
            await client.refuse(error)
            return
        log.info("egress_opened", **self._about(destination), way=dialled.way, peer=dialled.peer)
        counts = [0, 0]
        try:
            await (client.tunnel if is_tunnel else client.exchange)(dialled, counts)
        finally:
            log.info("egress_closed", **self._about(destination), sent=counts[0], received=counts[1])

    def _say_no(self, destination: Destination | None, error: HanseError) -> None:
        rule = error.rule if isinstance(error, Refused) else None
        log.warning("egress_refused", **self._about(destination), rule=rule, cause=error.message)

    def _about(self, destination: Destination | None) -> dict[str, object]:
        return {"run_id": self.run_id, "destination": str(destination) if destination else None}


class _Client:
    """The algorithm's side of one connection."""

    def __init__(self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connection = connection
        self._reader = reader
        self._writer = writer
        self._head: h11.Request

    async def request(self) -> h11.Request:
        """Read the head of a request. Raises `Unreadable`."""
        event = await self._next()
        if not isinstance(event, h11.Request):
            raise Unreadable("no request came")
        self._head = event
        return event

    async def refuse(self, error: HanseError) -> None:
        """Say why not, where people look: in the status line and in the body."""
        rule = error.rule if isinstance(error, Refused) else error.code
        body = f"{error.message}\n".encode()
        head = [
            f"HTTP/1.1 {error.status} Refused by this station - {rule}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        self._writer.write("\r\n".join([*head, "", ""]).encode("ascii", "replace") + body)
        await self._writer.drain()

    async def tunnel(self, dialled: Dialled, counts: Counts) -> None:
        """Carry bytes as they are."""
        self._writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        early = self._connection.trailing_data[0]
        if early:
            dialled.line[1].write(early)
            counts[0] += len(early)
        await carry((self._reader, self._writer), dialled.line, counts)

    async def exchange(self, dialled: Dialled, counts: Counts) -> None:
        """Send exactly one request, framed anew, and carry the answer as it is."""
        sending = asyncio.ensure_future(self._send(dialled, counts))
        receiving = asyncio.ensure_future(self._receive(dialled, counts))
        try:
            await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and sending.exception() is None:
                await asyncio.wait({receiving})
        finally:
            for part in (sending, receiving):
                part.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
            end(dialled.line[1])

    async def _send(self, dialled: Dialled, counts: Counts) -> None:
        out, writer = h11.Connection(h11.CLIENT), dialled.line[1]
        event: h11.Event = self._rewritten(dialled.authorization)
        while True:
            if data := out.send(event):
                writer.write(data)
                await writer.drain()
                counts[0] += len(data)
            if isinstance(event, h11.EndOfMessage):
                return
            event = await self._next()

    async def _receive(self, dialled: Dialled, counts: Counts) -> None:
        while data := await dialled.line[0].read(CHUNK):
            self._writer.write(data)
            await self._writer.drain()
            counts[1] += len(data)

    def _rewritten(self, authorization: str | None) -> h11.Request:
        """Give the request as the next machine wants it: a proxy with the whole address, a server with the path."""
        request = self._head
        parts = urlsplit(request.target)
        path = (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
        named = _named_in_connection(request)
        headers = [(name, value) for name, value in request.headers if name not in HOP | named | {b"host"}]
        headers = [(b"host", parts.netloc.rpartition(b"@")[2]), *headers, (b"connection", b"close")]
        if authorization:
            headers.append((b"proxy-authorization", authorization.encode()))
        target = path if authorization is None else b"http://" + headers[0][1] + path
        return h11.Request(method=request.method, target=target, headers=headers)

    async def _next(self) -> h11.Event:
        while True:
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError as error:
                raise Unreadable(f"the request cannot be read: {error}") from error
            if isinstance(event, h11.Event):
                return event
            if event is h11.PAUSED:
                raise Unreadable("more than one request came")
            self._connection.receive_data(await self._reader.read(CHUNK))


def _named_in_connection(request: h11.Request) -> set[bytes]:
    values = (value for name, value in request.headers if name == b"connection")
    return {part.strip().lower() for value in values for part in value.split(b",")} - FRAMING


def _tunnelled(target: bytes) -> Destination:
    """Read `host:port`. Raises `Unreadable`."""
    return _destination(f"//{target.decode('ascii', 'replace')}", None)


def _requested(target: bytes) -> Destination:
    """Read the address of a plain request. Raises `Unreadable`."""
    text = target.decode("ascii", "replace")
    if not text.lower().startswith("http://"):
        raise Unreadable("this is a proxy: it takes CONNECT host:port, and requests with a whole http:// address")
    return _destination(text, 80)


def _destination(address: str, port: int | None) -> Destination:
    try:
        parts = urlsplit(address)
        found = Destination((parts.hostname or "").partition("%")[0], parts.port or port or 0)
    except ValueError as error:
        raise Unreadable(f"the address cannot be read: {error}") from None
    if not found.host or not found.port:
        raise Unreadable("the address must have a host and a port")
    return found
