"""Uploading and downloading the blobs of the v4 blob protocol."""

from collections.abc import AsyncIterator

from anyio import to_thread
from sqlalchemy import select

from hanse_core.errors import Denied, NotFound, TooLarge, Unsupported
from hanse_core.permissions import Operation, Resource, Scope
from hanse_core.states import RunStatus
from hanse_server.tasks.models import Blob, Run
from hanse_server.tasks.queries import visible_runs
from hanse_server.tasks.ranges import ByteRange
from hanse_server.tasks.values import Place, Uploader, Values
from hanse_web.access import Actor, ContainerActor, UserActor
from hanse_web.work import Work


class Blobs:
    """The use cases of one request."""

    def __init__(self, values: Values, actor: Actor) -> None:
        self._values = values
        self._actor = actor

    async def upload(self, chunks: AsyncIterator[bytes], announced: int | None) -> str:
        """Store a blob as its uploader's; give its key."""
        self._require_store()
        actor, limit = self._actor, self._values.settings.limit_bytes
        if isinstance(actor, UserActor) and not actor.reaches(Resource.TASK, Operation.CREATE, Scope.COLLABORATION):
            raise Denied("you may not upload blobs, because you may not create tasks in a collaboration")
        if isinstance(actor, ContainerActor):
            async with self._values.works.open(write=False) as work:
                await to_thread.run_sync(self._require_running, work, actor)
        if announced is not None and announced > limit:
            raise _too_large(limit)
        received = await self._values.receive(Place.BLOBS, Uploader.of(actor), _limited(chunks, limit))
        return received.key

    def _require_running(self, work: Work, actor: ContainerActor) -> None:
        own = Run.task_id == actor.task_id, Run.organization_id == actor.organization_id
        status = work.session.scalar(select(Run.status).where(*own))
        if status is None or RunStatus(status).is_finished:
            refusal = Denied("the run of this container has ended, so it can upload no more blobs")
            refusal.status = 403
            raise refusal

    def size(self, work: Work, key: str) -> int | None:
        """Look a blob up; only its run says who may have it. Gives its size, None for one that a v4 server stored."""
        of_run = select(Blob.run_id).where(Blob.key == key, Blob.place == Place.BLOBS).scalar_subquery()
        run = work.session.scalar(visible_runs(self._actor).where(Run.id == of_run))
        if run is None:
            raise NotFound(f"no run has {key} as its input or result")
        self._require_store()
        return work.session.scalar(select(Blob.size).where(Blob.key == key))

    async def chunks(self, key: str, wanted: ByteRange | None) -> AsyncIterator[bytes]:
        """Read what is wanted of a blob, or all of it."""
        start, end = (wanted.start, wanted.end) if wanted else (0, None)
        if end is None or start < end:
            async for chunk in self._values.read(Place.BLOBS, key, start, end):
                yield chunk

    def _require_store(self) -> None:
        if not self._values.has_blobs:
            raise Unsupported("this server has no blob store; send inputs and results inside of the requests")


async def _limited(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the blob exceeds {limit} bytes, the most that this server takes")
