"""Of two writers who do the same at the same moment, the database itself refuses the second (quirk 46)."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from hanse_server.accounts.models import Organization, Role, User
from hanse_server.collaborations.models import Collaboration, Node, Study

PASSWORD = "Correct-horse-1"


@pytest.fixture
def rival(engine: Engine, request: pytest.FixtureRequest, database: str) -> Callable[[Any], list[Any]]:
    """Write a row at the moment when the server has looked that there is none, and is about to write its own."""
    written: list[Any] = []

    def write(row: Any) -> list[Any]:
        def rush(session: Session, *_: Any) -> None:
            if written or not any(isinstance(new, type(row)) for new in session.new):
                return
            written.append(row)
            # With SQLite, where a second writer waits for the first, the row comes in by the server's own transaction.
            with Session(session.connection() if database == "sqlite" else engine) as other:
                other.add(row)
                other.commit()

        event.listen(Session, "before_flush", rush)
        request.addfinalizer(lambda: event.remove(Session, "before_flush", rush))
        return written

    return write


CASES: dict[str, tuple[str, dict[str, Any], Callable[[Any], Any]]] = {
    "a node at a place": (
        "/node",
        {"organization_id": 3, "collaboration_id": 2},
        lambda world: Node(name="rival", organization_id=world.beta.id, collaboration_id=world.secure.id),
    ),
    "a node of a name": (
        "/node",
        {"organization_id": 3, "collaboration_id": 2, "name": "new"},
        lambda world: Node(name="new", organization_id=world.gamma.id),
    ),
    "a collaboration": (
        "/collaboration",
        {"name": "new", "organization_ids": [2], "encrypted": False},
        lambda _: Collaboration(name="new", encrypted=False),
    ),
    "a study": (
        "/study",
        {"name": "new", "collaboration_id": 1, "organization_ids": [2]},
        lambda world: Study(name="new", collaboration_id=world.main.id),
    ),
    "an organization": ("/organization", {"name": "new"}, lambda _: Organization(name="new")),
    "a user": (
        "/user",
        {"username": "newcomer", "email": "new@example.org", "password": PASSWORD, "organization_id": 2},
        lambda world: User(username="newcomer", email="rival@example.org", password="x", organization_id=world.beta.id),
    ),
    "a role": (
        "/role",
        {"name": "new", "rules": [1], "organization_id": 2},
        lambda world: Role(name="new", organization_id=world.alpha.id),
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_the_second_of_two_writers_is_told_of_a_conflict(
    case: str, clients: Any, world: Any, rival: Any, session: Session
) -> None:
    path, body, row = CASES[case]
    assert (world.alpha.id, world.beta.id, world.main.id, world.secure.id) == (2, 3, 1, 2)
    kind = type(row(world))
    before = session.scalar(select(func.count()).select_from(kind))
    session.rollback()
    written = rival(row(world))

    answer = await clients.user("root").post(path, json=body)

    assert written, "nobody came in between"
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict"), answer.text
    assert session.scalar(select(func.count()).select_from(kind)) <= before + 1, "the second one left nothing behind"
