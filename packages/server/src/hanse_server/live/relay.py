"""What nodes tell about their runs while they work: only what is theirs to tell is stored and passed on."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update

from hanse_core import events
from hanse_core.states import RunStatus
from hanse_server.tasks.models import Run, Task
from hanse_server.tasks.rules import addition
from hanse_web.access import NodeActor
from hanse_web.texts import storable
from hanse_web.work import Work

LINE_LIMIT = 100_000


def relay_status(work: Work, node: NodeActor, data: Mapping[str, Any]) -> bool:
    """Pass on that a run changed its state; everything but the state itself is read from the run."""
    status = data.get("status")
    row = _own_run(work, node, data.get("run_id"))
    if row is None or not isinstance(status, str) or status not in {known.value for known in RunStatus}:
        return False
    told = {
        "status": row.status if RunStatus(row.status).is_finished else status,
        "run_id": row.id,
        "task_id": row.task_id,
        "job_id": row.job_id,
        "collaboration_id": node.collaboration_id,
        "node_id": node.id,
        "organization_id": node.organization_id,
        "parent_id": row.parent_id,
    }
    work.tell(events.RUN_STATUS_CHANGED, told, events.collaboration_room(node.collaboration_id))
    return True


def relay_log(work: Work, node: NodeActor, data: Mapping[str, Any]) -> bool:
    """Append to the log of an unfinished run and pass it on, as long as the log is not full."""
    text = data.get("log")
    row = _own_run(work, node, data.get("run_id"))
    if row is None or not isinstance(text, str) or not text or RunStatus(row.status).is_finished:
        return False
    text = storable(text[:LINE_LIMIT])
    added = addition(row.length, row.end == "\n", text)
    if not added:
        return False
    appended = update(Run).where(Run.id == row.id).values(log=func.coalesce(Run.log, "") + added)
    work.session.execute(appended.execution_options(synchronize_session=False))
    told = {"run_id": row.id, "task_id": row.task_id, "log": text}
    work.tell(events.RUN_LOG, told, events.collaboration_room(node.collaboration_id))
    return True


def _own_run(work: Work, node: NodeActor, run_id: object) -> Any:
    if not isinstance(run_id, int):
        return None
    log = func.coalesce(Run.log, "")
    columns = (
        Run.id, Run.task_id, Run.status, Task.job_id, Task.parent_id,
        func.length(log).label("length"), func.substr(log, func.length(log)).label("end"),
    )  # fmt: skip
    statement = select(*columns).join(Task, Task.id == Run.task_id).where(Run.id == run_id)
    of_node = Run.organization_id == node.organization_id, Task.collaboration_id == node.collaboration_id
    return work.session.execute(statement.where(*of_node)).one_or_none()
