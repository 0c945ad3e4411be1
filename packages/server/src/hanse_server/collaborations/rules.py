"""Decisions about collaborations, studies and nodes that need no database."""

from collections.abc import Collection, Sequence

from hanse_core.errors import Denied, Invalid
from hanse_core.permissions import Operation, Resource, Scope
from hanse_web.access import Actor


def require_any_scope(actor: Actor, resource: Resource) -> None:
    """Refuse a list to those who hold no rule at all to view such things."""
    if actor.permissions.widest(resource, Operation.VIEW) is None:
        raise Denied(f"you may not view any {resource.value}")


def require_distinct(ids: Sequence[int]) -> None:
    """Refuse a list of organizations that names one twice."""
    if len(set(ids)) != len(ids):
        raise Invalid("the organization ids are not distinct", errors={"organization_ids": ["must be distinct"]})


def require_known(asked: Collection[int], found: Collection[int]) -> None:
    """Refuse ids of organizations that do not exist, by name."""
    unknown = sorted(set(asked) - set(found))
    if unknown:
        text = ", ".join(str(key) for key in unknown)
        raise Invalid(f"organizations not found: {text}", errors={"organization_ids": [f"not found: {text}"]})


def require_members(asked: Collection[int], members: Collection[int]) -> None:
    """Refuse organizations that are not in the collaboration."""
    strangers = sorted(set(asked) - set(members))
    if strangers:
        text = ", ".join(str(key) for key in strangers)
        raise Invalid(f"these organizations are not in the collaboration: {text}")


def may_for_study(actor: Actor, operation: Operation, collaboration_id: int, member_ids: Collection[int]) -> bool:
    """Decide for a study: by its collaboration, or because the own organization is in it."""
    return actor.may_for_collaboration(Resource.STUDY, operation, collaboration_id) or (
        actor.organization_id in member_ids and actor.has(Resource.STUDY, operation, Scope.ORGANIZATION)
    )


def node_name(organization: str, collaboration: str) -> str:
    """Name a node that nobody named."""
    return f"{organization} - {collaboration} Node"
