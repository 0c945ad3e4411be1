"""Stopping what runs."""

from sqlalchemy import select

from hanse_core import events
from hanse_core.errors import Denied, Invalid, NotFound
from hanse_core.states import RunStatus
from hanse_server.collaborations.models import Node
from hanse_server.collaborations.queries import visible_nodes
from hanse_server.tasks import endings, rules
from hanse_server.tasks.models import Run, Task
from hanse_server.tasks.queries import at_node, open_runs, tree, visible_tasks
from hanse_web.access import UserActor
from hanse_web.locks import claim
from hanse_web.work import Work


class Kills:
    """The use cases of one request."""

    def __init__(self, work: Work, actor: UserActor) -> None:
        self._work = work
        self._session = work.session
        self._actor = actor

    def kill_task(self, task_id: int) -> None:
        """Kill a task with all that descends from it."""
        task = self._session.scalar(visible_tasks(self._actor).where(Task.id == task_id))
        if task is None:
            raise NotFound(f"task {task_id} is not found")
        if not rules.may_kill_in(self._actor, task.collaboration_id):
            raise Denied("you may not kill tasks in this collaboration")
        claim(self._session, "job", task.job_id)
        running = self._session.execute(open_runs(Run.task_id.in_(select(tree(task.id).c.id)))).all()
        if not running:
            raise Invalid(f"task {task_id} has already finished, so it cannot be killed")
        endings.kill_runs(self._work, running)
        endings.tell_kill(self._work, running, task.collaboration_id)

    def kill_at_node(self, node_id: int) -> None:
        """Kill everything that runs at a node."""
        node = self._session.scalar(visible_nodes(self._actor).where(Node.id == node_id))
        if node is None:
            raise NotFound(f"node {node_id} is not found")
        collaboration_id = node.collaboration_id
        if node.status != "online" or collaboration_id is None:
            raise Invalid(f"node {node_id} is not online, so its tasks cannot be killed")
        if not rules.may_kill_at(self._actor, node.organization_id, collaboration_id):
            raise Denied("you may not kill what runs at this node")
        running = self._session.execute(open_runs(at_node(node))).all()
        endings.kill_runs(self._work, running)
        for row in running:
            endings.fail_siblings(self._work, row.task_id, row.id, RunStatus.KILLED, collaboration_id)
        room = events.collaboration_room(collaboration_id)
        self._work.tell(events.KILL, {"node_id": node.id, "collaboration_id": collaboration_id}, room)
