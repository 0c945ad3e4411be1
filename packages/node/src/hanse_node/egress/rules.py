"""Whether a run may connect to a destination: decided from its ways out and from what addresses are, without asking."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from hanse_core.errors import HanseError
from hanse_node.egress_settings import Way

Address = IPv4Address | IPv6Address
METADATA = frozenset(
    map(ip_address, ("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"))
)
"""Where clouds tell any machine of theirs its secrets."""
_TRANSLATED = IPv6Network("64:ff9b::/96")


class Refused(HanseError):
    """A destination that none of the run's ways out leads to."""

    status = 403
    code = "denied"

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(f"{reason} (rule: {rule})")
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a run wants to go: a name or an address, and a port."""

    host: str
    port: int

    @property
    def address(self) -> Address | None:
        """The host, if it is written as an address."""
        try:
            return plain_address(self.host)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def plain_address(text: str) -> Address:
    """Read an address; one of IPv4 in the clothes of IPv6 is one of IPv4. Raises `ValueError`."""
    address = ip_address(text.partition("%")[0])
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def way_to(ways: Mapping[str, Way], destination: Destination) -> tuple[str, Way]:
    """Give name and content of the way that leads there. Raises `Refused`.

    A name must be listed as a name and an address as an address: what is not listed is not looked up either, since
    questions to a name service carry data out.
    """
    leading = [(name, way) for name, way in ways.items() if _leads_to(way, destination)]
    for name, way in leading:
        if destination.port in way.ports:
            return name, way
    if leading:
        rule = f"egress.{leading[0][0]}.ports"
        raise Refused(rule, f"port {destination.port} of {destination.host} is not listed at this station")
    raise Refused(f"egress: {', '.join(ways)}", f"{destination} is not listed at this station")


def permitted(
    ways: Mapping[str, Way], destination: Destination, addresses: Iterable[Address], inner: Sequence[str]
) -> list[Address]:
    """Give those of the addresses of a destination that may be connected to. Raises `Refused` when none may.

    `inner` are networks of the engine: like this machine itself they must be listed, one address at a time.
    """
    cause, good = "it has no address", []
    for address in addresses:
        what = _special(address, inner)
        if what is None or any(_is_named(way, address, destination.port) for way in ways.values()):
            good.append(address)
        else:
            cause = f"{address} is {what}"
    if not good:
        raise Refused("egress: inner addresses", f"{destination} may not be reached: {cause}")
    return good


def _leads_to(way: Way, destination: Destination) -> bool:
    address = destination.address
    if address is not None:
        return any(address in network for network in way.addresses)
    name = destination.host.lower().rstrip(".")
    return any(_covers(domain, name) for domain in way.domains)


def _covers(domain: str, name: str) -> bool:
    if domain.startswith("*."):
        return name.endswith(domain[1:])
    if domain.startswith("."):
        return name == domain[1:] or name.endswith(domain)
    return name == domain


def _special(address: Address, inner: Sequence[str]) -> str | None:
    """Say what is special about an address that a name should not lead to; None for an ordinary one."""
    networks = [ip_network(network) for network in inner]
    for face in _faces(address):
        if face in METADATA:
            return "where clouds tell machines their secrets"
        if face.is_loopback or face.is_unspecified:
            return "this machine itself"
        if face.is_link_local:
            return "a link-local address"
        if face.is_multicast or (isinstance(face, IPv4Address) and face.is_reserved):
            return "no address of a single machine"
        if any(face in network for network in networks):
            return "this machine, or a container on it"
    return None


def _is_named(way: Way, address: Address, port: int) -> bool:
    """Tell whether a way lists exactly this address: a range is not enough for what is special."""
    single = (network for network in way.addresses if network.num_addresses == 1)
    return port in way.ports and any(address in network for network in single)


def _faces(address: Address) -> Iterator[Address]:
    """Give an address and the IPv4 address to which some network may translate it."""
    yield address
    if isinstance(address, IPv6Address) and (inner := address.ipv4_mapped or address.sixtofour) is not None:
        yield inner
    elif address in _TRANSLATED:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
