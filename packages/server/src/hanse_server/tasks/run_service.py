"""Looking at runs and their results, and taking the reports of nodes."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import undefer
from sqlalchemy.orm.exc import StaleDataError

from hanse_core import events
from hanse_core.errors import Conflict, Denied, NotFound
from hanse_core.permissions import Resource
from hanse_core.states import RunStatus
from hanse_server.collaborations.rules import require_any_scope
from hanse_server.tasks import endings, rules
from hanse_server.tasks.models import Run, Task
from hanse_server.tasks.queries import hold, visible_runs
from hanse_server.tasks.results import ReportedResult
from hanse_server.tasks.run_filters import SORTABLE, RunFilters
from hanse_server.tasks.values import Uploader
from hanse_web.access import Actor, NodeActor
from hanse_web.query import Parameters, ordered
from hanse_web.work import Work


class Runs:
    """The use cases of one request."""

    def __init__(self, work: Work, actor: Actor) -> None:
        self._work = work
        self._session = work.session
        self._actor = actor

    def selection(self, parameters: Parameters) -> Select[Any]:
        """Select the runs that a list shows, newest first."""
        require_any_scope(self._actor, Resource.RUN)
        statement = RunFilters(self._session, self._actor, parameters).apply(visible_runs(self._actor))
        return ordered(statement, parameters.text("sort"), SORTABLE, Run.id.desc())

    def get(self, run_id: int, *options: Any) -> Run:
        """Find one that the actor may view."""
        found = self._session.scalar(visible_runs(self._actor).where(Run.id == run_id).options(*options))
        if found is None:
            raise NotFound(f"run {run_id} is not found")
        return found

    def own(self, node: NodeActor, run_id: int, *options: Any) -> tuple[Run, Task]:
        """Find one that is the node's to report on: of its organization, in its collaboration."""
        run = self.get(run_id, *options)
        task = self._session.get_one(Task, run.task_id)
        if run.organization_id != node.organization_id or task.collaboration_id != node.collaboration_id:
            raise Denied("this run is not for this node")
        return run, task

    def report(self, node: NodeActor, run_id: int, result: ReportedResult) -> Run:
        """Take a node's report: store what it gives, and draw the consequences when it ends the run."""
        # Before it is read: the report is judged by a state that nobody else is changing.
        hold(self._session, select(Run.task_id).where(Run.id == run_id))
        run, task = self.own(node, run_id, undefer(Run.log), undefer(Run.result))
        stored = result.stored(run)
        state = rules.RunState(RunStatus(run.status), run.started_at, run.finished_at, run.log, stored)
        changed = rules.changes(state, result.report)
        if not changed:
            return run
        for name, value in changed.items():
            if name != "result":
                setattr(run, name, value.value if isinstance(value, RunStatus) else value)
        if "result" in changed:
            result.give(run, Uploader.of(node))
        self._flush()
        self._work.tell(events.STATUS_UPDATE, {"run_id": run.id}, events.collaboration_room(task.collaboration_id))
        status = RunStatus(run.status)
        if status.is_failed:
            endings.fail_siblings(self._work, task.id, run.id, status, task.collaboration_id)
        endings.wake(self._work, [task.id])
        return run

    def _flush(self) -> None:
        try:
            self._session.flush()
        except StaleDataError as error:
            raise Conflict("this run was changed at the same moment; read it again") from error
