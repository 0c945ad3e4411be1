"""Values of a v4 database that are too large for ours: they go where those go that come with requests."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, insert, update

from hanse_core.errors import HanseError
from hanse_server.settings import Settings
from hanse_server.tasks.models import Blob
from hanse_server.tasks.places import make_stores
from hanse_server.tasks.values import Place
from hanse_server.transfer.carrying import Import, table
from hanse_web.blobs.base import CHUNK_BYTES, BlobStore, new_key

AT_ONCE = 500


class LargeValues:
    """The stores during one import; what an import that fails has stored is removed again (`discard`)."""

    def __init__(self, stores: Mapping[Place, BlobStore], inline_bytes: int) -> None:
        self._stores = stores
        self._inline_bytes = inline_bytes
        self._rows: list[dict[str, Any]] = []

    @classmethod
    def of(cls, settings: Settings, *, dry_run: bool) -> "LargeValues":
        """Take the stores of a server; a dry run stores nothing."""
        return cls({} if dry_run else make_stores(settings), settings.values.inline_bytes)

    def columns(self, run_id: int, field: str, text: str | None) -> dict[str, str | None]:
        """Give the columns of a run for its input or result: the text, or the key of where it was put."""
        value = text.encode() if text is not None else b""
        if len(value) <= self._inline_bytes or Place.VALUES not in self._stores:
            return {field: text, f"{field}_key": None}
        key = new_key()
        self._rows.append({"key": key, "run_id": run_id, "field": field, "size": len(value), "digest": _digest(value)})
        asyncio.run(self._stores[Place.VALUES].put(key, _chunks(value)))
        return {field: None, f"{field}_key": key}

    def settle(self, work: Import) -> None:
        """Note whose the stored values are, once their runs are there."""
        fixed = {"place": Place.VALUES.value, "created_at": work.now, "settled_at": work.now}
        for start in range(0, len(self._rows), AT_ONCE):
            work.target.execute(insert(table(Blob)), [row | fixed for row in self._rows[start : start + AT_ONCE]])

    def measure(self, work: Import) -> bool:
        """Note how large the blobs are that stay in their container, so that downloads of them can be resumed.

        Tells whether that was possible.
        """
        if Place.BLOBS not in self._stores:
            return False
        blobs = table(Blob)
        of_key = update(blobs).where(blobs.c.key == bindparam("named"), blobs.c.place == Place.BLOBS.value)
        try:
            for part in _parts(asyncio.run(_sizes(self._stores[Place.BLOBS])).items()):
                work.target.execute(of_key.values(size=bindparam("bytes")), part)
        except HanseError:
            return False
        return True

    def discard(self) -> None:
        """Remove what was stored."""
        if self._rows:
            asyncio.run(self._stores[Place.VALUES].delete([row["key"] for row in self._rows]))


def _digest(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


async def _chunks(value: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(value), CHUNK_BYTES):
        yield value[start : start + CHUNK_BYTES]


async def _sizes(store: BlobStore) -> dict[str, int]:
    return {found.key: found.size async for found in store.list()}


def _parts(sizes: Iterable[tuple[str, int]]) -> Iterable[list[dict[str, Any]]]:
    rows = [{"named": key, "bytes": size} for key, size in sizes]
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))
