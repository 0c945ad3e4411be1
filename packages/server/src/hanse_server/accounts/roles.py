"""What can be done with roles and rules."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, delete, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from hanse_core.errors import Invalid, NotFound
from hanse_core.permissions import SCOPE_CODES, Operation, Resource, Scope
from hanse_core.wire.accounts import RoleCreate, RolePatch
from hanse_server.accounts import rules
from hanse_server.accounts.models import Organization, Role, Rule, User, role_rule, user_role
from hanse_server.accounts.queries import (
    organizations_in_collaboration,
    role_ids_of_user,
    rule_ids_of_user,
    rules_of_role,
    visible_organizations,
    visible_roles,
    visible_users,
)
from hanse_web.access import UserActor
from hanse_web.query import Parameters, like_any, ordered
from hanse_web.work import Work

SORTABLE_ROLES = {
    "id": Role.id,
    "name": Role.name,
    "description": Role.description,
    "organization_id": Role.organization_id,
    "is_default_role": Role.is_default_role,
}
SORTABLE_RULES = {
    "id": Rule.id,
    "name": Rule.name,
    "scope": Rule.scope,
    "operation": Rule.operation,
    "description": Rule.description,
}
ROLE = Resource.ROLE
SCOPES = {scope.name: scope for scope in Scope} | {code: scope for scope, code in SCOPE_CODES.items()}
OPERATIONS = {operation.name: operation for operation in Operation} | {one.value: one for one in Operation}


class Roles:
    """The use cases of one request about roles."""

    def __init__(self, work: Work, actor: UserActor) -> None:
        self._session = work.session
        self._actor = actor

    def list(self, parameters: Parameters) -> Select[Any]:
        """Select the roles that a list shows; without any right to view roles these are one's own."""
        statement = visible_roles(self._actor)
        for condition in (
            self._of_organizations(parameters),
            self._of_collaboration(parameters),
            self._of_rule(parameters),
            self._of_user(parameters),
            *_like_any(parameters, "name", Role.name),
            *_like_any(parameters, "description", Role.description),
        ):
            if condition is not None:
                statement = statement.where(condition)
        return ordered(statement, parameters.text("sort"), SORTABLE_ROLES, Role.id)

    def _of_organizations(self, parameters: Parameters) -> ColumnElement[bool] | None:
        ids = parameters.integers("organization_id")
        if not ids:
            return None
        for organization_id in ids:
            rules.require_for_organization(self._actor, ROLE, Operation.VIEW, organization_id)
        return _or_for_all(Role.organization_id.in_(ids), parameters)

    def _of_collaboration(self, parameters: Parameters) -> ColumnElement[bool] | None:
        collaboration_id = parameters.integer("collaboration_id")
        if collaboration_id is None:
            return None
        rules.require_for_collaboration(self._actor, ROLE, collaboration_id)
        return _or_for_all(Role.organization_id.in_(organizations_in_collaboration(collaboration_id)), parameters)

    def _of_rule(self, parameters: Parameters) -> ColumnElement[bool] | None:
        rule_id = parameters.integer("rule_id")
        if rule_id is None:
            return None
        _require_rule(self._session.get(Rule, rule_id), rule_id)
        return Role.id.in_(select(role_rule.c.role_id).where(role_rule.c.rule_id == rule_id))

    def _of_user(self, parameters: Parameters) -> ColumnElement[bool] | None:
        user_id = parameters.integer("user_id")
        if user_id is None:
            return None
        if self._session.scalar(visible_users(self._actor).where(User.id == user_id)) is None:
            raise Invalid(f"there is no user {user_id}")
        return Role.id.in_(role_ids_of_user(user_id))

    def get(self, role_id: int) -> Role:
        """Find one role that the actor may see."""
        found = self._session.scalar(visible_roles(self._actor).where(Role.id == role_id))
        if found is None:
            raise NotFound(f"role {role_id} is not found")
        return found

    def create(self, body: RoleCreate) -> Role:
        """Add a role of an organization."""
        organization_id = body.organization_id or self._actor.organization_id
        rules.refuse_default_name(body.name)
        held = self._grantable(body.rules, organization_id)
        if organization_id != self._actor.organization_id:
            statement = visible_organizations(self._actor).where(Organization.id == organization_id)
            if self._session.scalar(statement) is None:
                raise NotFound(f"organization {organization_id} is not found")
        rules.require_for_organization(self._actor, ROLE, Operation.CREATE, organization_id)
        self._require_free(body.name, organization_id)
        role = Role(name=body.name, description=body.description, organization_id=organization_id, rules=list(held))
        self._session.add(role)
        self._session.flush()
        return role

    def update(self, role_id: int, body: RolePatch) -> Role:
        """Change what is given."""
        role = self._changeable(role_id, Operation.EDIT)
        given = body.given()
        if given.get("name", role.name) != role.name:
            rules.refuse_default_name(given["name"])
            self._require_free(given["name"], role.organization_id)
        if "rules" in given:
            wanted, current = set(given.pop("rules")), {rule.id for rule in role.rules}
            rules.require_holding(self._actor, current - wanted, role.organization_id)
            role.rules = list(self._grantable(wanted, role.organization_id))
        for name, value in given.items():
            setattr(role, name, value)
        self._session.flush()
        return role

    def delete(self, role_id: int, *, with_dependents: bool) -> None:
        """Remove a role; users lose it where that is asked for."""
        role = self._changeable(role_id, Operation.DELETE)
        rules.require_holding(self._actor, (rule.id for rule in role.rules), role.organization_id)
        holders = self._session.scalar(select(func.count()).where(user_role.c.role_id == role_id)) or 0
        if holders and not with_dependents:
            rules.refuse_dependents(f"role {role.name}", {"user": holders})
        self._session.execute(delete(Role).where(Role.id == role_id))

    def add_rule(self, role_id: int, rule_id: int) -> Sequence[Rule]:
        """Put a rule into a role; give all its rules."""
        role = self._changeable(role_id, Operation.EDIT)
        (rule,) = self._grantable([rule_id], role.organization_id)
        if rule not in role.rules:
            role.rules.append(rule)
            self._session.flush()
        return self._session.scalars(rules_of_role(role_id)).all()

    def remove_rule(self, role_id: int, rule_id: int) -> Sequence[Rule]:
        """Take a rule out of a role; give the rules that are left."""
        role = self._changeable(role_id, Operation.EDIT)
        (rule,) = self._grantable([rule_id], role.organization_id)
        if rule not in role.rules:
            raise NotFound(f"role {role.name} does not hold rule {rule_id}")
        role.rules.remove(rule)
        self._session.flush()
        return self._session.scalars(rules_of_role(role_id)).all()

    def _changeable(self, role_id: int, operation: Operation) -> Role:
        role = self.get(role_id)
        rules.refuse_default_role(role.name, role.is_default_role)
        rules.require_for_organization(self._actor, ROLE, operation, role.organization_id)
        return role

    def _grantable(self, ids: Collection[int], organization_id: int | None) -> Sequence[Rule]:
        found = self._session.scalars(select(Rule).where(Rule.id.in_(ids)).order_by(Rule.id)).all()
        rules.refuse_unknown("rule", ids, (rule.id for rule in found))
        rules.require_holding(self._actor, ids, organization_id)
        return found

    def _require_free(self, name: str, organization_id: int | None) -> None:
        taken = select(func.count()).where(Role.name == name, Role.organization_id == organization_id)
        if self._session.scalar(taken):
            raise Invalid(f"the organization already has a role {name}", errors={"name": ["is taken"]})


