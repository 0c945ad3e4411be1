"""Asking an algorithm store, in our own name, what it has approved (as v4 nodes from 4.15 on)."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from hanse_core.errors import Unavailable
from hanse_node.backoff import Backoff
from hanse_node.errors import Unreachable
from hanse_node.policy.stores import reachable
from hanse_node.uplink.session import Session
from hanse_node.uplink.transport import Response, Transport

SECONDS = 15.0
"""For all attempts together."""
ATTEMPTS = 3
LONGEST_ANSWER = 1_000_000


class Stores:
    """Asks stores; what they answer is judged elsewhere."""

    def __init__(self, transport: Transport, session: Session, api_url: str) -> None:
        self._transport = transport
        self._session = session
        self._api_url = api_url

    async def algorithms(self, url: str, image: str) -> list[dict[str, Any]]:
        """Give what the store lists for an image. Raises `Unavailable`, in bounded time, when it gives no list."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._insist(reachable(url, self._api_url), image)
        except TimeoutError:
            raise Unavailable(f"the algorithm store {url} did not answer within {SECONDS:.0f} s") from None

    async def _insist(self, url: str, image: str) -> list[dict[str, Any]]:
        backoff, cause = Backoff(0.5, 2.0), ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await backoff.pause()
            try:
                response = await self._ask(url, image)
            except Unreachable as error:
                cause = error.message
                continue
            if response.status < 500:
                return _listed(url, response)
            cause = f"it answered {response.status}"
        raise Unavailable(f"the algorithm store {url} cannot be asked: {cause}")

    async def _ask(self, url: str, image: str) -> Response:
        headers = {
            "Authorization": f"Bearer {await self._session.bearer()}",
            "Server-Url": _as_the_store_knows(self._api_url),
            "Client-Type": "node",
        }
        address = f"{url.rstrip('/')}/algorithm"
        return await self._transport.request(
            "GET", address, headers=headers, query={"image": image}, silence=SECONDS, most=LONGEST_ANSWER
        )


def _as_the_store_knows(api_url: str) -> str:
    host = urlsplit(api_url).hostname
    return api_url.replace("host.docker.internal", "localhost", 1) if host == "host.docker.internal" else api_url


def _listed(url: str, response: Response) -> list[dict[str, Any]]:
    """Read the list. A refusal is told with the store's status, never with its words: they are not ours to pass on."""
    body = response.decoded()
    if response.status == 400:
        return []  # The image is known there by another digest, or its digest is unknown.
    if response.status != 200 or not isinstance(body, dict) or not isinstance(body.get("data"), list):
        raise Unavailable(f"the algorithm store {url} gave no list of algorithms (it answered {response.status})")
    return [item for item in body["data"] if isinstance(item, dict)]
