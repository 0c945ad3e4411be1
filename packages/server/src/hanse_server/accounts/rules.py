"""Decisions about organizations, users and roles, without looking anything up."""

from collections.abc import Iterable

from hanse_core.errors import Denied, Invalid, NotFound
from hanse_core.permissions import DEFAULT_ROLES, IDENTITY_ROLES, RULES, Operation, Resource, Rule, Scope
from hanse_web.access import Actor

DEFAULT_ROLE_NAMES = frozenset(role.name for role in DEFAULT_ROLES)
IDENTITY_REVOKED = "identity_revoked"
"""Told to no room, with the id of a user or node (`{"id"}`): whoever holds its live connections ends them."""
NOUNS = {"user_account": "user"}


def require_any_view(actor: Actor, resource: Resource) -> None:
    """Refuse a list to those who may not view any object of the kind."""
    if actor.permissions.widest(resource, Operation.VIEW) is None:
        raise Denied(f"you may not view {resource.value}s")


def require_for_organization(
    actor: Actor, resource: Resource, operation: Operation, organization_id: int | None
) -> None:
    """Refuse what the actor may not do to something of this organization."""
    if not actor.may_for_organization(resource, operation, organization_id):
        where = f"of organization {organization_id}" if organization_id else "that belong to no organization"
        raise Denied(f"you may not {operation.name.lower()} {resource.value}s {where}")


def require_for_collaboration(actor: Actor, resource: Resource, collaboration_id: int) -> None:
    """Refuse a list of what is in a collaboration to those who may not view all of it."""
    if not actor.may_for_collaboration(resource, Operation.VIEW, collaboration_id):
        raise Denied(f"you may not view the {resource.value}s of collaboration {collaboration_id}")


def require_holding(actor: Actor, rule_ids: Iterable[int], organization_id: int | None) -> None:
    """Refuse handing on, or taking away, rules that the actor does not hold where the receiver belongs."""
    for rule in sorted((RULES[rule_id - 1] for rule_id in rule_ids), key=RULES.index):
        if not actor.permissions.covers([rule]):
            raise Denied(f"you do not hold the rule {describe(rule)}, so you cannot give or take it")
        if organization_id not in (None, actor.organization_id) and not _reaches_abroad(actor, rule):
            raise Denied(f"you hold the rule {describe(rule)} at your own organization only, not at this one")


def _reaches_abroad(actor: Actor, rule: Rule) -> bool:
    """Tell whether a rule about the own organization may be given at another one: what it allows is allowed there.

    Who edits an organization as a member may publish its key, which no collaboration scope allows.
    """
    administers = rule.operation not in (Operation.VIEW, Operation.RECEIVE) and rule.resource is not Resource.TASK
    if rule.scope is not Scope.ORGANIZATION or not administers:
        return True
    needed = Scope.GLOBAL if rule.resource is Resource.ORGANIZATION else Scope.COLLABORATION
    return actor.reaches(rule.resource, rule.operation, needed)


def describe(rule: Rule) -> str:
    """Name a rule as people do."""
    return f"'{rule.operation.name.lower()} {rule.resource.value}' at scope {rule.scope.name.lower()}"


def refuse_default_role(name: str, is_default: bool) -> None:
    """Refuse changing a built-in role."""
    if is_default:
        raise Invalid(f"{name} is a default role; it cannot be changed or deleted")


def refuse_default_name(name: str) -> None:
    """Refuse a new role under the name of a built-in one."""
    if name in DEFAULT_ROLE_NAMES:
        text = "is the name of a default role; choose another"
        raise Invalid(f"{name} {text}", errors={"name": [text]})


def refuse_unfit_role(name: str, is_default: bool, role_organization_id: int | None, organization_id: int) -> None:
    """Refuse a role that is not for this user: another organization's, or one of nodes and containers."""
    if is_default and name in IDENTITY_ROLES:
        raise Invalid(f"the role {name} is for {name}s, not for users")
    if role_organization_id not in (None, organization_id):
        raise Denied(f"the role {name} belongs to another organization than the user")


def refuse_dependents(what: str, counts: dict[str, int]) -> None:
    """Refuse deleting something on which other things hang."""
    if counts:
        listed = ", ".join(f"{number} {NOUNS.get(name, name)}s" for name, number in sorted(counts.items()))
        raise Invalid(f"{what} still has {listed}; delete them first, or all together with delete_dependents=true")


def refuse_unknown(kind: str, wanted: Iterable[int], found: Iterable[int]) -> None:
    """Refuse ids that name nothing, or nothing that the actor may see."""
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise NotFound(f"there is no {kind} {', '.join(map(str, missing))}")
