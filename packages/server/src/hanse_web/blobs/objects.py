"""Values as objects of S3 or of Azure Blob Storage, both through one library."""

from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from hanse_core.errors import Invalid, Unavailable
from hanse_web.blobs.base import CHUNK_BYTES, Stored, gathered, is_key, no_value

PART_BYTES = 8 << 20
"""Size of the parts of an upload; at 8 MiB, the 10,000 parts that S3 allows hold 80 GB."""


class ObjectBlobs:
    """Keeps each value as one object, named by its key. The library is loaded with the first use."""

    def __init__(self, store: Any) -> None:
        self._store = store

    async def put(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        import obstore

        with _explained(key):
            await obstore.put_async(self._store, key, gathered(chunks), chunk_size=PART_BYTES, max_concurrency=2)

    async def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        import obstore

        if not is_key(key):
            raise no_value(key)
        options: Any = {}
        if end is not None:
            options = {"range": (start, end)}
        elif start:
            options = {"range": {"offset": start}}
        with _explained(key):
            found = await obstore.get_async(self._store, key, options=options)
            async for chunk in found.stream(min_chunk_size=CHUNK_BYTES // 4):
                yield bytes(chunk)

    async def delete(self, keys: Sequence[str]) -> None:
        import obstore

        for key in keys:
            with _explained(key, may_be_gone=True):
                await obstore.delete_async(self._store, key)

    async def list(self) -> AsyncIterator[Stored]:
        import obstore

        with _explained("list"):
            async for batch in obstore.list(self._store):
                for found in batch:
                    key = str(found["path"]).rsplit("/", 1)[-1]
                    if is_key(key):
                        yield Stored(key, found["last_modified"], found["size"])


@contextmanager
def _explained(key: str, *, may_be_gone: bool = False) -> Iterator[None]:
    """Turn the library's errors into ours; its texts may hold addresses and requests, so they stay in the chain."""
    from obstore.exceptions import BaseError, NotFoundError

    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        if not may_be_gone:
            raise no_value(key) from error
    except BaseError as error:
        raise Unavailable("the store of large values does not answer or refuses; try again shortly") from error


def s3_blobs(bucket: str, prefix: str | None, **options: Any) -> ObjectBlobs:
    """Make a store of a bucket; without keys, the library finds those of the machine."""
    from obstore.store import S3Store

    return ObjectBlobs(S3Store(bucket, prefix=prefix or None, **_given(options)))


def azure_blobs(container: str, prefix: str | None, **options: Any) -> ObjectBlobs:
    """Make a store of a container, which must exist."""
    from obstore.store import AzureStore

    return ObjectBlobs(AzureStore(container, prefix=prefix or None, **_given(options)))


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in options.items() if value is not None}
    if str(given.get("endpoint", "")).startswith("http://"):
        given["client_options"] = {"allow_http": True}
    return given


def azure_options(connection_string: str) -> dict[str, str]:
    """Read a connection string of Azure, as its portal shows it. Raises `Invalid` naming what is missing."""
    pairs = (part.partition("=") for part in connection_string.split(";") if part)
    fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
    name = fields.get("accountname")
    if not name:
        raise Invalid("the connection string has no AccountName; copy it from the access keys of the storage account")
    credential = {
        target: fields[source]
        for source, target in (("accountkey", "account_key"), ("sharedaccesssignature", "sas_key"))
        if fields.get(source)
    }
    if not credential:
        raise Invalid("the connection string has neither AccountKey nor SharedAccessSignature")
    options = {"account_name": name, **credential}
    protocol = fields.get("defaultendpointsprotocol", "https")
    if endpoint := fields.get("blobendpoint"):
        options["endpoint"] = endpoint.rstrip("/")
    elif suffix := fields.get("endpointsuffix"):
        options["endpoint"] = f"{protocol}://{name}.blob.{suffix}"
    return options
