"""What every database holds: the rules, the default roles and, when it is empty, somebody to begin with."""

from collections.abc import Callable
from typing import cast

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.orm import Session

from hanse_core.permissions import DEFAULT_ROLES, RULE_IDS, DefaultRole
from hanse_server.accounts.models import Identity, Organization, Role, Rule, User, role_rule
from hanse_server.accounts.password_rules import generated_password
from hanse_web.locks import advance_sequences

ROOT_ROLE = DEFAULT_ROLES[0].name
ROOT = "root"


def ensure_rules_and_roles(session: Session) -> None:
    """Set rules and default roles to what this version says; other roles are left alone."""
    for rule, number in RULE_IDS.items():
        session.merge(
            Rule(
                id=number,
                name=rule.resource.value,
                scope=int(rule.scope),
                operation=rule.operation.value,
                description=rule.description,
            )
        )
    session.flush()
    for number, role in enumerate(DEFAULT_ROLES, start=1):
        _ensure_role(session, number, role)
    advance_sequences(session, *(cast(Table, model.__table__) for model in (Rule, Role)))


def _ensure_role(session: Session, number: int, role: DefaultRole) -> None:
    row = session.scalar(select(Role).where(Role.is_default_role, Role.name == role.name))
    if row is None:
        # A database that came from a v4 server may have given the usual id to another role.
        if session.get(Role, number) is not None:
            number = session.scalars(select(func.max(Role.id))).one() + 1
        row = Role(id=number, name=role.name, is_default_role=True)
        session.add(row)
    row.description = role.description
    row.organization_id = None
    session.flush()
    session.execute(delete(role_rule).where(role_rule.c.role_id == row.id))
    pairs = [{"role_id": row.id, "rule_id": RULE_IDS[rule]} for rule in role.rules]
    session.execute(insert(role_rule), pairs)


def ensure_root(
    session: Session, hash_password: Callable[[str], str], password: str | None, hashed: str | None = None
) -> str | None:
    """Create organization and user `root` in an empty database; give the password if it had to be invented.

    In place of the password, its hash may be given.

    In any other database only make sure that the first user, if it still exists, holds the role Root.
    """
    if session.scalar(select(func.count()).select_from(Identity)) == 0:
        chosen = password or generated_password()
        organization = session.get(Organization, 1) or Organization(id=1, name=ROOT)
        user = User(
            id=1,
            username=ROOT,
            email="root@domain.ext",
            password=hashed if hashed and not password else hash_password(chosen),
            organization=organization,
            roles=[_root_role(session)],
        )
        session.add_all([organization, user])
        session.flush()
        advance_sequences(session, *(cast(Table, model.__table__) for model in (Organization, Identity)))
        return None if password or hashed else chosen
    first = session.get(User, 1)
    if first is not None and first.username == ROOT and _root_role(session) not in first.roles:
        first.roles.append(_root_role(session))
    return None


def _root_role(session: Session) -> Role:
    return session.scalars(select(Role).where(Role.is_default_role, Role.name == ROOT_ROLE)).one()
