"""Which organizations, users, roles and rules somebody may see, and how they are looked up."""

from sqlalchemy import Select, select, union
from sqlalchemy.orm import Session

from hanse_server.accounts.models import member, role_rule, user_role, user_rule


def rule_ids_of(user_id: int) -> Select[int]:
    """Select the ids of all rules a user holds, through roles and directly."""
    through_roles = select(role_rule.c.rule_id).join(user_role, user_role.c.role_id == role_rule.c.role_id)
    both = union(
        through_roles.where(user_role.c.user_id == user_id),
        select(user_rule.c.rule_id).where(user_rule.c.user_id == user_id),
    ).subquery()
    return select(both.c.rule_id)


def reach(session: Session, organization_id: int) -> tuple[frozenset[int], frozenset[int]]:
    """Give the collaborations of an organization and the organizations in them, itself included."""
    own = select(member.c.collaboration_id).where(member.c.organization_id == organization_id)
    rows = session.execute(
        select(member.c.collaboration_id, member.c.organization_id).where(member.c.collaboration_id.in_(own))
    ).all()
    return frozenset(row[0] for row in rows), frozenset(row[1] for row in rows) | {organization_id}
