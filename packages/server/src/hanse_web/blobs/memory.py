"""Values in this process; for tests, and to simulate a store that is away."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from datetime import UTC, datetime

from hanse_core.errors import Unavailable
from hanse_web.blobs.base import CHUNK_BYTES, Stored, no_value


class MemoryBlobs:
    """Keeps values as long as the process lives."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.opened: list[str] = []
        """Keys in the order in which they were opened."""
        self.is_away = False

    async def put(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        self._require_present()
        self.values[key] = b"".join([chunk async for chunk in chunks])

    async def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        self._require_present()
        if key not in self.values:
            raise no_value(key)
        self.opened.append(key)
        value = self.values[key][start:end]
        for offset in range(0, len(value), CHUNK_BYTES):
            yield value[offset : offset + CHUNK_BYTES]

    async def delete(self, keys: Sequence[str]) -> None:
        self._require_present()
        for key in keys:
            self.values.pop(key, None)

    async def list(self) -> AsyncIterator[Stored]:
        self._require_present()
        for key in sorted(self.values):
            yield Stored(key, datetime.now(UTC), len(self.values[key]))

    def _require_present(self) -> None:
        if self.is_away:
            raise Unavailable("the store of large values does not answer; try again shortly")
