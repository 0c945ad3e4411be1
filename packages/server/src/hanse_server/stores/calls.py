"""Speaking to an algorithm store: making this server known there, and asking about images."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hanse_core.errors import HanseError, Invalid, Unavailable
from hanse_server.settings import Settings
from hanse_server.stores import rules
from hanse_web.access import UserActor
from hanse_web.outbound import Destinations, Outbound, Reply, Unreachable

NO_URL = (
    "the store must know under which address it reaches this server; the operator can set server_url, "
    "or give it with the request"
)
PUBLIC = "public"
MOST_REGISTRATIONS = 3


@dataclass(frozen=True, slots=True)
class Approved:
    """What a store says of an image."""

    image: str
    digest: str | None

    @property
    def pinned(self) -> str:
        """Give the image by its digest, where the store knows it."""
        return f"{self.image}@{self.digest}" if self.digest else self.image


class StoreAway(Unavailable):
    """The store does not answer; stock servers say 404 then."""

    status = 404


class StoreRefused(Invalid):
    """The store answered, but not with what was asked for; its own status is passed on."""

    def __init__(self, store_url: str, reply: Reply) -> None:
        super().__init__(f"the algorithm store {store_url} refused: {reply.text}")
        self.status = reply.status if 400 <= reply.status < 500 else 502


def as_bad_request(error: HanseError) -> HanseError:
    """Answer 400, whatever the reason: so stock servers speak of trouble with a store when a task is made."""
    error.status = 400
    return error


class StoreCalls:
    """Makes the calls, on behalf of users, with tokens that open nothing but the check of who they are."""

    def __init__(
        self,
        outbound: Outbound,
        token_for: Callable[[UserActor], str],
        own_url: str | None = None,
        host_uri: str | None = None,
    ) -> None:
        self._outbound = outbound
        self._token_for = token_for
        self._own_url = own_url
        self._host_uri = host_uri

    def own_url(self, given: str | None) -> str:
        """Give the address of this server: the configured one, or else what the request says."""
        if self._own_url is not None:
            return self._own_url
        if given is None:
            raise Invalid(NO_URL, errors={"server_url": ["is missing"]})
        return rules.api_address(given, "server_url")

    async def locate(self, url: str) -> str:
        """Find where a store's API is: at the address itself, or below it at `/api`."""
        for place in (url, f"{url}/api"):
            if _is_of_store(await self._version(place)):
                return place
        raise Invalid(f"there is no algorithm store at {url}, nor at {url}/api; check the address")

    async def look(self, store_url: str) -> None:
        """See whether a store answers at its address, as one does. Raises what is in the way."""
        *others, last = self._places(store_url)
        for place in others:
            with suppress(HanseError):
                if _is_of_store(await self._version(place)):
                    return
        reply = await self._version(last)
        if not _is_of_store(reply):
            raise Invalid(f"what answers there is no algorithm store ({reply.text})")

    async def _version(self, place: str) -> Reply:
        return await self._outbound.call("GET", f"{place}/version", headers={})

    def _places(self, store_url: str) -> list[str]:
        """Give where to try: the address, and for one on this machine perhaps another by which containers know it."""
        if self._host_uri is not None and rules.is_local(store_url):
            return [store_url, rules.on_host(store_url, self._host_uri)]
        return [store_url]

    async def register(self, actor: UserActor, store_url: str, own_url: str, *, force: bool) -> None:
        """Have a store accept this server's users; a store that anybody may read need not know it."""
        body = {"url": own_url} | ({"force": True} if force else {})
        reply = await self._call(actor, own_url, "POST", store_url, "vantage6-server", json=body)
        if reply.status in (201, 208):
            return
        if reply.status == 403 and await self._is_public(actor, store_url, own_url):
            return
        raise StoreRefused(store_url, reply)

    async def _is_public(self, actor: UserActor, store_url: str, own_url: str) -> bool:
        reply = await self._call(actor, own_url, "GET", store_url, "policy/public")
        return isinstance(reply.body, dict) and reply.body.get("algorithm_view") == PUBLIC

    async def unregister(self, actor: UserActor, store_url: str, own_url: str) -> None:
        """Have a store forget this server; one that does not know it, or does not tell, has nothing to forget."""
        reply = await self._call(actor, own_url, "GET", store_url, "vantage6-server")
        if reply.status == 403:
            return
        if reply.status != 200 or not isinstance(reply.body, list):
            raise StoreRefused(store_url, reply)
        # A store holds a server once; one that says otherwise must not have it called without end.
        own = [row for row in reply.body if isinstance(row, dict) and _same(row.get("url"), own_url)]
        for row in own[:MOST_REGISTRATIONS]:
            if isinstance(row.get("id"), int):
                gone = await self._call(actor, own_url, "DELETE", store_url, f"vantage6-server/{row['id']}")
                if gone.status != 200:
                    raise StoreRefused(store_url, gone)

    async def find(self, actor: UserActor, store_url: str, own_url: str, image: str) -> Approved:
        """Look an image up. Raises `Invalid` when the store does not know it, or speaks of something else."""
        reply = await self._call(actor, own_url, "GET", store_url, "algorithm", params={"image": image})
        rows = reply.body.get("data") if isinstance(reply.body, dict) else None
        if reply.status != 200 or not isinstance(rows, list):
            raise StoreRefused(store_url, reply)
        if not rows:
            raise Invalid(f"the algorithm store {store_url} has no approved algorithm with the image {image}")
        return _approved(rows[0], image, store_url)

    async def _call(self, actor: UserActor, own_url: str, method: str, store_url: str, path: str, **more: Any) -> Reply:
        headers = {"Authorization": f"Bearer {self._token_for(actor)}", "Server-Url": own_url}
        *others, last = self._places(store_url)
        for place in others:
            with suppress(HanseError):
                return await self._outbound.call(method, f"{place}/{path}", headers=headers, **more)
        try:
            return await self._outbound.call(method, f"{last}/{path}", headers=headers, **more)
        except Unreachable as error:
            raise StoreAway(f"the algorithm store does not answer: {error.message}") from error


