"""Deleting inputs, results and logs of runs that ended long enough ago."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from anyio import to_thread
from sqlalchemy import ColumnElement, and_, false, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from hanse_server.collaborations.models import Collaboration
from hanse_server.tasks.models import Run, Task
from hanse_server.tasks.values import VALUES_RELEASED, release
from hanse_web.work import Work, Works

FIRST_SECONDS = 60.0
"""A start has more urgent things to do."""
HOUR_SECONDS = 3600.0
BATCH = 100
_KEYS = {"input": Run.input_key, "result": Run.result_key}
_COLUMNS = {"input": Run.input, "result": Run.result, "log": Run.log}
_KEPT = {
    "input": Collaboration.keep_inputs_days,
    "result": Collaboration.keep_results_days,
    "log": Collaboration.keep_logs_days,
}

log = structlog.get_logger()


class Expiry:
    """Looks every hour for what has expired. Each batch is a transaction; several replicas may do the same."""

    def __init__(self, works: Works, days: int | None, *, includes_inputs: bool) -> None:
        self._works = works
        self._days: Mapping[str, int | None] = {"result": days, "input": days if includes_inputs else None}

    async def run(self) -> None:
        """Expire until cancelled."""
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            try:
                expired = await self.expire()
                log.info("values-expired", number=expired)
            except SQLAlchemyError as error:
                log.warning("values-not-expired", error=type(error).__name__)
            await asyncio.sleep(HOUR_SECONDS)

    async def expire(self) -> int:
        """Delete what is due; give the number of values."""
        expired = 0
        for field in _COLUMNS:
            while run_ids := await self._due(field):
                async with self._works.open(write=True) as work:
                    await to_thread.run_sync(_empty, work, field, run_ids)
                expired += len(run_ids)
        return expired

    async def _due(self, field: str) -> Sequence[int]:
        async with self._works.open(write=False) as work:
            return await to_thread.run_sync(self._find, work, field)

    def _find(self, work: Work, field: str) -> Sequence[int]:
        kept = or_(_is_outside(field), _COLUMNS[field] != "")
        due = [and_(kept, older) for older in self._older(work, field)]
        if field in _KEYS:
            due += [and_(_is_outside(field), older) for older in _older_in(work, Collaboration.keep_blobs_days)]
        statement = select(Run.id).join(Task, Task.id == Run.task_id).where(or_(false(), *due))
        return work.session.scalars(statement.order_by(Run.id).limit(BATCH)).all()

    def _older(self, work: Work, field: str) -> Iterable[ColumnElement[bool]]:
        """Give conditions that runs meet whose field is due: by the server's rule, or by their collaboration's."""
        days = self._days.get(field)
        if days:
            yield _ended_before(work, days)
        yield from _older_in(work, _KEPT[field])


def _older_in(work: Work, setting: Any) -> Iterable[ColumnElement[bool]]:
    for collaboration_id, days in work.session.execute(select(Collaboration.id, setting).where(setting > 0)):
        yield and_(Task.collaboration_id == collaboration_id, _ended_before(work, days))


def _ended_before(work: Work, days: int) -> ColumnElement[bool]:
    return Run.finished_at < work.clock.now() - timedelta(days=days)


def _is_outside(field: str) -> ColumnElement[bool]:
    if field not in _KEYS:
        return false()
    return or_(_KEYS[field].is_not(None), and_(Run.blob_storage_used, _COLUMNS[field] != ""))


def _empty(work: Work, field: str, run_ids: Sequence[int]) -> None:
    values = {field: "", "cleanup_at": work.clock.now()}
    if field in _KEYS:
        values[f"{field}_key"] = None
        release(work, run_ids, field)
    emptied = update(Run).where(Run.id.in_(run_ids)).values(**values)
    work.session.execute(emptied.execution_options(synchronize_session=False))
    work.tell(VALUES_RELEASED, None)
