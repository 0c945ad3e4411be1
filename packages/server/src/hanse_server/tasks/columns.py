"""The column names of databases, as the web interface asks for them."""

from sqlalchemy import select

from hanse_core.errors import Denied, NotFound
from hanse_core.permissions import Operation, Resource
from hanse_core.wire.tasks import ColumnRequest, DatabaseSelection, TaskCreate
from hanse_server.collaborations.models import Collaboration, Node, NodeSetting
from hanse_server.collaborations.queries import visible_collaborations
from hanse_server.tasks.creation import MadeTask, TaskCreation
from hanse_server.tasks.inputs import TaskInputs
from hanse_server.tasks.rules import TaskPolicy
from hanse_web.access import UserActor
from hanse_web.work import Work

IMAGE = "ghcr.io/vantage6/algorithm-basics:latest"
"""What stock servers have nodes run to read the names of columns."""


class Columns:
    """The use case of one request."""

    def __init__(self, work: Work, actor: UserActor, policy: TaskPolicy) -> None:
        self._work = work
        self._session = work.session
        self._actor = actor
        self._policy = policy

    def shared(self, body: ColumnRequest) -> list[str]:
        """Give the names that a node of the collaboration shared, those of the asked organizations first."""
        self._admit(body.collaboration_id)
        key = f"columns_{body.db_label}"
        statement = (
            select(NodeSetting.node_id, Node.organization_id, NodeSetting.value)
            .join(Node, Node.id == NodeSetting.node_id)
            .where(Node.collaboration_id == body.collaboration_id, NodeSetting.key == key)
            .order_by(NodeSetting.id)
        )
        rows = self._session.execute(statement).all()
        asked = {organization.id for organization in body.organizations}
        first = min(rows, key=lambda row: (row.organization_id not in asked, row.node_id), default=None)
        return [row.value for row in rows if first is not None and row.node_id == first.node_id]

    def ask(self, body: ColumnRequest, inputs: TaskInputs) -> MadeTask:
        """Make a task that reads the names."""
        database = DatabaseSelection(label=body.db_label, query=body.query, sheet_name=body.sheet_name)
        task = TaskCreate(
            name="get_column_names",
            image=IMAGE,
            collaboration_id=body.collaboration_id,
            organizations=body.organizations,
            databases=[database],
        )
        return TaskCreation(self._work, self._actor, self._policy).create(task, inputs)

    def _admit(self, collaboration_id: int) -> None:
        statement = visible_collaborations(self._actor).where(Collaboration.id == collaboration_id)
        if self._session.scalar(statement) is None:
            raise NotFound(f"collaboration {collaboration_id} is not found")
        if not self._actor.may_for_collaboration(Resource.TASK, Operation.CREATE, collaboration_id):
            raise Denied("you may not create tasks in this collaboration, nor ask for column names")