def store_calls(
    settings: Settings, token_for: Callable[[UserActor], str], outbound: Outbound | None = None
) -> StoreCalls:
    """Build what speaks to stores, as far as the operator lets it."""
    stores, host_uri = settings.algorithm_stores, settings.dev.host_uri
    hosts = {host.lower() for host in stores.allowed_hosts} | ({rules.bare_host(host_uri)} if host_uri else set())
    destinations = Destinations(frozenset(hosts), stores.allowed_networks)
    outbound = outbound or Outbound(destinations, stores.timeout_seconds)
    return StoreCalls(outbound, token_for, settings.public_url, host_uri)


def _is_of_store(reply: Reply) -> bool:
    return reply.status == 200 and isinstance(reply.body, dict) and "version" in reply.body


def _same(url: object, own_url: str) -> bool:
    return isinstance(url, str) and url.rstrip("/") == own_url


def _approved(row: object, asked: str, store_url: str) -> Approved:
    image = row.get("image") if isinstance(row, dict) else None
    digest = row.get("digest") if isinstance(row, dict) else None
    if not isinstance(row, dict) or row.get("status", "approved") != "approved":
        raise Invalid(f"the algorithm store {store_url} has not approved the image {asked}")
    if not isinstance(image, str) or len(image) > 1024 or not rules.is_same_image(asked, image):
        raise Invalid(f"the algorithm store {store_url} answered with another image than {asked}")
    if digest is not None and not (isinstance(digest, str) and rules.DIGEST.fullmatch(digest)):
        raise Invalid(f"the algorithm store {store_url} gave a digest for {asked} that is none")
    return Approved(image, digest)