class Rules:
    """The use cases of one request about rules; every user may read them."""

    def __init__(self, work: Work, actor: UserActor) -> None:
        self._session = work.session
        self._actor = actor
        self._roles = Roles(work, actor)

    def list(self, parameters: Parameters) -> Select[Any]:
        """Select the rules that a list shows."""
        statement = select(Rule)
        if name := parameters.text("name"):
            statement = statement.where(Rule.name == name)
        if scope := parameters.text("scope"):
            statement = statement.where(Rule.scope == _one_of(SCOPES, "scope", scope).value)
        if operation := parameters.text("operation"):
            statement = statement.where(Rule.operation == _one_of(OPERATIONS, "operation", operation).value)
        role_id = parameters.integer("role_id")
        if role_id is not None:
            self._roles.get(role_id)
            statement = statement.where(Rule.id.in_(select(role_rule.c.rule_id).where(role_rule.c.role_id == role_id)))
        user_id = parameters.integer("user_id")
        if user_id is not None:
            if self._session.scalar(visible_users(self._actor).where(User.id == user_id)) is None:
                raise Invalid(f"there is no user {user_id}")
            statement = statement.where(Rule.id.in_(rule_ids_of_user(user_id)))
        return ordered(statement, parameters.text("sort"), SORTABLE_RULES, Rule.id)

    def get(self, rule_id: int) -> Rule:
        """Find one rule."""
        return _require_rule(self._session.get(Rule, rule_id), rule_id)


def _require_rule(rule: Rule | None, rule_id: int) -> Rule:
    if rule is None:
        raise NotFound(f"rule {rule_id} is not found")
    return rule


def _or_for_all(condition: ColumnElement[bool], parameters: Parameters) -> ColumnElement[bool]:
    return or_(condition, Role.organization_id.is_(None)) if parameters.flag("include_root") else condition


def _like_any(parameters: Parameters, name: str, column: InstrumentedAttribute[str]) -> list[ColumnElement[bool]]:
    patterns = parameters.repeated(name)
    return [like_any(column, patterns)] if patterns else []


T = TypeVar("T")


def _one_of(known: Mapping[str, T], parameter: str, value: str) -> T:
    found = known.get(value) or known.get(value.upper())
    if found is None:
        raise Invalid(f"parameter {parameter} must be one of {', '.join(known)}, not {value!r}")
    return found
