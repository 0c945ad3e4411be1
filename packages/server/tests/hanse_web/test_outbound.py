"""Calls on behalf of users lead to where the operator lets them, and nowhere else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address, ip_network

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from hanse_web.outbound import ANSWER_BYTES, Destinations, Forbidden, Outbound, Reply, Unreachable, is_public


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "100.100.100.200", "192.0.0.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::7f00:1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::",
        "2002:a00:1::1", "64:ff9b::7f00:1", "fec0::1", "64:ff9b::a9fe:a9fe", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_inside_are_refused(text: str) -> None:
    with pytest.raises(Forbidden):
        Destinations().require("store.example", ["8.8.8.8", text])


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "93.184.216.34", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_on_the_internet_are_public(text: str) -> None:
    assert is_public(ip_address(text))


def test_the_operator_may_name_hosts_and_networks() -> None:
    destinations = Destinations(frozenset({"store.hospital"}), [ip_network("10.1.0.0/16"), ip_network("fd00::/8")])

    destinations.require("Store.Hospital", ["127.0.0.1"])
    destinations.require("other.hospital", ["10.1.2.3", "fd00::1"])
    with pytest.raises(Forbidden, match="not a public address"):
        destinations.require("other.hospital", ["10.1.2.3", "10.2.0.1"])


class Carrier(httpx.AsyncBaseTransport):
    """Notes where requests go; some addresses do not answer."""

    def __init__(self, *, silent: Sequence[str] = ()) -> None:
        self.sent: list[httpx.Request] = []
        self._silent = silent

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        if request.url.host in self._silent:
            raise httpx.ConnectError("no answer", request=request)
        return httpx.Response(200, stream=httpx.ByteStream(orjson.dumps({"seen": request.url.host})))


def outbound(carrier: httpx.AsyncBaseTransport, *answers: Sequence[str], seconds: float = 5) -> Outbound:
    """Make calls by names that are looked up like this, one answer after the other."""
    left = list(answers)

    async def look_up(host: str, port: int) -> Sequence[str]:
        return left.pop(0)

    return Outbound(seconds=seconds, resolver=look_up, transport=carrier)


async def call(through: Outbound, url: str = "https://store.example:8443/api") -> Reply:
    return await through.call("GET", url, headers={})


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that answers with an inner address the next time (DNS rebinding) is asked only once."""
    carrier = Carrier()

    await call(outbound(carrier, ["8.8.8.8"], ["127.0.0.1"]))

    (request,) = carrier.sent
    assert str(request.url) == "https://8.8.8.8:8443/api"
    assert request.headers["host"] == "store.example:8443"
    assert request.extensions["sni_hostname"] == "store.example"


async def test_a_name_that_leads_inside_is_never_called() -> None:
    carrier = Carrier()

    with pytest.raises(Forbidden):
        await call(outbound(carrier, ["8.8.8.8", "10.0.0.1"]))

    assert carrier.sent == []


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    carrier = Carrier(silent=["8.8.8.8"])

    reply = await call(outbound(carrier, ["8.8.8.8", "8.8.4.4"]))

    assert reply.body == {"seen": "8.8.4.4"}


async def test_nobody_answering_is_told() -> None:
    with pytest.raises(Unreachable, match=r"store\.example"):
        await call(outbound(Carrier(silent=["8.8.8.8"]), ["8.8.8.8"]))


async def _slow(_: Request) -> JSONResponse:
    await asyncio.Event().wait()
    return JSONResponse({})


async def _elsewhere(_: Request) -> RedirectResponse:
    return RedirectResponse("http://127.0.0.1/")


APP = httpx.ASGITransport(Starlette(routes=[Route("/slow", _slow), Route("/elsewhere", _elsewhere)]))


async def test_a_slow_answer_is_given_up() -> None:
    with pytest.raises(Unreachable, match="within"):
        await call(outbound(APP, ["8.8.8.8"], seconds=0.05), "https://store.example/slow")


async def test_a_redirect_is_not_followed() -> None:
    reply = await call(outbound(APP, ["8.8.8.8"]), "https://store.example/elsewhere")

    assert (reply.status, reply.text) == (307, "it redirects to another address; give that one instead")


async def test_a_long_answer_is_not_read_to_its_end() -> None:
    given = 0

    async def blocks() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1 << 20
            yield b"x" * (1 << 20)

    class Endless(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, content=blocks())

    with pytest.raises(Unreachable, match="longer than"):
        await call(outbound(Endless(), ["8.8.8.8"]))

    assert given <= ANSWER_BYTES + (2 << 20)


async def test_what_is_no_json_has_no_body() -> None:
    class Page(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            headers = {"Content-Encoding": "gzip"}
            return httpx.Response(200, stream=httpx.ByteStream(b"\x1f\x8b\x08"), headers=headers)

    reply = await call(outbound(Page(), ["8.8.8.8"]))

    assert (reply.body, reply.text) == (None, "status 200 without a reason")
