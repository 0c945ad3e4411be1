"""Looking at tasks and removing them; `creation` makes them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete
from sqlalchemy.orm import Session

from hanse_core.errors import Denied, NotFound
from hanse_core.permissions import Resource
from hanse_core.states import RunStatus
from hanse_server.collaborations.rules import require_any_scope
from hanse_server.tasks import endings, rules
from hanse_server.tasks.items import SHOWN, RunItems, TaskItems, nested_runs
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
from hanse_server.tasks.task_filters import SORTABLE, UNFILTERED, TaskFilters
from hanse_server.tasks.texts import Texts
from hanse_server.tasks.values import VALUES_RELEASED
from hanse_web.access import Actor, UserActor
from hanse_web.alike import made_once, values_of
from hanse_web.listing import KEY, Listing
from hanse_web.locks import claim
from hanse_web.query import Parameters, ordered
from hanse_web.work import Work

COUNTED = {"collaboration_id", "init_org_id", "init_user_id", "is_user_created", "study_id"}
"""Filters by which the database keeps the number of tasks, too."""


@made_once
def _listed(actor: Actor, sort: str | None) -> Listing:
    rows = ordered(visible_tasks(actor).with_only_columns(*SHOWN), sort, SORTABLE, Task.id.desc())
    return Listing(rows, number_of_visible_tasks(actor), Task.id)


@made_once
def _one(actor: Actor) -> Select[Any]:
    return visible_tasks(actor).with_only_columns(*SHOWN).where(Task.id == KEY)


class Tasks:
    """The use cases of one request."""

    def __init__(self, work: Work, actor: Actor) -> None:
        self._work = work
        self._actor = actor

    @property
    def _session(self) -> Session:
        return self._work.session

    def listing(self, parameters: Parameters) -> Listing:
        """List the tasks that the actor may view, newest first."""
        require_any_scope(self._actor, Resource.TASK)
        includes = parameters.several("include")
        if {"runs", "results"} & set(includes) and not rules.covers_runs(self._actor):
            raise Denied("you may view more tasks than runs, so they cannot be shown together")
        listing = _listed(self._actor, parameters.text("sort"))
        filters = TaskFilters(self._work.connection, self._actor, parameters)
        return filters.narrowed(listing, _number(listing.total, parameters))

    def look_up(self, task_id: int) -> Any:
        """Find the columns of one that the actor may view."""
        values = {**values_of(self._actor), KEY.key: task_id}
        found = self._work.connection.execute(_one(self._actor), values).one_or_none()
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
        return TaskItems(self._work.links).write(tasks, nested)

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


def _number(kept: Select[Any] | None, parameters: Parameters) -> Select[Any] | None:
    """Narrow a number that the database keeps down by the filters of a list; None where it is kept for no such list."""
    if kept is None or not set(parameters.items) <= UNFILTERED | COUNTED:
        return None
    for name in COUNTED:
        value = parameters.integer(name)
        if value is not None:
            value = bool(value) if name == "is_user_created" else value
            kept = kept.where(getattr(TaskCount, name) == int(value))
    return kept
