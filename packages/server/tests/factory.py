"""Short ways to fill a database."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hanse_core.permissions import RULE_IDS, Operation, Resource, Scope
from hanse_core.permissions import Rule as CoreRule
from hanse_server.accounts.models import Organization, Role, Rule, User
from hanse_server.accounts.passwords import Passwords
from hanse_server.collaborations.models import Collaboration, Node, Study
from hanse_web.db import IMMEDIATE

PASSWORD = "Correct-horse-1"


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of `PASSWORD`, computed once and cheaply; users made by the factory have it."""
    return Passwords(1, memory=64, passes=1).hash_now(PASSWORD)


@dataclass
class Factory:
    """Writes rows straight into the database; what it gives back is detached but fully loaded."""

    engine: Engine
    password_hash: str

    def add(self, row: Any) -> Any:
        """Store any row."""
        # At once with the write lock: reading first and writing then fails when the server writes in between.
        writer = self.engine.execution_options(**{IMMEDIATE: True})
        with Session(writer, expire_on_commit=False) as session, session.begin():
            row = session.merge(row)
            session.flush()
            session.refresh(row)
        return row

    def organization(self, name: str, **fields: Any) -> Organization:
        row: Organization = self.add(Organization(name=name, **fields))
        return row

    def collaboration(self, name: str, organizations: Sequence[Organization], encrypted: bool = False) -> Collaboration:
        row: Collaboration = self.add(Collaboration(name=name, encrypted=encrypted, organizations=list(organizations)))
        return row

    def study(self, name: str, collaboration: Collaboration, organizations: Sequence[Organization]) -> Study:
        row: Study = self.add(Study(name=name, collaboration_id=collaboration.id, organizations=list(organizations)))
        return row

    def node(self, organization: Organization, collaboration: Collaboration | None, **fields: Any) -> Node:
        fields = {"name": f"node-{uuid.uuid4()}", "api_key_hash": str(uuid.uuid4()), **fields}
        collaboration_id = collaboration.id if collaboration else None
        row: Node = self.add(Node(organization_id=organization.id, collaboration_id=collaboration_id, **fields))
        return row

    def role(self, name: str, organization: Organization | None, *rules: tuple[Resource, Operation, Scope]) -> Role:
        organization_id = organization.id if organization else None
        row: Role = self.add(Role(name=name, organization_id=organization_id, rules=self._rules(rules)))
        return row

    def user(
        self,
        username: str,
        organization: Organization,
        *rules: tuple[Resource, Operation, Scope],
        roles: Sequence[str] = (),
        **fields: Any,
    ) -> User:
        """Store a user whose password is `PASSWORD`, with roles by name and rules given directly."""
        with Session(self.engine) as session:
            held = list(session.scalars(select(Role).where(Role.name.in_(roles))))
        assert len(held) == len(roles), f"not every role of {roles} exists"
        row: User = self.add(
            User(
                username=username,
                password=self.password_hash,
                organization_id=organization.id,
                roles=held,
                rules=self._rules(rules),
                **{"email": f"{username}@example.org", **fields},
            )
        )
        return row

    def _rules(self, rules: Sequence[tuple[Resource, Operation, Scope]]) -> list[Rule]:
        ids = [RULE_IDS[CoreRule(resource, scope, operation)] for resource, operation, scope in rules]
        with Session(self.engine) as session:
            return list(session.scalars(select(Rule).where(Rule.id.in_(ids))))


@pytest.fixture
def make(engine: Engine, password_hash: str) -> Factory:
    """Writes organizations, collaborations, users, nodes and so on, with what they need."""
    return Factory(engine, password_hash)
