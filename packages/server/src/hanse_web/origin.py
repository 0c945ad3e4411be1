"""Where a request comes from: the address that counts for limits, and what the caller says it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Annotated

from fastapi import Depends, Request

AGENT_LENGTH = 120
FORWARDED_LENGTH = 2_000
SUBSCRIBER_BITS = 64
"""Who has one IPv6 address usually has all that begin with the same so many bits."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from."""

    address: str = ""
    agent: str = ""

    @property
    def network(self) -> str:
        """Give what limits are counted by: an IPv4 address, or the IPv6 network of one subscriber."""
        address = _address(self.address)
        if isinstance(address, IPv6Address):
            return str(IPv6Network((address, SUBSCRIBER_BITS), strict=False))
        return self.address


def origin_of(peer: str, headers: Mapping[str, str], trusted: Sequence[Network]) -> Origin:
    """Tell where a request comes from; forwarded addresses count only as far as trusted proxies wrote them."""
    forwarded = headers.get("x-forwarded-for", "")[-FORWARDED_LENGTH:]
    agent = "".join(c for c in headers.get("user-agent", "") if c.isprintable())[:AGENT_LENGTH]
    return Origin(_first_stranger(peer, forwarded.split(","), trusted), agent)


def _first_stranger(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Walk back from the peer over trusted proxies; what stands left of the first stranger he may have invented."""
    address = _address(peer)
    if address is None:
        return peer
    for text in reversed(forwarded):
        if not any(address in network for network in trusted):
            break
        earlier = _address(text.strip())
        if earlier is None:
            break
        address = earlier
    return str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


async def _origin(request: Request) -> Origin:
    peer = request.client.host if request.client else ""
    return origin_of(peer, request.headers, request.app.state.trusted_proxies)


RequestOrigin = Annotated[Origin, Depends(_origin)]
