"""The server over HTTP: REST here, live events in `live`."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from hanse_core.errors import HanseError, Invalid, NotFound, from_wire
from hanse_node.backoff import Backoff
from hanse_node.errors import CannotStart, WrongKey
from hanse_node.messages import Answer, Forward, Organization
from hanse_node.offers import Offer
from hanse_node.settings import Settings
from hanse_node.threads import in_thread
from hanse_node.uplink.base import Bell, Identity
from hanse_node.uplink.live import Live
from hanse_node.uplink.session import Session
from hanse_node.uplink.stores import Stores
from hanse_node.uplink.transport import PIECE_BYTES, HttpTransport, Query, Response, Route, Stream, Transport

PAGE = 100
CACHE_SECONDS = 60.0
STORING_SECONDS = 300.0
"""How long the server may take to put a large value away."""
_PARTIAL, _NOTHING_LEFT = 206, 416
_ABSENT = frozenset({404, 405})
log = structlog.get_logger()


class HttpUplink:
    """Speaks to one server with one node's key."""

    def __init__(self, settings: Settings, transport: Transport | None = None) -> None:
        route = Route(settings.proxy, settings.ca_file)
        self._transport = transport or HttpTransport(route)
        self._url = settings.api_url
        self._session = Session(self._transport, settings.api_url, settings.root_url, settings.key())
        self._organizations: dict[int, tuple[float, Organization]] = {}
        self._identity: Identity | None = None
        self._repeatable = self._has_blobs = False
        self.bell = Bell()
        self._stores = Stores(self._transport, self._session, settings.api_url)
        self._live = Live(settings.root_url, self._session, self.bell, lambda: self.identity, route)

    @property
    def identity(self) -> Identity:
        if self._identity is None:
            raise RuntimeError("not connected yet")
        return self._identity

    @property
    def repeatable(self) -> bool:
        return self._repeatable

    @property
    def has_blobs(self) -> bool:
        return self._has_blobs

    async def connect(self, *, wait: bool = True) -> Identity:
        backoff = Backoff(1.0, 30.0)
        while True:
            try:
                await self._session.login()
                self._identity = await self._who_am_i()
                return self._identity
            except (WrongKey, CannotStart):
                raise
            except HanseError as error:
                if not wait:
                    raise
                log.warning("server_unreachable", url=self._url, cause=error.message)
            await backoff.pause()

    @property
    def live(self) -> str:
        return self._live.transport

    async def listen(self) -> None:
        await self._live.run()

    async def open_runs(self) -> list[Offer]:
        query: dict[str, str | int] = {
            "state": "open",
            "node_id": self.identity.node_id,
            "include": "task",
            "per_page": PAGE,
        }
        offers: dict[int, Offer] = {}
        page = 0
        while True:
            page += 1
            body = await self._get("/run", {**query, "page": page})
            for item in body.get("data") or ():
                _add(offers, item)
            if not (body.get("links") or {}).get("next"):
                return list(offers.values())

    async def is_open(self, run_id: int) -> bool:
        try:
            return (await self._get(f"/run/{run_id}")).get("finished_at") is None
        except NotFound:
            return False

    async def report(self, run_id: int, patch: Mapping[str, object]) -> None:
        await self._call("PATCH", f"/run/{run_id}", dict(patch))

    async def container_token(self, task_id: int, image: str) -> str:
        body = await self._call("POST", "/token/container", {"task_id": task_id, "image": image})
        return str(body["container_token"])

    async def organization(self, organization_id: int) -> Organization:
        until, known = self._organizations.get(organization_id, (0.0, None))
        if known is None or time.monotonic() >= until:
            item = await self._get(f"/organization/{organization_id}")
            known = Organization(str(item["name"]), str(item.get("public_key") or ""))
            self._organizations[organization_id] = (time.monotonic() + CACHE_SECONDS, known)
        return known

    async def store_url(self, store_id: int) -> str:
        return str((await self._get(f"/algorithmstore/{store_id}"))["url"])

    async def store_algorithms(self, url: str, image: str) -> list[dict[str, Any]]:
        return await self._stores.algorithms(url, image)

    async def publish_key(self, public_key: str) -> None:
        await self._call("PATCH", f"/organization/{self.identity.organization_id}", {"public_key": public_key})
        self._organizations.pop(self.identity.organization_id, None)

    async def download(self, blob: str, start: int = 0, token: str | None = None) -> AsyncIterator[bytes]:
        is_ours = token is None
        for is_last in (False, True):
            token = await self._session.bearer() if token is None or is_ours else token
            headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
            if start:
                headers["Range"] = f"bytes={start}-"
            async with self._transport.stream(f"{self._url}/blobstream/{blob}", headers) as answer:
                if answer.status == _NOTHING_LEFT:
                    return
                if answer.status < 400:
                    async for piece in _from(answer, start):
                        yield piece
                    return
                refusal = Response(answer.status, {}, b"".join([piece async for piece in answer.pieces]))
            if is_last or not is_ours or not _is_rejected(refusal):
                raise from_wire(refusal.status, refusal.decoded())
            await self._session.renew(token)

    async def upload(self, path: Path) -> str:
        response = await self._authorized(partial(self._post_file, path))
        answer = response.decoded()
        if response.status >= 400 or not isinstance(answer, dict) or "uuid" not in answer:
            raise from_wire(response.status, answer)
        return str(answer["uuid"])

    async def _post_file(self, path: Path, token: str) -> Response:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
        url = f"{self._url}/blobstream"
        return await self._transport.request("POST", url, headers=headers, body=_file(path), silence=STORING_SECONDS)

    async def emit(self, event: str, data: Any = None) -> None:
        await self._live.emit(event, data)

    async def forward(self, request: Forward, patience: float = 60.0) -> Answer:
        headers = {**request.headers, **({"Authorization": f"Bearer {request.token}"} if request.token else {})}
        response = await self._transport.request(
            request.method,
            self._url + request.path,
            headers=headers,
            query=request.query,
            body=request.body,
            silence=patience,
        )
        return response.status, response.headers, response.body

    async def close(self) -> None:
        await self._live.close()
        await self._transport.close()

    async def _who_am_i(self) -> Identity:
        node = await self._get(f"/node/{self._session.node_id}")
        if not node.get("collaboration"):
            raise CannotStart("this node belongs to no collaboration any more; ask the server's administrator")
        collaboration = await self._get(f"/collaboration/{node['collaboration']['id']}")
        self._has_blobs = await self._blobs_are_wanted()
        self._repeatable = "hanse" in await self._get("/version")
        organization_id = int(node["organization"]["id"])
        return Identity(
            node_id=self._session.node_id,
            name=str(node["name"]),
            organization_id=organization_id,
            organization=(await self.organization(organization_id)).name,
            collaboration_id=int(collaboration["id"]),
            encrypted=bool(collaboration["encrypted"]),
        )

    async def _blobs_are_wanted(self) -> bool:
        try:
            return bool((await self._get("/blobstream/status")).get("blob_store_enabled"))
        except HanseError as error:
            if error.status in _ABSENT:
                return False  # A server of before 4.12.
            raise

    async def _get(self, path: str, query: Query | None = None) -> dict[str, Any]:
        return await self._call("GET", path, query=query)

    async def _call(
        self, method: str, path: str, fields: Mapping[str, object] | None = None, query: Query | None = None
    ) -> dict[str, Any]:
        """Ask in our own name; raise what the server says."""
        body = None if fields is None else json.dumps(fields).encode()
        response = await self._authorized(lambda token: self._send(method, path, token, body, query))
        answer = response.decoded()
        if response.status >= 400:
            raise from_wire(response.status, answer)
        if not isinstance(answer, dict):
            raise HanseError(f"the server's answer to {method} {path} is not a JSON object")
        return answer

    async def _authorized(self, send: Callable[[str], Awaitable[Response]]) -> Response:
        """Send with our token, once more with a new one when it is rejected."""
        token = await self._session.bearer()
        response = await send(token)
        if _is_rejected(response):
            response = await send(await self._session.renew(token))
        return response

    async def _send(self, method: str, path: str, token: str, body: bytes | None, query: Query | None) -> Response:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return await self._transport.request(method, self._url + path, headers=headers, query=query, body=body)


async def _from(answer: Stream, start: int) -> AsyncIterator[bytes]:
    """Give what comes from some byte on; servers that know no ranges send everything."""
    skipped = start if answer.status != _PARTIAL else 0
    async for piece in answer.pieces:
        yield piece[skipped:]
        skipped = max(0, skipped - len(piece))


async def _file(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await in_thread(file.read, PIECE_BYTES):
            yield piece


def _is_rejected(response: Response) -> bool:
    """Tell whether the token is what the server does not accept; a 401 for what we may not do is none of that."""
    if response.status not in (401, 422):
        return False
    body = response.decoded()
    return not (isinstance(body, dict) and body.get("code") == "denied")


def _add(offers: dict[int, Offer], item: Mapping[str, Any]) -> None:
    """Take one offer; one that cannot be read must not hide the others."""
    try:
        offer = Offer.from_wire(item)
        offers[offer.run_id] = offer
    except Invalid as error:
        log.error("offer_unreadable", run_id=item.get("id"), cause=error.message)
