"""Which collaborations, studies and nodes somebody may see, and how they are looked up."""

from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    and_,
    column,
    delete,
    false,
    func,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.orm import Session

from hanse_core.permissions import Operation, Resource, Scope
from hanse_core.states import UNFINISHED
from hanse_server.accounts.models import Organization, member, study_member
from hanse_server.collaborations.models import Collaboration, Node, Study
from hanse_web.access import Actor, ContainerActor, NodeActor

# Tasks and stores are above this slice; here it only matters which there are, and the database removes most itself.
_task = table("task", column("id"), column("collaboration_id"), column("study_id"))
_node = table("node", column("id"), column("organization_id"), column("collaboration_id"))
_run = table("run", column("task_id"), column("status"))
_store = table("algorithm_store", column("id"), column("is_for_all", Boolean))
_store_collaboration = table("store_collaboration", column("store_id"), column("collaboration_id"))


def visible_collaborations(actor: Actor) -> Select[Collaboration]:
    """Select what the actor may view; a container sees only the collaboration of its token."""
    return select(Collaboration).where(_collaboration_is_visible(actor))


def _collaboration_is_visible(actor: Actor) -> ColumnElement[bool]:
    if actor.has(Resource.COLLABORATION, Operation.VIEW, Scope.GLOBAL):
        return true()
    if actor.has(Resource.COLLABORATION, Operation.VIEW, Scope.ORGANIZATION):
        return Collaboration.id.in_(actor.collaboration_ids)
    return false()


def visible_studies(actor: Actor) -> Select[Study]:
    """Select what the actor may view; a container sees its own study, or those its organization is in."""
    return select(Study).where(_study_is_visible(actor))


def _study_is_visible(actor: Actor) -> ColumnElement[bool]:
    def holds(scope: Scope) -> bool:
        return actor.has(Resource.STUDY, Operation.VIEW, scope)

    if holds(Scope.GLOBAL):
        return true()
    own = select(study_member.c.study_id).where(study_member.c.organization_id == actor.organization_id)
    conditions: list[ColumnElement[bool]] = [false()]
    if holds(Scope.COLLABORATION):
        conditions.append(Study.collaboration_id.in_(actor.collaboration_ids))
    if holds(Scope.ORGANIZATION):
        conditions.append(Study.id.in_(own))
    seen = or_(*conditions)
    if isinstance(actor, NodeActor | ContainerActor):
        seen = and_(seen, Study.collaboration_id == actor.collaboration_id)
    if isinstance(actor, ContainerActor) and actor.study_id is not None:
        seen = and_(seen, Study.id == actor.study_id)
    return seen


def visible_nodes(actor: Actor) -> Select[Node]:
    """Select what the actor may view: by collaboration, or of the own organization."""
    return select(Node).where(_node_is_visible(actor))


def _node_is_visible(actor: Actor) -> ColumnElement[bool]:
    def holds(scope: Scope) -> bool:
        return actor.has(Resource.NODE, Operation.VIEW, scope)

    if holds(Scope.GLOBAL):
        return true()
    conditions: list[ColumnElement[bool]] = [false()]
    if holds(Scope.COLLABORATION):
        conditions.append(Node.collaboration_id.in_(actor.collaboration_ids))
    if holds(Scope.COLLABORATION) or holds(Scope.ORGANIZATION):
        conditions.append(Node.organization_id == actor.organization_id)
    return or_(*conditions)


def member_ids(session: Session, collaboration_id: int) -> frozenset[int]:
    """Give the organizations of a collaboration."""
    statement = select(member.c.organization_id).where(member.c.collaboration_id == collaboration_id)
    return frozenset(session.scalars(statement))


def study_member_ids(session: Session, study_id: int) -> frozenset[int]:
    """Give the organizations of a study."""
    statement = select(study_member.c.organization_id).where(study_member.c.study_id == study_id)
    return frozenset(session.scalars(statement))


def members(collaboration_id: int) -> Select[Organization]:
    """Select the organizations of a collaboration."""
    joined = select(Organization).join(member, member.c.organization_id == Organization.id)
    return joined.where(member.c.collaboration_id == collaboration_id).order_by(Organization.id)


def study_members(study_id: int) -> Select[Organization]:
    """Select the organizations of a study."""
    joined = select(Organization).join(study_member, study_member.c.organization_id == Organization.id)
    return joined.where(study_member.c.study_id == study_id).order_by(Organization.id)


def dependents(session: Session, collaboration_id: int) -> dict[str, int]:
    """Count what hangs on a collaboration."""
    counts: dict[str, Any] = {
        "tasks": _count(_task.c.collaboration_id == collaboration_id),
        "nodes": _count(Node.collaboration_id == collaboration_id),
        "studies": _count(Study.collaboration_id == collaboration_id),
    }
    row = session.execute(select(*(count.label(name) for name, count in counts.items()))).one()
    return {name: int(getattr(row, name)) for name in counts}


def open_tasks(session: Session, collaboration_id: int) -> int:
    """Count the runs of a collaboration that are not finished."""
    tasks = select(_task.c.id).where(_task.c.collaboration_id == collaboration_id)
    unfinished = _run.c.status.in_([status.value for status in UNFINISHED])
    return session.scalar(select(_count(and_(_run.c.task_id.in_(tasks), unfinished)))) or 0


def study_tasks(session: Session, study_id: int) -> int:
    """Count the tasks of a study."""
    return session.scalar(select(_count(_task.c.study_id == study_id))) or 0


class StoreReach(NamedTuple):
    """Whose an algorithm store is."""

    is_for_all: bool
    ids: frozenset[int]


def store(session: Session, store_id: int) -> StoreReach | None:
    """Find out which collaborations may use an algorithm store."""
    is_for_all = session.scalar(select(_store.c.is_for_all).where(_store.c.id == store_id))
    if is_for_all is None:
        return None
    linked = select(_store_collaboration.c.collaboration_id).where(_store_collaboration.c.store_id == store_id)
    return StoreReach(is_for_all, frozenset(session.scalars(linked)))


def delete_unused_stores(session: Session) -> None:
    """Forget the stores whose last collaboration is gone; they must not become stores for all."""
    used = select(_store_collaboration.c.store_id)
    session.execute(delete(_store).where(_store.c.is_for_all.is_(False), _store.c.id.not_in(used)))


def _count(condition: ColumnElement[bool]) -> Any:
    return select(func.count()).where(condition).scalar_subquery()
