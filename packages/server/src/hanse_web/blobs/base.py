"""What every place for large values can do."""

import re
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hanse_core.errors import NotFound

CHUNK_BYTES = 1 << 20
"""How much is read or written at once; so much memory a transfer takes."""
_KEY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Stored:
    """One value that is in a store."""

    key: str
    written_at: datetime
    size: int
    """In bytes."""


class BlobStore(Protocol):
    """Keeps values under keys that its user chose (`new_key`). A value is there as a whole, or not at all."""

    async def put(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        """Write a value; when the chunks end with an exception, nothing is kept."""

    def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Read a value, or the bytes from `start` up to but without `end`. Raises `NotFound` with the first chunk."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove values; those that are not there are removed already."""

    def list(self) -> AsyncIterator[Stored]:
        """Give all values, also what is left of those that were never written to their end."""


def new_key() -> str:
    """Make a key that nobody can guess."""
    return str(uuid.uuid4())


def is_key(text: str) -> bool:
    """Tell whether a text has the form of a key, so that it can become a file name."""
    return _KEY.fullmatch(text) is not None


def no_value(key: str) -> NotFound:
    """Say that a value is gone."""
    return NotFound(f"the value {key} is not in the store (any more)")


async def gathered(chunks: AsyncIterable[bytes], size: int = CHUNK_BYTES) -> AsyncIterator[bytes]:
    """Join small chunks, so that each step writes about `size` bytes."""
    waiting: list[bytes] = []
    length = 0
    async for chunk in chunks:
        waiting.append(chunk)
        length += len(chunk)
        if length >= size:
            yield b"".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield b"".join(waiting)
