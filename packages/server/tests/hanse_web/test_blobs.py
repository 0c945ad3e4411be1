"""The contract of stores for large values, run by every implementation."""

import asyncio
import os
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from hanse_core.errors import Invalid, NotFound, Unavailable
from hanse_web.blobs.base import CHUNK_BYTES, BlobStore, gathered, new_key
from hanse_web.blobs.files import FileBlobs
from hanse_web.blobs.memory import MemoryBlobs
from hanse_web.blobs.objects import azure_blobs, azure_options, s3_blobs

Make = Callable[[], BlobStore]


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(store: BlobStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.open(key, start, end)])


async def keys(store: BlobStore) -> set[str]:
    return {found.key async for found in store.list()}


@pytest.fixture(scope="session")
def s3(object_store: Callable[..., str]) -> Callable[[], BlobStore]:
    """Make stores in an S3 bucket, each with a prefix of its own."""
    endpoint = object_store("s3")

    def make() -> BlobStore:
        httpx.put(f"{endpoint}/values").raise_for_status()
        secrets = {"access_key_id": "k", "secret_access_key": "s", "region": "us-east-1"}
        return s3_blobs("values", new_key(), endpoint=endpoint, virtual_hosted_style_request=False, **secrets)

    return make


@pytest.fixture(scope="session")
def azure(object_store: Callable[..., str], azure_container: Callable[[str], str]) -> Callable[[], BlobStore]:
    """Make stores in an Azure container, each with a prefix of its own."""
    text = azure_container("values")
    return lambda: azure_blobs("values", new_key(), **azure_options(text))


@pytest.fixture(
    params=[
        "memory",
        "files",
        pytest.param("s3", marks=pytest.mark.needs("uv")),
        pytest.param("azure", marks=pytest.mark.needs("npm")),
    ]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "memory":
        return MemoryBlobs()
    if request.param == "files":
        return FileBlobs(tmp_path / "values")
    make: Make = request.getfixturevalue(request.param)
    return make()


async def test_a_value_comes_back_as_it_was_put(store: BlobStore) -> None:
    key = new_key()
    await store.put(key, pieces(b"one ", b"", b"two"))
    assert await read(store, key) == b"one two"
    assert await keys(store) == {key}


async def test_an_empty_value_is_a_value(store: BlobStore) -> None:
    key = new_key()
    await store.put(key, pieces())
    assert await read(store, key) == b""


@pytest.mark.parametrize(("start", "end"), [(0, 4), (3, None), (2, 7), (9, 10), (4, 100)])
async def test_a_part_of_a_value_is_read_without_the_rest(store: BlobStore, start: int, end: int | None) -> None:
    key = new_key()
    await store.put(key, pieces(b"0123456789"))
    assert await read(store, key, start, end) == b"0123456789"[start:end]


async def test_a_value_of_many_parts_is_put_together(store: BlobStore) -> None:
    key, part = new_key(), os.urandom(CHUNK_BYTES)
    await store.put(key, pieces(*[part] * 20))
    assert await read(store, key) == part * 20
    assert await read(store, key, CHUNK_BYTES * 19 + 5) == part[5:]


async def test_what_is_not_there_is_not_found(store: BlobStore) -> None:
    for key in (new_key(), "../../etc/passwd", ""):
        with pytest.raises(NotFound):
            await read(store, key)


async def test_a_deleted_value_is_gone_and_deleting_it_again_is_no_error(store: BlobStore) -> None:
    gone, kept = new_key(), new_key()
    for key in (gone, kept):
        await store.put(key, pieces(key.encode()))
    await store.delete([gone])
    await store.delete([gone, new_key()])
    assert await keys(store) == {kept}
    with pytest.raises(NotFound):
        await read(store, gone)


async def test_an_upload_that_breaks_off_leaves_nothing(store: BlobStore) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 3 * CHUNK_BYTES
        raise ConnectionResetError("the sender went away")

    key = new_key()
    with pytest.raises(Exception, match="went away"):
        await store.put(key, broken())
    assert await keys(store) == set()
    with pytest.raises(NotFound):
        await read(store, key)


async def test_a_cancelled_upload_leaves_nothing(store: BlobStore) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"x" * 2 * CHUNK_BYTES
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(store.put(new_key(), endless()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await keys(store) == set()


async def test_a_transfer_takes_little_memory(tmp_path: Path) -> None:
    store, key = FileBlobs(tmp_path), new_key()

    async def long() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x" * (CHUNK_BYTES // 16)

    tracemalloc.start()
    await store.put(key, long())
    async for _ in store.open(key):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * CHUNK_BYTES


async def test_files_can_be_read_by_their_owner_only(tmp_path: Path) -> None:
    store, key = FileBlobs(tmp_path / "values"), new_key()
    await store.put(key, pieces(b"secret"))
    assert (tmp_path / "values" / key[:2] / key).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "values").stat().st_mode & 0o777 == 0o700


async def test_a_full_disk_is_told_as_unavailable(tmp_path: Path) -> None:
    (tmp_path / "values").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="cannot be stored"):
        await FileBlobs(tmp_path / "values").put(new_key(), pieces(b"x"))


async def test_what_a_crash_left_behind_is_listed_and_can_be_deleted(tmp_path: Path) -> None:
    store, key = FileBlobs(tmp_path), new_key()
    (tmp_path / key[:2]).mkdir()
    (tmp_path / key[:2] / f"{key}.part").write_bytes(b"half")
    assert await keys(store) == {key}
    await store.delete([key])
    assert await keys(store) == set()


async def test_small_chunks_are_joined() -> None:
    joined = [len(chunk) async for chunk in gathered(pieces(*[b"12345"] * 5), 10)]
    assert joined == [10, 10, 5]


@pytest.mark.needs("npm")
async def test_a_store_that_refuses_the_key_is_told_as_unavailable(azure_container: Any) -> None:
    options = {**azure_options(azure_container("values")), "account_key": "d3Jvbmc="}
    with pytest.raises(Unavailable):
        await read(azure_blobs("values", None, **options), new_key())


@pytest.mark.parametrize("text", ["", "AccountKey=x", "AccountName=x", "nonsense"])
def test_a_connection_string_that_lacks_something_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="connection string"):
        azure_options(text)


def test_a_connection_string_names_its_endpoint() -> None:
    named = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=k==;EndpointSuffix=core.windows.net"
    assert azure_options(named) == {
        "account_name": "a",
        "account_key": "k==",
        "endpoint": "https://a.blob.core.windows.net",
    }
