"""From the claims of a node's token to the node as an actor."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_core.permissions import DEFAULT_ROLES, Permissions
from hanse_server.accounts.models import member
from hanse_server.collaborations.models import Node
from hanse_web.access import NodeActor


def permissions_of_role(name: str) -> Permissions:
    """Give the rules of a built-in role, which need no look-up because nobody can change them."""
    return Permissions(next(role.rules for role in DEFAULT_ROLES if role.name == name))


NODE_PERMISSIONS = permissions_of_role("node")


def node_actor(session: Session, claims: Mapping[str, Any]) -> NodeActor | None:
    """Load a node; None when it is gone, taken out of its collaboration, or its token was revoked."""
    key = claims.get("sub")
    if not isinstance(key, int):
        return None
    columns = (Node.name, Node.organization_id, Node.collaboration_id, Node.token_version)
    row = session.execute(select(*columns).where(Node.id == key)).one_or_none()
    if row is None or row.collaboration_id is None or row.token_version != claims.get("ver", 0):
        return None
    members = session.scalars(select(member.c.organization_id).where(member.c.collaboration_id == row.collaboration_id))
    return NodeActor(
        id=key,
        name=row.name,
        organization_id=row.organization_id,
        collaboration_ids=frozenset({row.collaboration_id}),
        partner_ids=frozenset(members) | {row.organization_id},
        permissions=NODE_PERMISSIONS,
        collaboration_id=row.collaboration_id,
        token_version=row.token_version,
    )
