"""Where the other algorithms of a computation listen."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from hanse_core.errors import Invalid
from hanse_core.wire.tasks import PortAddress
from hanse_server.collaborations.models import Node
from hanse_server.tasks.models import Run, RunPort, Task
from hanse_web.access import ContainerActor
from hanse_web.query import Parameters
from hanse_web.work import Work

ONLY = ("only_children", "only_parent", "only_siblings", "only_self")
INCLUDE = ("include_children", "include_parent")


class Addresses:
    """The use case of one request."""

    def __init__(self, work: Work, container: ContainerActor) -> None:
        self._session = work.session
        self._container = container

    def find(self, parameters: Parameters) -> list[PortAddress]:
        """Give the ports that runs of the own task, its parent or its children offer, as the parameters ask."""
        flags = {name: parameters.flag(name) for name in (*ONLY, *INCLUDE)}
        if sum(flags[name] for name in ONLY) > 1:
            raise Invalid("only one of the parameters only_<...> can be given")
        columns = (RunPort.port, RunPort.label, Node.ip, Run.organization_id, Task.id.label("task_id"), Task.parent_id)
        at_node = and_(Node.organization_id == Run.organization_id, Node.collaboration_id == Task.collaboration_id)
        statement = (
            select(*columns)
            .select_from(RunPort)
            .join(Run, Run.id == RunPort.run_id)
            .join(Task, Task.id == Run.task_id)
            .outerjoin(Node, at_node)
            .where(Task.collaboration_id == self._container.collaboration_id, self._of_tasks(flags))
            .order_by(RunPort.id)
        )
        label = parameters.text("label")
        if label is not None:
            statement = statement.where(RunPort.label == label)
        return [PortAddress(**row._mapping) for row in self._session.execute(statement)]

    def _of_tasks(self, flags: Mapping[str, bool]) -> ColumnElement[bool]:
        own = self._container.task_id
        parent = select(Task.parent_id).where(Task.id == own).correlate(None).scalar_subquery()
        related: dict[str, ColumnElement[bool]] = {"children": Task.parent_id == own, "parent": Task.id == parent}
        only = next((name.removeprefix("only_") for name in ONLY if flags[name]), "")
        base = related[only] if only in related else and_(Task.id == own, self._of_organizations(only))
        return or_(base, *(related[name.removeprefix("include_")] for name in INCLUDE if flags[name]))

    def _of_organizations(self, only: str) -> Any:
        mine = Run.organization_id == self._container.organization_id
        return {"siblings": ~mine, "self": mine}.get(only, True)
