"""Tasks, runs and results as they are written to the wire; many at once, in a constant number of statements."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from hanse_core.errors import Invalid
from hanse_core.wire import tasks as wire
from hanse_server.collaborations.models import Node
from hanse_server.tasks.models import Run, RunPort, Task, TaskDatabase
from hanse_server.tasks.texts import Texts
from hanse_web.db import json_lists, wire_time
from hanse_web.links import Links

MOST_NESTED = 10_000
"""Runs that are written inside the tasks of one page: a bound of the memory and time that a request can take."""


_database = (
    select(TaskDatabase.label, TaskDatabase.parameters)
    .where(TaskDatabase.task_id == Task.id)
    .order_by(TaskDatabase.id)
    .correlate(Task)
    .subquery()
)
SHOWN = (
    Task.id,
    Task.name,
    Task.description,
    Task.image,
    Task.job_id,
    Task.created_at,
    Task.status,
    Task.finished_at,
    Task.collaboration_id,
    Task.study_id,
    Task.algorithm_store_id,
    Task.parent_id,
    Task.init_org_id,
    Task.init_user_id,
    select(json_lists(_database.c.label, _database.c.parameters)).scalar_subquery().label("database_lists"),
)
"""The columns that hold all of what an item shows of a task."""


class TaskItems:
    """Writes the tasks of one answer."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def write(
        self, tasks: Sequence[Any], nested: Mapping[str, Mapping[int, list[Any]]] | None = None
    ) -> list[dict[str, Any]]:
        """Write rows with the columns of `SHOWN` in the form of `wire.Task`.

        `nested` gives runs and results to put in place of their links.
        """
        return [self._one(task, nested or {}) for task in tasks]

    def _one(self, task: Any, nested: Mapping[str, Mapping[int, list[Any]]]) -> dict[str, Any]:
        links, key = self._links, task.id
        return {
            "id": key,
            "name": task.name,
            "description": task.description,
            "image": task.image,
            "job_id": task.job_id,
            "created_at": wire_time(task.created_at),
            "status": task.status,
            "finished_at": wire_time(task.finished_at),
            "collaboration": links.plain("collaboration", task.collaboration_id),
            "study": links.plain("study", task.study_id),
            "algorithm_store": links.plain("algorithmstore", task.algorithm_store_id),
            "parent": links.plain("task", task.parent_id),
            "init_org": links.plain("organization", task.init_org_id),
            "init_user": links.plain("user", task.init_user_id),
            "databases": _databases(task.database_lists),
            "runs": nested["runs"].get(key, []) if "runs" in nested else links.many("run", task_id=key),
            "results": nested["results"].get(key, []) if "results" in nested else links.many("result", task_id=key),
            "children": links.many("task", parent_id=key),
        }


def _databases(lists: str | None) -> list[dict[str, str]]:
    return [{"label": label, "parameters": parameters} for label, parameters in orjson.loads(lists or "[]")]


