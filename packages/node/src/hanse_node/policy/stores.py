"""Which algorithm stores are believed, and what their answer says about an image."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from hanse_node.policy.decision import StoreAnswer
from hanse_node.policy.references import canonical, digest_of, name_of

_REGULAR = re.compile(r"[*\\?$^\[\](){}|+]")
_HERE = frozenset({"localhost", "127.0.0.1", "host.docker.internal"})


def is_allowed(url: str, entries: Iterable[str]) -> bool:
    """Tell whether a store is among those of `allowed_algorithm_stores`: its address, or a v4 regular expression."""
    return any(_covers(entry, url) for entry in entries)


def reachable(url: str, server_url: str) -> str:
    """Give the address under which this node reaches a store that is said to be on the server's own machine."""
    store, server = urlsplit(url), urlsplit(server_url)
    if store.hostname not in _HERE or server.hostname in _HERE or server.hostname is None:
        return url
    port = f":{store.port}" if store.port else ""
    return urlunsplit((server.scheme, f"{server.hostname}{port}", store.path, store.query, ""))


def answer(url: str, image: str, algorithms: Iterable[Mapping[str, Any]]) -> StoreAnswer:
    """Read what a store listed for an image: it must be this very image, and not by another digest or withdrawn."""
    if any(_is_same(image, algorithm) for algorithm in algorithms):
        return StoreAnswer(True, f"the algorithm store {url} has approved {image}")
    return StoreAnswer(False, f"the algorithm store {url} does not list {image} as approved")


def _is_same(image: str, algorithm: Mapping[str, Any]) -> bool:
    listed, digest = algorithm.get("image"), algorithm.get("digest")
    asked = digest_of(image)
    if not isinstance(listed, str) or name_of(canonical(listed)) != name_of(canonical(image)):
        return False
    if algorithm.get("status", "approved") != "approved":
        return False
    if asked is not None and digest:
        return bool(asked == digest)
    return _tagged(listed) == _tagged(image)


def _tagged(image: str) -> str:
    return canonical(image).split("@")[0].removesuffix(":latest")


def _covers(entry: str, url: str) -> bool:
    if not _REGULAR.search(entry):
        return entry.rstrip("/") == url.rstrip("/")
    try:
        return re.match(entry, url) is not None
    except re.error:
        return False
