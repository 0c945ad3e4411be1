"""What nodes ask on behalf of their containers: tokens and ports."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select

from hanse_core.errors import Denied, Invalid
from hanse_core.states import RunStatus
from hanse_core.wire.accounts import ContainerTokenRequest
from hanse_core.wire.tasks import PortCreate
from hanse_server.tasks.models import Run, RunPort, Task, TaskDatabase
from hanse_server.tasks.queries import visible_tasks
from hanse_server.tasks.run_service import Runs
from hanse_web.access import NodeActor
from hanse_web.work import Work


class Containers:
    """The use cases of one request."""

    def __init__(self, work: Work, node: NodeActor) -> None:
        self._work = work
        self._session = work.session
        self._node = node

    def subject(self, body: ContainerTokenRequest) -> Mapping[str, Any]:
        """Give what the token of a container says about it; refuse where it has nothing (more) to do."""
        task = self._session.scalar(visible_tasks(self._node).where(Task.id == body.task_id))
        if task is None:
            raise Invalid(f"task {body.task_id} does not exist")
        if body.image != task.image:
            raise Denied("the image is not that of the task")
        own = Run.task_id == task.id, Run.organization_id == self._node.organization_id
        status = self._session.scalar(select(Run.status).where(*own))
        if status is None:
            raise Denied("this node has no part in this task")
        if RunStatus(status).is_finished:
            raise Invalid(f"this node's run of task {task.id} has already finished")
        return {
            "client_type": "container",
            "node_id": self._node.id,
            "organization_id": self._node.organization_id,
            "collaboration_id": task.collaboration_id,
            "study_id": task.study_id,
            "store_id": task.algorithm_store_id,
            "task_id": task.id,
            "image": task.image,
            "databases": self._databases(task.id),
        }

    def _databases(self, task_id: int) -> list[dict[str, Any]]:
        columns = (TaskDatabase.label, TaskDatabase.parameters)
        statement = select(*columns).where(TaskDatabase.task_id == task_id).order_by(TaskDatabase.id)
        return [{**json.loads(row.parameters), "label": row.label} for row in self._session.execute(statement)]

    def open_port(self, body: PortCreate) -> RunPort:
        """Note a port that a run's container offers."""
        run, _ = Runs(self._work, self._node).own(self._node, body.run_id)
        port = RunPort(run_id=run.id, port=body.port, label=body.label)
        self._session.add(port)
        self._session.flush()
        return port

    def close_ports(self, run_id: int) -> None:
        """Forget the ports of a run."""
        run, _ = Runs(self._work, self._node).own(self._node, run_id)
        self._session.execute(delete(RunPort).where(RunPort.run_id == run.id))
