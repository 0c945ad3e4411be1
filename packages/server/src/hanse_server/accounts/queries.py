"""Which organizations, users and roles somebody may see, and how they are looked up.

`visible_…(actor)` is the only way to a row that is shown or changed on somebody's behalf.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, column, false, or_, select, table, union
from sqlalchemy.orm import Session

from hanse_core.permissions import Operation, Resource, Scope
from hanse_server.accounts.models import (
    Organization,
    Role,
    Rule,
    User,
    member,
    role_rule,
    study_member,
    user_role,
    user_rule,
)
from hanse_web.access import Actor, UserActor

# The slice of studies and nodes is above this one; all that is needed here is to whom they belong.
_study = table("study", column("id"), column("collaboration_id"))
_node = table("node", column("id"), column("organization_id"))


def _reachable(actor: Actor, resource: Resource, organization_id: ColumnElement[Any]) -> ColumnElement[bool] | None:
    """Restrict to the organizations whose things of this kind the actor may view; None for no restriction."""
    widest = actor.permissions.widest(resource, Operation.VIEW)
    if widest is Scope.GLOBAL:
        return None
    if widest is Scope.COLLABORATION:
        return organization_id.in_(actor.partner_ids)
    if widest is Scope.ORGANIZATION:
        return organization_id == actor.organization_id
    return false()


def visible_organizations(actor: Actor) -> Select[Organization]:
    """Select the organizations an actor may see."""
    condition = _reachable(actor, Resource.ORGANIZATION, Organization.id.expression)
    statement = select(Organization)
    return statement if condition is None else statement.where(condition)


def visible_users(actor: UserActor) -> Select[User]:
    """Select the users an actor may see; always oneself."""
    condition = _reachable(actor, Resource.USER, User.organization_id.expression)
    statement = select(User)
    return statement if condition is None else statement.where(or_(condition, User.id == actor.id))


def visible_roles(actor: UserActor) -> Select[Role]:
    """Select the roles an actor may see: always one's own, and with any right to view also those for all."""
    condition = _reachable(actor, Resource.ROLE, Role.organization_id.expression)
    statement = select(Role)
    if condition is None:
        return statement
    own = select(user_role.c.role_id).where(user_role.c.user_id == actor.id)
    seen = [condition, Role.id.in_(own)]
    if actor.permissions.widest(Resource.ROLE, Operation.VIEW) is not None:
        seen.append(Role.organization_id.is_(None))
    return statement.where(or_(*seen))


def organizations_in_collaboration(collaboration_id: int) -> Select[int]:
    """Select the ids of a collaboration's members."""
    return select(member.c.organization_id).where(member.c.collaboration_id == collaboration_id)


def organizations_in_study(study_id: int) -> Select[int]:
    """Select the ids of a study's members."""
    return select(study_member.c.organization_id).where(study_member.c.study_id == study_id)


def collaboration_of_study(session: Session, study_id: int) -> int | None:
    """Look up to which collaboration a study belongs; None when there is no such study."""
    found: int | None = session.scalar(select(_study.c.collaboration_id).where(_study.c.id == study_id))
    return found


def identities_of(organization_id: int) -> Select[int]:
    """Select the ids of an organization's users and nodes."""
    users = select(User.id).where(User.organization_id == organization_id)
    both = union(users, select(_node.c.id).where(_node.c.organization_id == organization_id)).subquery()
    return select(both.c.id)


def rule_ids_of_user(user_id: int) -> Select[int]:
    """Select the ids of all rules a user holds, through roles and directly."""
    through_roles = select(role_rule.c.rule_id).join(user_role, user_role.c.role_id == role_rule.c.role_id)
    both = union(
        through_roles.where(user_role.c.user_id == user_id),
        select(user_rule.c.rule_id).where(user_rule.c.user_id == user_id),
    ).subquery()
    return select(both.c.rule_id)


def rules_of_role(role_id: int) -> Select[Rule]:
    """Select the rules of a role in the order of their ids."""
    held = select(role_rule.c.rule_id).where(role_rule.c.role_id == role_id)
    return select(Rule).where(Rule.id.in_(held)).order_by(Rule.id)


def role_ids_of_user(user_id: int) -> Select[int]:
    """Select the ids of a user's roles."""
    return select(user_role.c.role_id).where(user_role.c.user_id == user_id)


def reach(session: Session, organization_id: int) -> tuple[frozenset[int], frozenset[int]]:
    """Give the collaborations of an organization and the organizations in them, itself included."""
    own = select(member.c.collaboration_id).where(member.c.organization_id == organization_id)
    rows = session.execute(
        select(member.c.collaboration_id, member.c.organization_id).where(member.c.collaboration_id.in_(own))
    ).all()
    return frozenset(row[0] for row in rows), frozenset(row[1] for row in rows) | {organization_id}
