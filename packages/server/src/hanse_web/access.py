"""Who is asking: a user, a node or a container, with what it may do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from hanse_core.permissions import Operation, Permissions, Resource, Scope


@dataclass(frozen=True, slots=True)
class Actor:
    """An authenticated identity: where it belongs and which rules it holds, as of this request."""

    id: int
    """Id of the user or node (for a container: of its node)."""
    name: str
    organization_id: int
    collaboration_ids: frozenset[int]
    """Own collaborations: of the organization for users, the node's own for nodes, the token's for containers."""
    partner_ids: frozenset[int]
    """Organizations that share one of these collaborations, the own one included."""
    permissions: Permissions
    token_version: int = field(default=0, kw_only=True)
    """Number that the tokens of this user or node carry (for a container: of its node)."""

    def has(self, resource: Resource, operation: Operation, scope: Scope) -> bool:
        """Tell whether exactly this rule is held."""
        return self.permissions.has(resource, operation, scope)

    def reaches(self, resource: Resource, operation: Operation, scope: Scope) -> bool:
        """Tell whether the rule is held at this scope or a wider one."""
        return self.permissions.reaches(resource, operation, scope)

    def may_for_organization(self, resource: Resource, operation: Operation, organization_id: int | None) -> bool:
        """Decide for something that belongs to an organization (`allowed_for_org` of the permission rules)."""
        return (
            self.has(resource, operation, Scope.GLOBAL)
            or (organization_id == self.organization_id and self.has(resource, operation, Scope.ORGANIZATION))
            or (organization_id in self.partner_ids and self.has(resource, operation, Scope.COLLABORATION))
        )

    def may_within(
        self, resource: Resource, operation: Operation, organization_id: int | None, collaboration_id: int
    ) -> bool:
        """Decide for something of an organization that lives in a collaboration (`allowed_for_org_in_col`)."""
        return (
            self.has(resource, operation, Scope.GLOBAL)
            or (organization_id == self.organization_id and self.has(resource, operation, Scope.ORGANIZATION))
            or (collaboration_id in self.collaboration_ids and self.has(resource, operation, Scope.COLLABORATION))
        )

    def may_for_collaboration(self, resource: Resource, operation: Operation, collaboration_id: int) -> bool:
        """Decide for a whole collaboration (`can_for_col`); organization scope never suffices."""
        return self.has(resource, operation, Scope.GLOBAL) or (
            collaboration_id in self.collaboration_ids and self.has(resource, operation, Scope.COLLABORATION)
        )


@dataclass(frozen=True, slots=True)
class UserActor(Actor):
    """A person."""

    session_id: str | None = None
    """The login session that its token belongs to."""
    token_id: int | None = None
    """The personal access token that speaks in its place, which may do less than the person."""


@dataclass(frozen=True, slots=True)
class NodeActor(Actor):
    """A data station; it belongs to exactly one collaboration."""

    collaboration_id: int = 0


@dataclass(frozen=True, slots=True)
class ContainerActor(Actor):
    """An algorithm that runs at a node, on behalf of one task."""

    collaboration_id: int = 0
    study_id: int | None = None
    store_id: int | None = None
    task_id: int = 0
    image: str = ""
    databases: tuple[Mapping[str, Any], ...] = field(default=())


ActorLoader = Callable[[Session, Mapping[str, Any]], Actor | None]
"""Turns the claims of a valid token into an actor; None when the identity is gone or the token revoked."""
