"""Looking at tasks and removing them; `creation` makes them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete

from hanse_core.errors import Denied, NotFound
from hanse_core.permissions import Resource
from hanse_core.states import RunStatus
from hanse_server.collaborations.rules import require_any_scope
from hanse_server.tasks import endings, rules
from hanse_server.tasks.items import RunItems, TaskItems, nested_runs
from hanse_server.tasks.models import Run, Task, TaskCount
from hanse_server.tasks.queries import (
    began_at,
    number_of_visible_tasks,
    open_runs,
    status_of,
    tree,
    visible_runs,
    visible_tasks,
)
from hanse_server.tasks.task_filters import SORTABLE, TaskFilters
from hanse_server.tasks.texts import Texts
from hanse_server.tasks.values import VALUES_RELEASED
from hanse_web.access import Actor, UserActor
from hanse_web.locks import claim
from hanse_web.query import Parameters, ordered
from hanse_web.work import Work

UNFILTERED = {"page", "per_page", "sort", "include"}
COUNTED = {"collaboration_id", "init_org_id", "init_user_id", "is_user_created", "study_id"}
COLUMNS = (
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
)
"""What an item shows of a task."""


class Tasks:
    """The use cases of one request."""

    def __init__(self, work: Work, actor: Actor) -> None:
        self._work = work
        self._session = work.session
        self._actor = actor

    def selection(self, parameters: Parameters) -> Select[Any]:
        """Select the tasks that a list shows, newest first."""
        require_any_scope(self._actor, Resource.TASK)
        includes = parameters.several("include")
        if {"runs", "results"} & set(includes) and not rules.covers_runs(self._actor):
            raise Denied("you may view more tasks than runs, so they cannot be shown together")
        statement = TaskFilters(self._session, self._actor, parameters).apply(visible_tasks(self._actor))
        columns: Any = statement.with_only_columns(*COLUMNS)
        return ordered(columns, parameters, SORTABLE, Task.id.desc())

    def number(self, parameters: Parameters) -> Select[Any] | None:
        """Select how many tasks `selection` selects, where the filters are such that the database keeps the number."""
        if not set(parameters.items) <= UNFILTERED | COUNTED:
            return None
        statement = number_of_visible_tasks(self._actor)
        for name in COUNTED:
            value = parameters.integer(name)
            if value is not None:
                value = bool(value) if name == "is_user_created" else value
                statement = statement.where(getattr(TaskCount, name) == int(value))
        return statement

    def look_up(self, task_id: int) -> Any:
        """Find the columns of one that the actor may view."""
        statement = visible_tasks(self._actor).where(Task.id == task_id).with_only_columns(*COLUMNS)
        found = self._session.execute(statement).one_or_none()
        if found is None:
            raise NotFound(f"task {task_id} is not found")
        return found

    def get(self, task_id: int) -> Task:
        """Find one that the actor may view."""
        found = self._session.scalar(visible_tasks(self._actor).where(Task.id == task_id))
        if found is None:
            raise NotFound(f"task {task_id} is not found")
        return found

    def items(self, tasks: Sequence[Any], includes: list[str], texts: Texts) -> list[dict[str, Any]]:
        """Write tasks, with their runs and results inside where asked."""
        nested = {}
        if {"runs", "results"} & set(includes):
            items = RunItems(self._session, self._work.links, texts)
            nested = dict(nested_runs(items, self._session, visible_runs(self._actor), tasks, includes))
        return TaskItems(self._session, self._work.links).write(tasks, nested)

    def status(self, task_id: int) -> RunStatus:
        """Give the status of now."""
        self.get(task_id)
        return status_of(self._session, task_id) or RunStatus.KILLED

    def delete(self, task_id: int) -> None:
        """Remove a task with all that descends from it; what still runs is killed first."""
        found = self.get(task_id)
        # A subtask bears the name of whoever runs the container that made it; it belongs to who began the computation.
        organization_id = found.init_org_id if found.parent_id is None else began_at(self._session, found.job_id)
        if not isinstance(self._actor, UserActor) or not rules.may_delete(
            self._actor, organization_id, found.init_user_id, found.collaboration_id
        ):
            raise Denied("you may not delete this task")
        claim(self._session, "job", found.job_id)
        family = self._session.scalars(tree(found.id).select()).all()
        running = self._session.execute(open_runs(Run.task_id.in_(family))).all()
        if running:
            endings.tell_kill(self._work, running, found.collaboration_id)
        endings.wake(self._work, family)
        self._work.tell(VALUES_RELEASED, None)
        # The database removes descendants, runs, ports and databases along with it.
        self._session.execute(delete(Task).where(Task.id == found.id).execution_options(synchronize_session=False))
