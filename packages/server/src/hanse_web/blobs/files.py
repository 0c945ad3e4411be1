"""Values as files in a folder of the server's own."""

import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from anyio import to_thread

from hanse_core.errors import Unavailable
from hanse_web.blobs.base import CHUNK_BYTES, Stored, gathered, is_key, no_value

PART = ".part"
Result = TypeVar("Result")


class FileBlobs:
    """Keeps each value in a file that only the server's user can read, in one of 256 sub-folders.

    A value is written under another name first and synchronised with the disk, so that a crash leaves no half values.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def put(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        path = self._path(key)
        part = path.with_name(path.name + PART)
        try:
            file = await _on_disk(_create, part)
            try:
                async for chunk in gathered(chunks):
                    await _on_disk(file.write, chunk)
                await _on_disk(_finish, file, part, path)
            finally:
                file.close()
        except BaseException:
            _remove(part)
            raise

    async def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        try:
            file = await to_thread.run_sync(_open, self._path(key), start)
        except FileNotFoundError as error:
            raise no_value(key) from error
        left = (end if end is not None else 1 << 63) - start
        with file:
            while left > 0 and (chunk := await to_thread.run_sync(file.read, min(CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk

    async def delete(self, keys: Sequence[str]) -> None:
        await to_thread.run_sync(self._delete, keys)

    def _delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            path = self._path(key)
            _remove(path)
            _remove(path.with_name(path.name + PART))

    async def list(self) -> AsyncIterator[Stored]:
        for shard in await to_thread.run_sync(_entries, self.folder):
            for path in await to_thread.run_sync(_entries, shard):
                key = path.name.removesuffix(PART)
                with suppress(FileNotFoundError):
                    facts = await to_thread.run_sync(path.stat)
                    if is_key(key):
                        yield Stored(key, datetime.fromtimestamp(facts.st_mtime, UTC), facts.st_size)

    def _path(self, key: str) -> Path:
        if not is_key(key):
            raise no_value(key)
        return self.folder / key[:2] / key


async def _on_disk(act: Callable[..., Result], *arguments: object) -> Result:
    try:
        return await to_thread.run_sync(act, *arguments)
    except OSError as error:
        raise Unavailable(f"a large value cannot be stored: {error.strerror}; see the setting `blobs`") from error


def _create(part: Path) -> BinaryIO:
    for folder in (part.parent.parent, part.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    return os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _finish(file: BinaryIO, part: Path, path: Path) -> None:
    """Have the value on the disk before it has its name, and the name on the disk before anybody counts on it."""
    file.flush()
    os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _open(path: Path, start: int) -> BinaryIO:
    file = path.open("rb")
    file.seek(start)
    return file


def _entries(folder: Path) -> Sequence[Path]:
    try:
        return sorted(folder.iterdir()) if folder.is_dir() else []
    except FileNotFoundError:
        return []


def _remove(path: Path) -> None:
    with suppress(NotADirectoryError):
        path.unlink(missing_ok=True)
