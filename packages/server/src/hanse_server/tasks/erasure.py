"""What becomes of tasks when a user, an organization, a collaboration or a study is erased."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import CTE, ColumnElement, Table, or_, select

from hanse_server.tasks import endings
from hanse_server.tasks.models import Run, Task
from hanse_server.tasks.queries import is_unfinished
from hanse_server.tasks.values import VALUES_RELEASED
from hanse_web.work import Work

_OWNED: Mapping[str, Any] = {
    "user_account": Task.init_user_id,
    "organization": Task.init_org_id,
    "collaboration": Task.collaboration_id,
    "study": Task.study_id,
}


def end_runs_of(work: Work, table: Table, key: int) -> None:
    """Tell the nodes to stop what will be gone, and those who wait for it; the rows go by the database's cascades."""
    family = _family(_OWNED[table.name] == key)
    is_doomed: ColumnElement[bool] = Run.task_id.in_(select(family.c.id))
    if table.name == "organization":
        is_doomed = or_(is_doomed, Run.organization_id == key)
    columns = Run.id, Run.task_id, Run.organization_id, Task.collaboration_id
    running = select(*columns).join(Task, Task.id == Run.task_id).where(is_doomed, is_unfinished)
    rows = work.session.execute(running.order_by(Task.collaboration_id, Run.id)).all()
    for collaboration_id, group in groupby(rows, lambda row: row.collaboration_id):
        endings.tell_kill(work, list(group), collaboration_id)
    endings.wake(work, (row.task_id for row in rows))
    work.tell(VALUES_RELEASED, None)


def _family(is_first: ColumnElement[bool]) -> CTE:
    family = select(Task.id).where(is_first).cte("doomed", recursive=True)
    return family.union(select(Task.id).join(family, Task.parent_id == family.c.id))
