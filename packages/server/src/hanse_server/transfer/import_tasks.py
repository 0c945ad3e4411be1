"""Tasks and runs: the many and the large rows, carried a few at a time."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from hanse_core.states import RunStatus
from hanse_server.tasks.models import Blob, Job, Run, RunPort, Task, TaskDatabase
from hanse_server.tasks.values import Place
from hanse_server.transfer import v4
from hanse_server.transfer.carrying import Import, table
from hanse_server.transfer.large_values import LargeValues
from hanse_server.transfer.report import Report
from hanse_server.transfer.rows import AT_ONCE, LARGE_AT_ONCE, Row, copy, highest, number_of
from hanse_web.blobs.base import is_key

STATUSES = frozenset(status.value for status in RunStatus)


def tasks(work: Import, stores: Mapping[int, int]) -> None:
    """Carry the tasks; what they refer to and is gone becomes nothing. `stores` gives the new ids of stores."""
    last_job = _jobs(work)
    parent = v4.task.alias("parent")
    user, study, place = v4.user, v4.study, v4.organization
    collaborations = select(v4.collaboration.c.id)
    statement = (
        select(
            v4.task,
            parent.c.id.label("parent"),
            user.c.id.label("user"),
            study.c.id.label("study"),
            place.c.id.label("place"),
        )
        .select_from(v4.task)
        .where(v4.task.c.collaboration_id.in_(collaborations))
        .outerjoin(parent, (parent.c.id == v4.task.c.parent_id) & parent.c.collaboration_id.in_(collaborations))
        .outerjoin(user, (user.c.id == v4.task.c.init_user_id) & user.c.organization_id.in_(select(place.c.id)))
        .outerjoin(study, (study.c.id == v4.task.c.study_id) & study.c.collaboration_id.in_(collaborations))
        .outerjoin(place, place.c.id == v4.task.c.init_org_id)
        .order_by(v4.task.c.id)
    )

    def convert(row: Row) -> Mapping[str, Any]:
        nonlocal last_job
        job_id = row.job_id
        if job_id is None:
            last_job += 1
            job_id = last_job
            work.target.execute(insert(table(Job)), {"id": job_id})
        return {
            "id": row.id,
            "name": row.name or "",
            "description": row.description or "",
            "image": row.image or "",
            "job_id": job_id,
            "collaboration_id": row.collaboration_id,
            "study_id": row.study,
            # A parent is always older than its children; anything else would be a circle.
            "parent_id": row.parent if row.parent is not None and row.parent < row.id else None,
            "init_org_id": row.place,
            "init_user_id": row.user,
            "algorithm_store_id": stores.get(row.algorithm_store_id),
            "created_at": row.created_at or work.now,
            "status": RunStatus.COMPLETED.value,
        }

    number = copy(work.source, statement, work.target, table(Task), convert)
    work.report.count("tasks", number)
    _left_out(work.report, "tasks", number_of(work.source, v4.task) - number, "whose collaboration was deleted")
    databases = select(v4.task_database).join(v4.task, v4.task.c.id == v4.task_database.c.task_id)
    databases = databases.where(v4.task.c.collaboration_id.in_(collaborations)).order_by(v4.task_database.c.id)
    copy(work.source, databases, work.target, table(TaskDatabase), _database)


def _jobs(work: Import) -> int:
    """Carry the numbers of the jobs; gives the highest."""
    numbers = select(v4.task.c.job_id.label("id")).where(v4.task.c.job_id.is_not(None)).distinct().order_by("id")
    copy(work.source, numbers, work.target, table(Job), lambda row: {"id": row.id})
    return highest(work.target, table(Job))


def _database(row: Row) -> Mapping[str, Any]:
    return {"task_id": row.task_id, "label": row.database or "", "parameters": row.parameters or "{}"}


def runs(work: Import, values: LargeValues) -> None:
    """Carry the runs with input, result and log, and the ports of their containers."""
    odd: set[str] = set()

    def convert(row: Row) -> Mapping[str, Any]:
        status = row.status or RunStatus.PENDING.value
        if status not in STATUSES:
            odd.add(status)
            status = RunStatus.UNKNOWN_ERROR.value
        # The UUID of a blob is short.
        placed = values.columns(row.id, "input", row.input) | values.columns(row.id, "result", row.result)
        return {
            "id": row.id,
            "task_id": row.task_id,
            "organization_id": row.organization_id,
            "status": status,
            "version": 0,
            "assigned_at": row.assigned_at or row.created_at or work.now,
            "started_at": row.started_at,
            "finished_at": row.finished_at,
            "cleanup_at": row.cleanup_at,
            "blob_storage_used": bool(row.blob_storage_used),
            "log": row.log,
            **placed,
        }

    known = _known_runs()
    statement = select(v4.run, v4.task.c.created_at).join_from(v4.run, v4.task, v4.task.c.id == v4.run.c.task_id)
    statement = statement.where(v4.run.c.id.in_(known)).order_by(v4.run.c.id)
    number = copy(work.source, statement, work.target, table(Run), convert, at_once=LARGE_AT_ONCE)
    work.report.count("runs", number)
    orphans = number_of(work.source, v4.run) - number
    _left_out(work.report, "runs", orphans, "whose task was deleted; v4 shows them in no list")
    work.report.note("statuses that do not exist in v4.15 became 'unknown error'", sorted(odd))
    values.settle(work)
    _blobs(work, known, values)
    ports = select(v4.port).where(v4.port.c.run_id.in_(known), v4.port.c.port.is_not(None)).order_by(v4.port.c.id)
    copy(work.source, ports, work.target, table(RunPort), _port)
    open_runs = select(func.count()).select_from(v4.run).where(v4.run.c.id.in_(known), v4.run.c.finished_at.is_(None))
    if waiting := work.source.execute(open_runs).scalar_one():
        work.report.note(f"{waiting} runs have not ended; their nodes find them here when they log in")


def _blobs(work: Import, known: Any, values: LargeValues) -> None:
    """Note which blobs of the Azure container are whose input or result; their content stays where it is."""
    insertion = (postgresql if work.target.dialect.name == "postgresql" else sqlite).insert(table(Blob))
    columns = select(v4.run.c.id, v4.run.c.input, v4.run.c.result, v4.run.c.finished_at)
    statement = columns.where(v4.run.c.blob_storage_used, v4.run.c.id.in_(known)).order_by(v4.run.c.id)
    of_blobs = work.source.execution_options(stream_results=True, yield_per=AT_ONCE).execute(statement)
    noted = 0
    for part in of_blobs.partitions():
        fixed = {"place": Place.BLOBS.value, "created_at": work.now, "settled_at": work.now}
        pairs = ((row.id, name, row._mapping[name]) for row in part for name in ("input", "result"))
        rows = [{"key": key, "run_id": run, "field": name, **fixed} for run, name, key in pairs if is_key(key or "")]
        if rows:
            # The same one twice, which v4 allowed, belongs to the run that had it first.
            work.target.execute(insertion.on_conflict_do_nothing(), rows)
            noted += len(rows)
    if noted:
        work.report.count("blobs, which stay in their container", noted)
        work.report.note("`large_result_store` must name the container that the v4 server used")
        if not values.measure(work):
            work.report.note("downloads of these blobs cannot be resumed: the container did not tell their sizes")


def _known_runs() -> Any:
    """Select the ids of the runs that belong to a task and an organization."""
    task_ids = select(v4.task.c.id).where(v4.task.c.collaboration_id.in_(select(v4.collaboration.c.id)))
    place_ids = select(v4.organization.c.id)
    return select(v4.run.c.id).where(v4.run.c.task_id.in_(task_ids), v4.run.c.organization_id.in_(place_ids))


def _port(row: Row) -> Mapping[str, Any]:
    return {"run_id": row.run_id, "port": row.port, "label": row.label}


def _left_out(report: Report, what: str, number: int, why: str) -> None:
    if number:
        report.note(f"{number} {what} {why} were left out")
