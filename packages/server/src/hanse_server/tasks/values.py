"""Values outside the database: taken in, given to their owner, read, and removed."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from anyio import CancelScope, to_thread
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from hanse_core.errors import Invalid, TooLarge
from hanse_server.settings.stores import ValueSettings
from hanse_server.tasks.forms import Form
from hanse_server.tasks.models import Blob
from hanse_web.access import Actor, ContainerActor
from hanse_web.blobs.base import BlobStore, new_key
from hanse_web.work import Work, Works

VALUES_RELEASED = "values_released"
"""Told to no room: values lost their owner, so that they are to be deleted."""


class Place(StrEnum):
    """Which store a value is in."""

    VALUES = "values"
    """Invisible: what clients and nodes send and get as a text."""
    BLOBS = "blobs"
    """Visible through the v4 blob protocol."""


@dataclass(frozen=True, slots=True)
class Uploader:
    """Who sent a value; nobody else can use it. Containers are told apart by their task."""

    identity_id: int
    task_id: int | None = None

    @classmethod
    def of(cls, actor: Actor) -> "Uploader":
        """Give the uploader that an actor is."""
        return cls(actor.id, actor.task_id if isinstance(actor, ContainerActor) else None)


@dataclass(frozen=True, slots=True)
class Received:
    """A value that is in its store as a whole."""

    key: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A value that came in a body, and was taken out of it into a store."""

    value: Received
    form: Form


class Values:
    """The stores, and what the database knows of them."""

    def __init__(self, works: Works, stores: Mapping[Place, BlobStore], settings: ValueSettings) -> None:
        self.works = works
        self.stores = stores
        self.settings = settings
        self._under_way: Counter[int] = Counter()
        """Bytes that are being received by this process now, by their uploader's id."""

    @property
    def has_blobs(self) -> bool:
        """Tell whether the v4 blob protocol is switched on."""
        return Place.BLOBS in self.stores

    async def receive(self, place: Place, uploader: Uploader, chunks: AsyncIterable[bytes]) -> Received:
        """Store a value; it is its uploader's until it gets an owner (`claim`), and is deleted when it gets none."""
        key = new_key()
        async with self.works.open(write=True) as work:
            await to_thread.run_sync(self._announce, work, Blob(key=key, place=place, **_columns(uploader)))
        meter = _Meter(chunks, self._under_way, uploader.identity_id, self._require_room)
        try:
            await self.stores[place].put(key, meter.passed())
            received = Received(key, meter.size, meter.digest())
            async with self.works.open(write=True) as work:
                await to_thread.run_sync(self._complete, work, received, uploader)
        except BaseException:
            with CancelScope(shield=True):
                await self.remove(place, [key])
            raise
        finally:
            meter.close()
        return received

    def _announce(self, work: Work, blob: Blob) -> None:
        self._require_room(_unclaimed(work.session, blob.uploader_id))
        blob.created_at = work.clock.now()
        work.session.add(blob)

    def _complete(self, work: Work, received: Received, uploader: Uploader) -> None:
        blob = work.session.get(Blob, received.key)
        if blob is None or blob.settled_at is not None:
            raise Invalid("the upload took too long, or its uploader was removed; send it again")
        # Once more, for uploads at the same time did not see each other when they began.
        self._require_room(_unclaimed(work.session, uploader.identity_id))
        blob.size, blob.digest = received.size, received.digest

    def _require_room(self, size: int) -> None:
        if size > self.settings.unclaimed_bytes:
            raise TooLarge(
                f"you uploaded more than {self.settings.unclaimed_bytes} bytes without using them; what is neither "
                f"input nor result is deleted after {self.settings.unclaimed_hours:g} hours"
            )

    async def remove(self, place: Place, keys: Sequence[str]) -> None:
        """Delete values that have no owner, and then what is known of them."""
        async with self.works.open(write=True) as work:
            given_up = await to_thread.run_sync(_give_up, work, keys)
        if given_up:
            await self.stores[place].delete(given_up)
            async with self.works.open(write=True) as work:
                await to_thread.run_sync(work.session.execute, delete(Blob).where(Blob.key.in_(given_up)))

    def read(self, place: Place, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Read a value, or a part of it."""
        return self.stores[place].open(key, start, end)


class _Meter:
    """Passes chunks on and keeps count of them, and of all that their uploader sends at the same time."""

    def __init__(
        self, chunks: AsyncIterable[bytes], under_way: Counter[int], uploader_id: int, require: Callable[[int], None]
    ) -> None:
        self.size = 0
        self._chunks = chunks
        self._under_way = under_way
        self._uploader_id = uploader_id
        self._require = require
        self._hash = hashlib.sha256()

    async def passed(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.size += len(chunk)
            self._under_way[self._uploader_id] += len(chunk)
            self._require(self._under_way[self._uploader_id])
            self._hash.update(chunk)
            yield chunk

    def digest(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        """Count what was passed no longer as under way."""
        self._under_way[self._uploader_id] -= self.size
        if not self._under_way[self._uploader_id]:
            del self._under_way[self._uploader_id]


def _columns(uploader: Uploader) -> dict[str, int | None]:
    return {"uploader_id": uploader.identity_id, "task_id": uploader.task_id}


def _unclaimed(session: Session, uploader_id: int | None) -> int:
    """Add up what an uploader has sent and not used."""
    unused = Blob.uploader_id == uploader_id, Blob.run_id.is_(None), Blob.settled_at.is_(None)
    return session.scalar(select(func.sum(Blob.size)).where(*unused)) or 0


def _give_up(work: Work, keys: Iterable[str]) -> Sequence[str]:
    """Settle those that have no owner, so that they can get none any more; give their keys."""
    free = Blob.key.in_(list(keys)), Blob.run_id.is_(None)
    work.session.execute(update(Blob).where(*free, Blob.settled_at.is_(None)).values(settled_at=work.clock.now()))
    return work.session.scalars(select(Blob.key).where(*free)).all()


def claim(work: Work, key: str, place: Place, uploader: Uploader, run_id: int, field: str) -> None:
    """Make a value the input or result of a run. Raises `Invalid` unless its uploader asks, and for the first time."""
    claimed = (
        update(Blob)
        .where(Blob.key == key, Blob.place == place, Blob.run_id.is_(None), Blob.settled_at.is_(None))
        .where(Blob.size.is_not(None), Blob.uploader_id == uploader.identity_id)
        .where(Blob.task_id.is_not_distinct_from(uploader.task_id))
        .values(run_id=run_id, field=field, settled_at=work.clock.now())
        .execution_options(synchronize_session=False)
    )
    result = work.session.execute(claimed)
    if result.rowcount != 1:  # type: ignore[attr-defined]
        raise Invalid(
            f"{key} is not a blob that you uploaded and that is still free; upload each {field} with POST /blobstream",
            errors={field: ["must be the uuid of a blob that was uploaded for it"]},
        )


def release(work: Work, run_ids: Sequence[int], field: str) -> None:
    """Take the values of a field from their runs, so that they are deleted."""
    released = update(Blob).where(Blob.run_id.in_(run_ids), Blob.field == field).values(run_id=None)
    work.session.execute(released.execution_options(synchronize_session=False))
    work.tell(VALUES_RELEASED, None)


def digest_of(session: Session, key: str) -> str | None:
    """Give the digest of a value."""
    return session.scalar(select(Blob.digest).where(Blob.key == key))
