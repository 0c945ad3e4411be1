"""What an operator should know of the coupled stores, before somebody cannot run an algorithm of one."""

import asyncio
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_core.errors import HanseError
from hanse_server.stores.calls import StoreCalls
from hanse_server.stores.models import AlgorithmStore

AT_ONCE = 10
MOST_SECONDS = 10.0
"""How long a store may take, where somebody waits for all of them."""
REMEDY = "see that the store runs and that this machine reaches it, or remove it with `hanse server store remove`"


def unreachable(session: Session, calls: StoreCalls) -> Iterator[str]:
    """Ask every coupled store for its version, and name those that do not answer as a store."""
    columns = select(AlgorithmStore.id, AlgorithmStore.name, AlgorithmStore.url).order_by(AlgorithmStore.id)
    stores = session.execute(columns).all()
    urls = list(dict.fromkeys(store.url for store in stores))
    reasons = dict(zip(urls, asyncio.run(_look_at(urls, calls)), strict=True))
    for store in stores:
        if reason := reasons[store.url]:
            yield (
                f"nobody can run algorithms of the store {store.name} (id {store.id}, {store.url}): {reason}; {REMEDY}"
            )


async def _look_at(urls: Sequence[str], calls: StoreCalls) -> list[str | None]:
    """Give for each address why no store can be spoken to there; None where one can."""
    room = asyncio.Semaphore(AT_ONCE)

    async def look(url: str) -> str | None:
        async with room:
            try:
                await calls.look(url)
            except HanseError as error:
                return error.message
            return None

    return await asyncio.gather(*(look(url) for url in urls))
