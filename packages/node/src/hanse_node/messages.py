"""What passes between this node and the server besides runs."""

from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, field

Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body of a forwarded request."""


@dataclass(frozen=True, slots=True)
class Organization:
    name: str
    public_key: str = ""


@dataclass(frozen=True, slots=True)
class Forward:
    """A request of an algorithm, to be made with its own (server's) token."""

    method: str
    path: str
    token: str | None = None
    query: Sequence[tuple[str, str]] = ()
    body: bytes | AsyncIterable[bytes] | None = None
    """What arrives piece by piece can be sent only once."""
    headers: Mapping[str, str] = field(default_factory=dict)
