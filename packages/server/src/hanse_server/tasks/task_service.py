"""Looking at tasks and removing them; `creation` makes them."""

from typing import Any

from sqlalchemy import Select, delete

from hanse_core.errors import Denied, NotFound
from hanse_core.permissions import Resource
from hanse_core.states import RunStatus
from hanse_core.wire import tasks as wire
from hanse_server.collaborations.rules import require_any_scope
from hanse_server.tasks import endings, rules
from hanse_server.tasks.items import RunItems, TaskItems, nested_runs
from hanse_server.tasks.models import Run, Task
from hanse_server.tasks.queries import open_runs, status_of, tree, visible_runs, visible_tasks
from hanse_server.tasks.task_filters import SORTABLE, TaskFilters
from hanse_server.tasks.texts import Texts
from hanse_server.tasks.values import VALUES_RELEASED
from hanse_web.access import Actor, UserActor
from hanse_web.query import Parameters, ordered
from hanse_web.work import Work


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
        return ordered(statement, parameters, SORTABLE, Task.id.desc())

    def get(self, task_id: int) -> Task:
        """Find one that the actor may view."""
        found = self._session.scalar(visible_tasks(self._actor).where(Task.id == task_id))
        if found is None:
            raise NotFound(f"task {task_id} is not found")
        return found

    def items(self, tasks: list[Task], includes: list[str], texts: Texts) -> list[wire.Task]:
        """Write tasks, with their runs and results inside where asked."""
        items = RunItems(self._session, self._work.links, texts)
        nested = nested_runs(items, self._session, visible_runs(self._actor), tasks, includes)
        return TaskItems(self._session, self._work.links).write(tasks, nested)

    def status(self, task_id: int) -> RunStatus:
        """Give the status of now."""
        self.get(task_id)
        return status_of(self._session, task_id) or RunStatus.KILLED

    def delete(self, task_id: int) -> None:
        """Remove a task with all that descends from it; what still runs is killed first."""
        found = self.get(task_id)
        if not isinstance(self._actor, UserActor) or not rules.may_delete(
            self._actor, found.init_org_id, found.init_user_id, found.collaboration_id
        ):
            raise Denied("you may not delete this task")
        family = self._session.scalars(tree(found.id).select()).all()
        running = self._session.execute(open_runs(Run.task_id.in_(family))).all()
        if running:
            endings.tell_kill(self._work, running, found.collaboration_id)
        endings.wake(self._work, family)
        self._work.tell(VALUES_RELEASED, None)
        # The database removes descendants, runs, ports and databases along with it.
        self._session.execute(delete(Task).where(Task.id == found.id).execution_options(synchronize_session=False))
