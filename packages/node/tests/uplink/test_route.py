"""The way to the server: through a Squid that wants a password, with a private CA, and where WebSockets are blocked."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from hanse_core import events
from hanse_node import check
from hanse_node.errors import CannotStart, Unreachable
from hanse_node.findings import Problem
from hanse_node.uplink.http import HttpUplink
from hanse_node.uplink.transport import HttpTransport, Route
from squid import Squid, squid
from waiting import until


@pytest.fixture(scope="module")
def a_squid() -> Iterator[Squid]:
    with squid() as found:
        yield found


@contextlib.asynccontextmanager
async def listening(uplink: HttpUplink, *, whole: bool = True) -> AsyncIterator[HttpUplink]:
    await uplink.connect(wait=False)
    task = asyncio.create_task(uplink.listen())
    try:
        assert (await uplink.bell.heard(30)).synced
        if whole:
            await uplink.emit(events.PING)  # which waits until the connection is whole
        yield uplink
    finally:
        task.cancel()
        await asyncio.wait({task})
        await uplink.close()


@pytest.mark.needs("squid")
class TestThroughSquid:
    async def test_requests_and_live_events_go_through_it(
        self, server: Any, make_settings: Any, a_squid: Squid
    ) -> None:
        """Squid takes no WebSocket to a plain address (501): the node falls back to polling."""
        async with server.listening() as port:
            async with listening(HttpUplink(make_settings(port, proxy=a_squid.settings()))) as uplink:
                assert uplink.live == "polling"
                await server.tell("kill_containers", {"collaboration_id": 1, "node_id": 2})
                assert (await uplink.bell.heard(20)).kills
            assert uplink.live == "not connected"
        told = a_squid.told()
        assert f"station POST http://127.0.0.1:{port}/api/token/node 200" in told
        assert f"- GET ws://127.0.0.1:{port}/socket.io/? 501" in told
        assert f"station POST http://127.0.0.1:{port}/socket.io/? 200" in told

    async def test_a_node_that_stops_in_the_middle_of_connecting_stops(
        self, server: Any, make_settings: Any, a_squid: Squid
    ) -> None:
        async with server.listening() as port:
            uplink = HttpUplink(make_settings(port, proxy=a_squid.settings()))
            async with listening(uplink, whole=False):
                pass
            assert uplink.live == "not connected"

    async def test_a_wrong_password_is_named_in_the_check(
        self, server: Any, make_settings: Any, a_squid: Squid
    ) -> None:
        async with server.listening() as port:
            settings = make_settings(port, proxy=a_squid.settings(password="wrong"))
            (finding,) = await check._server(settings, None)
            assert finding.problem == Problem.SERVER
            assert "the proxy on the way to the server does not accept" in finding.text
            assert a_squid.url in finding.remedy
            assert server.asked == []

    async def test_a_proxy_that_is_away_is_named(self, make_settings: Any) -> None:
        uplink = HttpUplink(make_settings(proxy={"url": "http://127.0.0.1:1"}))
        with pytest.raises(Unreachable, match="the proxy on the way to the server does not answer"):
            await uplink.connect(wait=False)
        await uplink.close()


async def test_without_a_proxy_it_is_a_websocket(server: Any, make_settings: Any) -> None:
    async with server.listening() as port, listening(HttpUplink(make_settings(port))) as uplink:
        assert uplink.live == "websocket"


@pytest.mark.needs("squid")
class TestPrivateAuthority:
    async def test_it_is_believed_when_it_is_named_also_through_the_proxy(
        self, certificate: Path, a_squid: Squid, make_settings: Any
    ) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        server = await asyncio.start_server(_ok, "127.0.0.1", 0, ssl=context)
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        proxy = make_settings(proxy=a_squid.settings()).proxy
        with squid(certificate=certificate) as secured:
            over_tls = make_settings(proxy=secured.settings()).proxy
            for route in (Route(ca_file=certificate), Route(proxy, certificate), Route(over_tls, certificate)):
                transport = HttpTransport(route)
                assert (await transport.request("GET", f"https://{address}/x")).body == b"hello"
                await transport.close()
        stranger = HttpTransport(Route())
        with pytest.raises(Unreachable, match="certificate"):
            await stranger.request("GET", f"https://{address}/x")
        await stranger.close()
        server.close()
        await until(lambda: f"station CONNECT {address} 200" in a_squid.told())


def test_a_file_without_certificates_keeps_the_node_from_starting(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for path in (tmp_path / "ca.pem", tmp_path / "absent.pem"):
        with pytest.raises(CannotStart, match="ca_file"):
            Route(ca_file=path)


async def _ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
    await writer.drain()
    writer.close()
