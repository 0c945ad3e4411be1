"""From the claims of a container's token to the container as an actor."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from hanse_core.states import RunStatus
from hanse_server.accounts.models import member, study_member
from hanse_server.collaborations.actors import permissions_of_role
from hanse_server.collaborations.models import Node
from hanse_server.tasks.models import Run, Task
from hanse_web.access import ActorLoader, ContainerActor
from hanse_web.clock import Clock

GRACE = timedelta(minutes=1)
"""How long after the end of its run a container may still read, so that a request under way is not cut off."""
CONTAINER_PERMISSIONS = permissions_of_role("container")


def container_loader(clock: Clock) -> ActorLoader:
    """Make the loader: a container exists while its node has an unfinished run of its task, and a moment longer."""

    def load(session: Session, claims: Mapping[str, Any]) -> ContainerActor | None:
        subject = claims.get("sub")
        if not isinstance(subject, Mapping):
            return None
        row = _run_of(session, subject.get("node_id"), subject.get("task_id"))
        if row is None or row.token_version != claims.get("ver", 0) or not _is_alive(row, clock):
            return None
        return ContainerActor(
            id=row.node_id,
            name=row.name,
            organization_id=row.organization_id,
            collaboration_ids=frozenset({row.collaboration_id}),
            partner_ids=_partners(session, row.collaboration_id, row.study_id) | {row.organization_id},
            permissions=CONTAINER_PERMISSIONS,
            collaboration_id=row.collaboration_id,
            study_id=row.study_id,
            store_id=row.algorithm_store_id,
            task_id=row.task_id,
            image=row.image,
            token_version=row.token_version,
            databases=tuple(subject.get("databases") or ()),
        )

    return load


def _run_of(session: Session, node_id: object, task_id: object) -> Any:
    if not isinstance(node_id, int) or not isinstance(task_id, int):
        return None
    columns = (
        Node.id.label("node_id"), Node.name, Node.token_version, Run.organization_id, Run.status, Run.finished_at,
        Task.id.label("task_id"), Task.collaboration_id, Task.study_id, Task.image,
        Task.algorithm_store_id,
    )  # fmt: skip
    at_node = and_(Node.organization_id == Run.organization_id, Node.collaboration_id == Task.collaboration_id)
    statement = select(*columns).select_from(Run).join(Task, Task.id == Run.task_id).join(Node, at_node)
    return session.execute(statement.where(Task.id == task_id, Node.id == node_id)).one_or_none()


def _is_alive(row: Any, clock: Clock) -> bool:
    if not RunStatus(row.status).is_finished:
        return True
    return row.finished_at is not None and abs(clock.now() - row.finished_at) < GRACE


def _partners(session: Session, collaboration_id: int, study_id: int | None) -> frozenset[int]:
    if study_id is not None:
        statement = select(study_member.c.organization_id).where(study_member.c.study_id == study_id)
    else:
        statement = select(member.c.organization_id).where(member.c.collaboration_id == collaboration_id)
    return frozenset(session.scalars(statement))
