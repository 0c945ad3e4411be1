"""Ending runs that their nodes did not end: killed by a user, or failed because a sibling failed."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select, update

from hanse_core import events
from hanse_core.states import RunStatus
from hanse_server.tasks.models import Run
from hanse_server.tasks.queries import hold, is_unfinished
from hanse_server.tasks.watch import TASK_CHANGED
from hanse_web.work import Work


def kill_runs(work: Work, rows: Sequence[Any]) -> None:
    """Mark unfinished runs, given as (id, task_id, organization_id), as killed."""
    task_ids = {row.task_id for row in rows}
    hold(work.session, task_ids)
    _end(work, [row.id for row in rows], RunStatus.KILLED, {})
    wake(work, task_ids)


def tell_kill(work: Work, rows: Sequence[Any], collaboration_id: int) -> None:
    """Tell the nodes of a collaboration which runs to stop."""
    kill_list = [{"task_id": row.task_id, "run_id": row.id, "organization_id": row.organization_id} for row in rows]
    data = {"kill_list": kill_list, "collaboration_id": collaboration_id}
    work.tell(events.KILL, data, events.collaboration_room(collaboration_id))


def fail_siblings(work: Work, task_id: int, culprit_id: int, status: RunStatus, collaboration_id: int) -> None:
    """Fail the runs of a task that have not started, because one of them failed."""
    statement = select(Run.id).where(
        Run.task_id == task_id, Run.id != culprit_id, Run.started_at.is_(None), Run.finished_at.is_(None), is_unfinished
    )
    siblings = work.session.scalars(statement).all()
    text = f"Marked as failed because sibling run id={culprit_id} failed with status '{status.value}'."
    _end(work, siblings, RunStatus.FAILED, {"log": text})
    for run_id in siblings:
        work.tell(events.STATUS_UPDATE, {"run_id": run_id}, events.collaboration_room(collaboration_id))


def wake(work: Work, task_ids: Iterable[int]) -> None:
    """Have those who wait for these tasks look again."""
    ids = sorted(set(task_ids))
    if ids:
        work.tell(TASK_CHANGED, {"ids": ids})


def _end(work: Work, run_ids: Sequence[int], status: RunStatus, values: dict[str, Any]) -> None:
    """Move runs to their end, in one statement that leaves alone what ended meanwhile."""
    if not run_ids:
        return
    now = work.clock.now()
    ended = {"status": status.value, "finished_at": now, "version": Run.version + 1}
    log = {"log": values["log"]} if "log" in values else {}
    condition = Run.id.in_(run_ids), is_unfinished
    statement = update(Run).where(*condition).values(**ended).execution_options(synchronize_session=False)
    if log:
        unlogged = update(Run).where(*condition, Run.log.is_(None)).values(**log)
        work.session.execute(unlogged.execution_options(synchronize_session=False))
    work.session.execute(statement)