class RunItems:
    """Writes the runs, or the results, of one answer."""

    def __init__(self, session: Session, links: Links, texts: Texts) -> None:
        self._session = session
        self._links = links
        self._texts = texts

    def write(self, runs: Sequence[Run], *, tasks_seen: ColumnElement[bool] | None = None) -> list[dict[str, Any]]:
        """Write runs with input and log; their results have items of their own.

        With `tasks_seen`, the tasks of which it is true stand inside their runs; of others there is the link.
        """
        tasks, whole = self._tasks(runs, tasks_seen)
        nodes = self._nodes(tasks.values(), runs)
        ports = self._ports(runs)
        texts = self._texts.of(self._session, runs, "input", "log")
        return [
            {
                **self._own(run),
                **texts[run.id],
                "task": whole.get(run.task_id) or self._links.plain("task", run.task_id),
                "node": nodes.get((run.organization_id, tasks[run.task_id]), {}),
                "ports": ports.get(run.id, []),
            }
            for run in runs
        ]

    def write_results(self, runs: Sequence[Run]) -> list[wire.Result]:
        """Write the results of runs."""
        results = self._texts.of(self._session, runs, "result")
        return [
            wire.Result(
                id=run.id,
                result=results[run.id]["result"],
                blob_storage_used=run.blob_storage_used,
                cleanup_at=wire_time(run.cleanup_at),
                task=self._links.one("task", run.task_id),
                run=self._links.one("run", run.id),
            )
            for run in runs
        ]

    def _own(self, run: Run) -> dict[str, Any]:
        return {
            "id": run.id,
            "status": run.status,
            "assigned_at": wire_time(run.assigned_at),
            "started_at": wire_time(run.started_at),
            "finished_at": wire_time(run.finished_at),
            "cleanup_at": wire_time(run.cleanup_at),
            "blob_storage_used": run.blob_storage_used,
            "organization": self._links.plain("organization", run.organization_id),
            "results": self._links.plain("result", run.id),
        }

    def _tasks(
        self, runs: Iterable[Run], seen: ColumnElement[bool] | None
    ) -> tuple[Mapping[int, int], Mapping[int, dict[str, Any]]]:
        """Find the collaborations of the tasks of runs; and write those of the tasks that may be shown."""
        columns = (Task.id, Task.collaboration_id) if seen is None else (*SHOWN, seen.label("is_seen"))
        rows = self._session.execute(select(*columns).where(Task.id.in_({run.task_id for run in runs}))).all()
        shown = [] if seen is None else [row for row in rows if row.is_seen]
        written = TaskItems(self._links).write(shown)
        whole = {task["id"]: {name: value for name, value in task.items() if name != "runs"} for task in written}
        return {row.id: row.collaboration_id for row in rows}, whole

    def _nodes(
        self, collaborations: Iterable[int], runs: Iterable[Run]
    ) -> Mapping[tuple[int, int | None], dict[str, Any]]:
        """Find who runs what: the node of the run's organization in the task's collaboration, if there is one."""
        columns = (Node.id, Node.name, Node.status, Node.ip, Node.organization_id, Node.collaboration_id)
        statement = select(*columns).where(
            Node.collaboration_id.in_(set(collaborations)),
            Node.organization_id.in_({run.organization_id for run in runs}),
        )
        return {
            (row.organization_id, row.collaboration_id): {
                "id": row.id,
                "name": row.name,
                "status": row.status or "offline",
                "ip": row.ip,
            }
            for row in self._session.execute(statement)
        }

    def _ports(self, runs: Iterable[Run]) -> Mapping[int, list[dict[str, Any]]]:
        found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        statement = select(RunPort).where(RunPort.run_id.in_([run.id for run in runs])).order_by(RunPort.id)
        for port in self._session.scalars(statement):
            found[port.run_id].append({"id": port.id, "port": port.port, "label": port.label})
        return found


def nested_runs(
    items: RunItems, session: Session, visible: Select[Run], tasks: Sequence[Any], includes: Iterable[str]
) -> Mapping[str, Mapping[int, list[Any]]]:
    """Write the runs and results that are to stand inside their tasks, as far as they are visible."""
    wanted = [name for name in ("runs", "results") if name in includes]
    if not wanted:
        return {}
    of_tasks = visible.where(Run.task_id.in_([task.id for task in tasks])).order_by(Run.id)
    runs = session.scalars(of_tasks.limit(MOST_NESTED + 1)).all()
    if len(runs) > MOST_NESTED:
        raise Invalid(f"the tasks of this page have more than {MOST_NESTED} runs; ask for fewer tasks with per_page")
    nested: dict[str, defaultdict[int, list[Any]]] = {}
    for name in wanted:
        written: Sequence[Any] = items.write(runs) if name == "runs" else items.write_results(runs)
        nested[name] = defaultdict(list)
        for run, item in zip(runs, written, strict=True):
            nested[name][run.task_id].append(item)
    return nested
