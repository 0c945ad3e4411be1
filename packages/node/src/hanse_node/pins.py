"""Which digest the name of an image stands for: decided once per job, so that all its runs are of the same bytes."""

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from hanse_node.journal import Journal

MOST_REMEMBERED = 1000
"""Only what is not yet in the journal must be remembered here: the runs that are being claimed now."""
Key = tuple[int, str]


class Pins:
    """Asks the engine the first time, and the journal from then on, also after a restart."""

    def __init__(self, journal: Journal, resolve: Callable[[str], Awaitable[str]]) -> None:
        self._journal = journal
        self._resolve = resolve
        self._decided: dict[Key, str] = {}
        self._deciding: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    async def digest(self, job_id: int, image: str) -> str:
        """Give the digest for all runs of this image in this job. Raises `ImageMissing` when there is none."""
        key = (job_id, image)
        lock = self._deciding.setdefault(key, asyncio.Lock())
        async with lock:
            known = self._decided.get(key) or self._journal.digest(job_id, image)
            if known is None:
                known = self._decided[key] = await self._resolve(image)
                if len(self._decided) > MOST_REMEMBERED:
                    del self._decided[next(iter(self._decided))]
            return known
