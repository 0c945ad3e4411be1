"""Decisions about algorithm stores that need neither database nor network."""

import re
from collections.abc import Collection

import httpx

from hanse_core.errors import Denied, Invalid
from hanse_core.permissions import Operation, Resource, Scope
from hanse_web.access import Actor

COMMUNITY_URL = "https://store.cotopaxi.vantage6.ai"
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def api_address(text: str, field: str) -> str:
    """Bring the address of an API to one form. Raises `Invalid` for anything but plain http or https."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise Invalid(f"{field} is not an address: {error}", errors={field: ["is not an address"]}) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise Invalid(f"{field} must begin with https:// or http://", errors={field: ["must be a web address"]})
    if not 0 < (url.port or 80) < 65536:
        raise Invalid(f"{field} names a port that there is none of", errors={field: ["has no such port"]})
    if url.userinfo or url.query or url.fragment:
        message = f"{field} must not hold a user, a query or a fragment"
        raise Invalid(message, errors={field: [message]})
    return str(url.copy_with(path=url.path)).rstrip("/")


def is_local(url: str) -> bool:
    """Tell whether an address names the machine itself."""
    return httpx.URL(url).host in LOCAL_HOSTS


def bare_host(host: str) -> str:
    """Give a host's name, which may be written with a scheme in front."""
    return (host.partition("://")[2] or host).rstrip("/").lower()


def on_host(url: str, host: str) -> str:
    """Give the same address on another host."""
    return str(httpx.URL(url).copy_with(host=bare_host(host))).rstrip("/")


def require_couple(actor: Actor, collaboration_ids: Collection[int] | None) -> None:
    """Refuse changing the coupling of these collaborations (None: of all) to those who may not edit them."""
    if not collaboration_ids:
        if not actor.has(Resource.COLLABORATION, Operation.EDIT, Scope.GLOBAL):
            raise Denied("only those who may edit all collaborations may couple a store to all of them")
        return
    for key in sorted(collaboration_ids):
        if not actor.may_for_collaboration(Resource.COLLABORATION, Operation.EDIT, key):
            raise Denied(f"you may not edit collaboration {key}, so you cannot change its stores")


def wanted(collaborations: int | list[int] | None) -> frozenset[int] | None:
    """Read which collaborations a body names; None: all."""
    if collaborations is None:
        return None
    return frozenset([collaborations] if isinstance(collaborations, int) else collaborations)


def is_same_image(asked: str, said: str) -> bool:
    """Tell whether a store speaks of the image that was asked for: stores drop `latest` and may add a registry."""
    mine, theirs = repository(asked), repository(said)
    return mine == theirs or theirs.endswith(f"/{mine}")


def repository(image: str) -> str:
    """Give an image's name without tag and digest."""
    name = image.partition("@")[0]
    head, separator, tail = name.rpartition(":")
    return head if separator and "/" not in tail else name
