"""Waiting for tasks to end without asking again and again, and without holding a transaction."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager

import orjson
import structlog
from anyio import to_thread
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hanse_core.errors import Unavailable
from hanse_core.protocol import KEEPALIVE_SECONDS
from hanse_core.states import RunStatus
from hanse_server.tasks.models import Task
from hanse_server.tasks.queries import status_of

TASK_CHANGED = "task_changed"
"""Told to no room: whoever waits for these tasks (`{"ids"}`) reads their status again."""
SWEEP_SECONDS = 3.0
HELD_BYTES = 8192
"""Length of every held answer, which its header says: of an answer without length the proxy of a v4 node makes one
that its container waits for without end. One blank every 15 s fills it in a day and a half; then the answer is the
status of that moment, and whoever still waits asks again."""
LONGEST_STATUS = max(len(orjson.dumps({"status": status.value})) for status in RunStatus)
MOST_HELD = 200
"""Requests of one user, or of one container, that are held here at the same time."""
RETRY_SECONDS = 5
Holder = tuple[int, int]
"""Who waits: the id of a user or node, and for its containers the task that they work on, else 0."""

log = structlog.get_logger()


class Watch:
    """Knows who waits for which task. The database is the truth; the bells only say when to look."""

    def __init__(self, engine: Engine, sweep_seconds: float = SWEEP_SECONDS) -> None:
        self._engine = engine
        self._sweep_seconds = sweep_seconds
        self._bells: dict[int, set[asyncio.Event]] = {}
        self.is_draining = False
        self.sweeps = 0
        self._held: Counter[Holder] = Counter()

    @property
    def waiting(self) -> Sequence[int]:
        """The tasks that somebody waits for."""
        return list(self._bells)

    @contextmanager
    def bell(self, task_id: int) -> Iterator[asyncio.Event]:
        """Give an event that is set when the task may have ended."""
        event = asyncio.Event()
        self._bells.setdefault(task_id, set()).add(event)
        try:
            yield event
        finally:
            self._bells[task_id].discard(event)
            if not self._bells[task_id]:
                del self._bells[task_id]

    def ring(self, task_ids: Iterable[int]) -> None:
        """Wake those who wait for these tasks."""
        for task_id in task_ids:
            for event in self._bells.get(task_id, ()):
                event.set()

    def require_room(self, holder: Holder) -> None:
        """Refuse to hold one more for who has enough held already. Raises `Unavailable`."""
        if self._held[holder] >= MOST_HELD:
            raise Unavailable(
                f"you wait for {MOST_HELD} tasks at once already; wait for fewer, or ask for their status now and then",
                retry_after=RETRY_SECONDS,
            )

    @contextmanager
    def _counted(self, holder: Holder) -> Iterator[None]:
        self._held[holder] += 1
        try:
            yield
        finally:
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]

    def drain(self) -> None:
        """End all waits with the status of now, because this process is about to stop."""
        self.is_draining = True
        self.ring(self.waiting)

    async def run(self) -> None:
        """Look after all waits together on a slow timer, for what was changed by others or never told."""
        while True:
            await asyncio.sleep(self._sweep_seconds)
            waiting = self.waiting
            if waiting:
                await self._sweep(waiting)

    async def _sweep(self, waiting: Sequence[int]) -> None:
        self.sweeps += 1
        try:
            self.ring(await to_thread.run_sync(self._ended, waiting))
        except SQLAlchemyError as error:
            log.warning("watch-sweep-failed", error=type(error).__name__)

    def _ended(self, task_ids: Sequence[int]) -> set[int]:
        with Session(self._engine) as session:
            found = session.execute(select(Task.id, Task.status).where(Task.id.in_(task_ids)))
            running = {task_id for task_id, status in found if not RunStatus(status).is_finished}
        return set(task_ids) - running

    def _status(self, task_id: int) -> RunStatus:
        with Session(self._engine) as session:
            return status_of(session, task_id) or RunStatus.KILLED

    async def hold(
        self, task_id: int, known: RunStatus, holder: Holder, keepalive_seconds: float = KEEPALIVE_SECONDS
    ) -> AsyncIterator[bytes]:
        """Write blanks while the task runs, then its status as JSON; altogether `HELD_BYTES`.

        A task that is deleted meanwhile was killed first, so that is its end.
        """
        room = HELD_BYTES - LONGEST_STATUS
        with self._counted(holder), self.bell(task_id) as bell:
            while True:
                bell.clear()
                try:
                    known = await to_thread.run_sync(self._status, task_id)
                except SQLAlchemyError as error:
                    log.warning("held-status-read-failed", error=type(error).__name__)
                if known.is_finished or self.is_draining or not room:
                    break
                while room and not bell.is_set():
                    try:
                        await asyncio.wait_for(bell.wait(), keepalive_seconds)
                    except TimeoutError:
                        room -= 1
                        yield b" "
        yield orjson.dumps({"status": known.value}).rjust(room + LONGEST_STATUS)
