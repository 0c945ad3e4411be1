"""Which tasks and runs somebody may see, and how they are looked up."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import CTE, ColumnElement, Connection, Select, and_, case, distinct, false, func, or_, select, true
from sqlalchemy.orm import Session

from hanse_core.permissions import Operation, Resource, Scope
from hanse_core.states import UNFINISHED, RunStatus
from hanse_server.collaborations.models import Node
from hanse_server.tasks.models import Run, Task, TaskCount
from hanse_web.access import Actor, ContainerActor, UserActor

_UNFAILED = [status.value for status in (*sorted(UNFINISHED), RunStatus.COMPLETED)]
is_unfinished = Run.status.in_([status.value for status in sorted(UNFINISHED)])


def visible_tasks(actor: Actor) -> Select[Task]:
    """Select what the actor may view; a container sees only the collaboration (and study) of its token."""
    return select(Task).where(task_is_visible(actor))


def number_of_visible_tasks(actor: Actor) -> Select[int]:
    """Select how many tasks the actor may view, from the numbers that the database keeps."""
    seen = and_(_within_scope(actor, Resource.TASK, (), TaskCount), _within_study(actor, TaskCount))
    return select(func.coalesce(func.sum(TaskCount.total), 0)).where(seen)


def task_is_visible(actor: Actor) -> ColumnElement[bool]:
    """Say of a `Task` whether the actor may view it."""
    return and_(_within_scope(actor, Resource.TASK, ()), _within_study(actor))


def visible_runs(actor: Actor) -> Select[Run]:
    """Select what the actor may view, joined with `Task`; results are seen as their runs are."""
    executed = Run.organization_id == actor.organization_id
    seen = and_(_within_scope(actor, Resource.RUN, (executed,)), _within_study(actor))
    return select(Run).join(Task, Task.id == Run.task_id).where(seen)


def _within_scope(
    actor: Actor,
    resource: Resource,
    of_organization: tuple[ColumnElement[bool], ...],
    table: type[Task] | type[TaskCount] = Task,
) -> ColumnElement[bool]:
    def holds(scope: Scope) -> bool:
        return actor.has(resource, Operation.VIEW, scope)

    if holds(Scope.GLOBAL):
        return true()
    conditions: list[ColumnElement[bool]] = [false()]
    if holds(Scope.COLLABORATION):
        conditions.append(table.collaboration_id.in_(actor.collaboration_ids))
    if holds(Scope.ORGANIZATION):
        conditions += [table.init_org_id == actor.organization_id, *of_organization]
    if holds(Scope.OWN) and isinstance(actor, UserActor):
        conditions.append(table.init_user_id == actor.id)
    return or_(*conditions)


def _within_study(actor: Actor, table: type[Task] | type[TaskCount] = Task) -> ColumnElement[bool]:
    if isinstance(actor, ContainerActor) and actor.study_id is not None:
        return table.study_id == actor.study_id
    return true()


def derived_status() -> ColumnElement[str]:
    """Derive the status of each `Task` of the surrounding statement (`hanse_core.states.task_status` in SQL)."""
    failed = case((Run.status.not_in(_UNFAILED), Run.status))
    kinds = func.count(distinct(failed))

    def some(status: RunStatus) -> ColumnElement[bool]:
        return func.count(case((Run.status == status.value, 1))) > 0

    status = case(
        (kinds == 1, func.max(failed)),
        (kinds > 1, RunStatus.FAILED.value),
        *((some(busy), busy.value) for busy in (RunStatus.ACTIVE, RunStatus.INITIALIZING, RunStatus.PENDING)),
        else_=RunStatus.COMPLETED.value,
    )
    return select(status).where(Run.task_id == Task.id).correlate(Task).scalar_subquery()


def derived_end() -> ColumnElement[datetime | None]:
    """Derive when each `Task` of the surrounding statement ended, where all its runs were completed."""
    end = case((func.count(case((Run.status != RunStatus.COMPLETED.value, 1))) == 0, func.max(Run.finished_at)))
    return select(end).where(Run.task_id == Task.id).correlate(Task).scalar_subquery()


def status_of(session: Session, task_id: int) -> RunStatus | None:
    """Give the status of one task, or None when it is gone."""
    status = session.scalar(select(Task.status).where(Task.id == task_id))
    return RunStatus(status) if status is not None else None


def hold(session: Session, task_ids: Iterable[int] | Select[int]) -> None:
    """Keep others from moving runs of these tasks until this transaction ends.

    Whoever moves a run changes the status of its task too. Taking the tasks first, in the order of their
    ids, keeps two that move runs of the same task from waiting for each other.
    """
    if session.get_bind().dialect.name != "sqlite":  # there this transaction is the only one that writes
        statement = select(Task.id).where(Task.id.in_(task_ids)).order_by(Task.id).with_for_update(key_share=True)
        session.execute(statement)


def tree(task_id: int) -> CTE:
    """Select the ids of a task and of all that descend from it."""
    family = select(Task.id).where(Task.id == task_id).cte("family", recursive=True)
    children = select(Task.id).join(family, Task.parent_id == family.c.id)
    return family.union(children)


def began_at(source: Session | Connection, job_id: int) -> int | None:
    """Give the organization whose user began a computation."""
    began = select(Task.init_org_id).where(Task.job_id == job_id, Task.parent_id.is_(None))
    return source.scalar(began.order_by(Task.id).limit(1))


def open_runs(condition: ColumnElement[bool]) -> Select[int, int, int]:
    """Select (id, task_id, organization_id) of the unfinished runs that meet a condition."""
    columns = (Run.id, Run.task_id, Run.organization_id)
    return select(*columns).where(condition, is_unfinished).order_by(Run.id)


def open_subtasks(session: Session, job_id: int) -> int:
    """Count the unfinished subtasks of a computation."""
    unfinished = Task.status.in_([status.value for status in sorted(UNFINISHED)])
    counted = select(func.count()).where(Task.job_id == job_id, unfinished, Task.parent_id.is_not(None))
    return session.scalar(counted) or 0


def at_node(node: Node) -> ColumnElement[bool]:
    """Restrict runs to those of a node: of its organization, in its collaboration."""
    tasks = select(Task.id).where(Task.collaboration_id == node.collaboration_id)
    return and_(Run.organization_id == node.organization_id, Run.task_id.in_(tasks))
