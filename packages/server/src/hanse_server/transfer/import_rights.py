"""Roles, and which rules they and users hold. Rules are told apart by what they allow, not by their number."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import insert, select

from hanse_core.permissions import IDENTITY_ROLES, RULE_IDS, Operation, Resource, Rule, Scope
from hanse_server.accounts.models import Role, User, role_rule, user_role, user_rule
from hanse_server.accounts.rules import DEFAULT_ROLE_NAMES
from hanse_server.transfer import v4
from hanse_server.transfer.carrying import Import, Names, table
from hanse_server.transfer.rows import Row, copy


def roles(work: Import) -> set[int]:
    """Carry the roles; gives the ids of those that an operator made, whose rules are to be carried too."""
    names, seen_defaults, made, renamed = Names(), set[str](), set[int](), []
    for name in DEFAULT_ROLE_NAMES:
        names.take(name)
    places = set(work.source.execute(select(v4.organization.c.id)).scalars())

    def convert(row: Row) -> Mapping[str, Any] | None:
        is_default = bool(row.is_default_role) and row.name in DEFAULT_ROLE_NAMES and row.name not in seen_defaults
        if is_default:
            seen_defaults.add(row.name)
            return {"id": row.id, "name": row.name, "is_default_role": True, "organization_id": None, "description": ""}
        if row.organization_id is not None and row.organization_id not in places:
            return None
        name = names.take(row.name or f"role {row.id}", row.organization_id)
        if name != row.name:
            renamed.append(f"{row.name} (id {row.id}) is now {name}")
        made.add(row.id)
        description = row.description or ""
        organization_id = row.organization_id
        fields = {"id": row.id, "name": name, "description": description, "organization_id": organization_id}
        return {**fields, "is_default_role": False}

    statement = select(v4.role).order_by(v4.role.c.id)
    number = copy(work.source, statement, work.target, table(Role), convert)
    work.report.count("roles", number)
    work.report.note("roles whose name was taken got another one", renamed)
    return made


def rules_of_roles(work: Import, of: set[int]) -> None:
    """Give the roles that an operator made the rules that they had."""
    known = _rule_ids(work)
    pairs = work.source.execute(select(v4.role_rule.c.role_id, v4.role_rule.c.rule_id)).all()
    held = {(role, known[rule]) for role, rule in pairs if role in of and rule in known}
    _insert(work, role_rule, "role_id", "rule_id", held)


def rights_of_users(work: Import) -> None:
    """Give users the roles and rules that they had."""
    users = set(work.target.execute(select(User.__table__.c.id)).scalars())
    names = {row.id: row.name for row in work.target.execute(select(table(Role)))}
    pairs = work.source.execute(select(v4.user_role.c.user_id, v4.user_role.c.role_id)).all()
    held = {(user, role) for user, role in pairs if user in users and role in names}
    odd = {(user, role) for user, role in held if names[role] in IDENTITY_ROLES}
    _insert(work, user_role, "user_id", "role_id", held - odd)
    work.report.note(
        "these users held a role that is meant for nodes or containers; it was not carried",
        [f"user {user}: {names[role]}" for user, role in sorted(odd)],
    )
    known = _rule_ids(work)
    direct = work.source.execute(select(v4.user_rule.c.user_id, v4.user_rule.c.rule_id)).all()
    given = {(user, known[rule]) for user, rule in direct if user in users and rule in known}
    _insert(work, user_rule, "user_id", "rule_id", given)


def _rule_ids(work: Import) -> dict[int, int]:
    """Give our number of each rule that the old database has."""
    known = {}
    for row in work.source.execute(select(v4.rule)):
        try:
            known[row.id] = RULE_IDS[Rule(Resource(row.name), Scope[row.scope], Operation[row.operation])]
        except (KeyError, ValueError):
            continue
    return known


def _insert(work: Import, into: Any, first: str, second: str, pairs: Iterable[tuple[int, int]]) -> None:
    rows = [{first: one, second: other} for one, other in sorted(pairs)]
    if rows:
        work.target.execute(insert(into), rows)
