"""What a list of runs or results can be narrowed down by."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from hanse_core.errors import Denied, Invalid
from hanse_core.permissions import Operation, Resource
from hanse_server.collaborations.models import Node
from hanse_server.tasks.models import Run, RunPort, Task
from hanse_server.tasks.queries import at_node, is_unfinished, visible_runs
from hanse_web.access import Actor, NodeActor
from hanse_web.query import Parameters

SORTABLE = {
    "id": Run.id,
    "task_id": Run.task_id,
    "organization_id": Run.organization_id,
    "status": Run.status,
    "assigned_at": Run.assigned_at,
    "started_at": Run.started_at,
    "finished_at": Run.finished_at,
}
_MOMENTS = {"assigned": Run.assigned_at, "started": Run.started_at, "finished": Run.finished_at}


class RunFilters:
    """Reads the filters of one request; a foreign id is answered as one that does not exist."""

    def __init__(self, session: Session, actor: Actor, parameters: Parameters) -> None:
        self._session = session
        self._actor = actor
        self._parameters = parameters

    def apply(self, statement: Select[Any]) -> Select[Any]:
        """Narrow the list down."""
        for condition in (*self._by_place(), *self._by_work(), *self._by_time()):
            statement = statement.where(condition)
        return statement

    def _by_place(self) -> list[Any]:
        conditions: list[Any] = []
        organization_id = self._parameters.integer("organization_id")
        if organization_id is not None:
            if not self._actor.may_for_organization(Resource.RUN, Operation.VIEW, organization_id):
                raise Denied("you may not view the runs of this organization")
            conditions.append(Run.organization_id == organization_id)
        collaboration_id = self._parameters.integer("collaboration_id")
        if collaboration_id is not None:
            if not self._actor.may_for_collaboration(Resource.RUN, Operation.VIEW, collaboration_id):
                raise Denied("you may not view the runs of this collaboration")
            conditions.append(Task.collaboration_id == collaboration_id)
        node_id = self._parameters.integer("node_id")
        if node_id is not None:
            conditions.append(at_node(self._node(node_id)))
        return conditions

    def _by_work(self) -> list[Any]:
        conditions: list[Any] = []
        task_id = self._parameters.integer("task_id")
        if task_id is not None:
            self._require_task(task_id)
            conditions.append(Run.task_id == task_id)
        if self._parameters.text("state") == "open":
            # A run whose end was named but not yet described is no work to be offered again.
            conditions += [Run.finished_at.is_(None), is_unfinished]
        port = self._parameters.integer("port")
        if port is not None:
            conditions.append(Run.id.in_(select(RunPort.run_id).where(RunPort.port == port)))
        return conditions

    def _by_time(self) -> list[Any]:
        conditions: list[Any] = []
        for name, column in _MOMENTS.items():
            since, till = self._parameters.moment(f"{name}_from"), self._parameters.moment(f"{name}_till")
            if since is not None:
                conditions.append(column >= since)
            if till is not None:
                conditions.append(column <= till)
        return conditions

    def _node(self, node_id: int) -> Node:
        node = self._session.scalar(select(Node).where(Node.id == node_id))
        if node is None or node.collaboration_id is None or not self._may_see_runs_of(node):
            raise Invalid(f"node {node_id} does not exist")
        return node

    def _may_see_runs_of(self, node: Node) -> bool:
        if isinstance(self._actor, NodeActor) and node.id == self._actor.id:
            return True
        return node.collaboration_id is not None and self._actor.may_within(
            Resource.RUN, Operation.VIEW, node.organization_id, node.collaboration_id
        )

    def _require_task(self, task_id: int) -> None:
        """Take a task of which the actor could see runs; whether there are any is another question."""
        task = self._session.scalar(select(Task).where(Task.id == task_id))
        if task is None or not self._may_see_runs_in(task):
            raise Invalid(f"task {task_id} does not exist")

    def _may_see_runs_in(self, task: Task) -> bool:
        if self._actor.may_within(Resource.RUN, Operation.VIEW, task.init_org_id, task.collaboration_id):
            return True
        return (
            self._session.execute(visible_runs(self._actor).where(Run.task_id == task.id).limit(1)).first() is not None
        )
