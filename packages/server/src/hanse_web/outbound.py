"""Calling servers whose addresses people chose: only where the operator lets such calls lead."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
import orjson

from hanse_core.errors import Invalid, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ANSWER_BYTES = 4 << 20
"""The longest answer that is read."""
CONNECT_SECONDS = 5.0
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Unreachable(Unavailable):
    """The other server does not answer, or not as one."""


class Forbidden(Invalid):
    """The address leads to where calls on behalf of users must not go."""


Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Look up the addresses of a host."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: Address) -> bool:
    """Tell whether an address is on the Internet: not this machine, its network, its cloud, nor a group of machines."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:  # out of use, and global for the library
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Give the IPv4 address that a packet to this IPv6 address ends up at."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where calls may lead: to the Internet, and to what the operator named beyond it."""

    hosts: frozenset[str] = frozenset()
    networks: Sequence[Network] = ()

    def require(self, host: str, addresses: Iterable[str]) -> None:
        """Refuse a host one of whose addresses is inside; naming them would tell strangers about the network."""
        if host.lower() in self.hosts:
            return
        for text in addresses:
            address = ipaddress.ip_address(text.partition("%")[0])
            if not is_public(address) and not any(address in network for network in self.networks):
                raise Forbidden(
                    f"{host} is not a public address; if the store is inside the operator's own network, "
                    "the operator can allow it with the setting algorithm_stores.allowed_hosts"
                )


class PinnedTransport(httpx.AsyncBaseTransport):
    """Connects to exactly the addresses that were checked: a name that answers otherwise the next time is no way in."""

    def __init__(self, destinations: Destinations, resolver: Resolver, inner: httpx.AsyncBaseTransport) -> None:
        self._destinations = destinations
        self._resolve = resolver
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = _host(request)
        try:
            addresses = await self._resolve(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"the name {host} is not known", request=request) from error
        self._destinations.require(host, addresses)
        for address in addresses[:-1]:
            try:
                return await self._inner.handle_async_request(_pinned(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(_pinned(request, addresses[-1]))

    async def aclose(self) -> None:
        await self._inner.aclose()


def _host(request: httpx.Request) -> str:
    return request.url.raw_host.decode("ascii")


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    """Send the request to an address; its Host header and the name in its certificate stay those of the host."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": _host(request)},
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other server answered."""

    status: int
    body: Any
    """The JSON; None when it was none."""

    @property
    def text(self) -> str:
        """Give the reason that the other server gave, shortened."""
        said = self.body.get("msg") or self.body.get("message") if isinstance(self.body, dict) else None
        return said[:300] if isinstance(said, str) else f"status {self.status} without a reason"


@dataclass
class Outbound:
    """Makes the calls: in bounded time, with bounded answers, following nobody elsewhere."""

    destinations: Destinations = field(default_factory=Destinations)
    seconds: float = 30
    resolver: Resolver = resolve
    transport: httpx.AsyncBaseTransport | None = None
    """What carries the requests instead of the network; for tests."""

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        json: object = None,
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request. Raises `Unreachable`, or `Forbidden` where the address leads inside."""
        content = None if json is None else orjson.dumps(json)
        headers = {**headers, "Accept-Encoding": "identity"} | ({"Content-Type": "application/json"} if content else {})
        try:
            async with (
                asyncio.timeout(self.seconds),
                self._client() as client,
                client.stream(method, url, headers=headers, content=content, params=params) as answer,
            ):
                return Reply(answer.status_code, await _json(answer))
        except TimeoutError as error:
            raise Unreachable(f"{url} did not answer within {self.seconds:g} s") from error
        except httpx.HTTPError as error:
            raise Unreachable(f"{url} cannot be reached: {error or type(error).__name__}") from error

    def _client(self) -> httpx.AsyncClient:
        # One per call: connections to pinned addresses must not be shared between names.
        inner = self.transport or httpx.AsyncHTTPTransport(trust_env=False)
        pinned = PinnedTransport(self.destinations, self.resolver, inner)
        timeout = httpx.Timeout(self.seconds, connect=min(CONNECT_SECONDS, self.seconds))
        return httpx.AsyncClient(transport=pinned, timeout=timeout, follow_redirects=False, trust_env=False)


async def _json(answer: httpx.Response) -> Any:
    if answer.is_redirect:
        return {"msg": "it redirects to another address; give that one instead"}
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > ANSWER_BYTES:
            raise Unreachable(f"the answer of {answer.request.url.host} is longer than {ANSWER_BYTES} bytes")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
