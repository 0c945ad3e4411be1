"""For whom nodes work; judged by who began a computation, for each task of it."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from hanse_core.errors import Invalid
from hanse_server.accounts.models import Organization
from hanse_server.tasks.models import Task
from hanse_server.tasks.queries import began_at
from hanse_server.tasks.venues import Limit
from hanse_web.access import Actor


@dataclass(frozen=True, slots=True)
class Initiator:
    """The user who began a computation, unless deleted since, and that user's organization."""

    user_id: int | None
    organization_id: int | None


def initiator_of(source: Connection, actor: Actor, parent: Task | None) -> Initiator:
    """Find out for whom a task is: the user who asks, or who began the computation that a container is part of."""
    if parent is None:
        return Initiator(actor.id, actor.organization_id)
    return Initiator(parent.init_user_id, began_at(source, parent.job_id))


def require_willing_nodes(source: Connection, limits: Collection[Limit], initiator: Initiator) -> None:
    """Respect what the nodes of a task's organizations shared about whom they work for."""
    if not limits:
        return
    own_name = select(Organization.name).where(Organization.id == initiator.organization_id)
    organization = {str(initiator.organization_id), source.scalar(own_name)}
    willing = {
        row.organization_id
        for row in limits
        if (row.key == "allowed_users" and row.value == str(initiator.user_id))
        or (row.key == "allowed_orgs" and row.value in organization)
    }
    limited = {row.organization_id for row in limits}
    refuse_organizations(limited - willing, "have nodes that do not accept tasks from this user or organization")


def refuse_organizations(ids: Collection[int], problem: str) -> None:
    """Refuse a task because of some of its organizations, by name."""
    if ids:
        names = ", ".join(str(key) for key in sorted(ids))
        message = f"these organizations {problem}: {names}"
        raise Invalid(message, errors={"organizations": [message]})
