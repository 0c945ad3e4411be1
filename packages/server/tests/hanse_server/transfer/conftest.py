"""A v4 database, made by our description of its tables (`tests/compat` compares that with the stock server's)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, create_engine, insert, select
from sqlalchemy.orm import Session

from hanse_core.command import main
from hanse_core.permissions import DEFAULT_ROLES, RULES
from hanse_server.transfer import v4
from hanse_web.db import make_engine

SECRET = "a secret for tests only, of more than thirty-two bytes"
BCRYPT = "$2b$04$abcdefghijklmnopqrstuuu7Q7NXlXHdnl5jZZIJgcXmwyHhHtXvG"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
OFFSET = 1000
"""Old databases have other numbers for the same rules."""


@dataclass
class Old:
    """A v4 database to be filled."""

    uri: str
    engine: Engine

    def add(self, table: Table, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(insert(table), values)

    def identity(self, kind: str, id: int, **values: Any) -> None:
        self.add(v4.identity, id=id, type=kind, status="online", **values)

    def user(self, id: int, username: str, organization_id: int | None = 1, **values: Any) -> None:
        self.identity("user", id)
        values = {"email": f"{username}@example.org", "password": BCRYPT, **values}
        self.add(v4.user, id=id, username=username, organization_id=organization_id, **values)

    def node(self, id: int, name: str, organization_id: int | None = 1, collaboration_id: int | None = 1) -> None:
        self.identity("node", id, last_seen=MOMENT.replace(minute=id % 60))
        keys = {"organization_id": organization_id, "collaboration_id": collaboration_id}
        self.add(v4.node, id=id, name=name, api_key=BCRYPT.replace("abc", f"{id:03}"), **keys)

    def task(self, id: int, **values: Any) -> None:
        given = {"name": "t", "image": "i", "collaboration_id": 1, "job_id": 1, "created_at": MOMENT, **values}
        self.add(v4.task, id=id, **given)

    def run(self, id: int, task_id: int | None, **values: Any) -> None:
        given = {"organization_id": 1, "status": "pending", "assigned_at": MOMENT, **values}
        self.add(v4.run, id=id, task_id=task_id, **given)


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Old]:
    """Organizations 1 and 2, both in collaboration 1, and what every v4 database has."""
    uri = f"sqlite:///{tmp_path}/old.sqlite"
    engine = create_engine(uri)
    v4.metadata.create_all(engine)
    old = Old(uri, engine)
    for number, rule in enumerate(RULES, start=1 + OFFSET):
        names = {"name": rule.resource.value, "operation": rule.operation.name, "scope": rule.scope.name}
        old.add(v4.rule, id=number, **names)
    for number, role in enumerate(DEFAULT_ROLES, start=1):
        old.add(v4.role, id=number, name=role.name, is_default_role=True)
    for number, name in enumerate(("alpha", "beta"), start=1):
        old.add(v4.organization, id=number, name=name)
        old.add(v4.member, organization_id=number, collaboration_id=1)
    old.add(v4.collaboration, id=1, name="main", encrypted=True)
    yield old
    engine.dispose()


@pytest.fixture
def new_uri(empty_uri: str) -> str:
    """Where ours will be."""
    return empty_uri


@pytest.fixture
def move(
    old: Old,
    new_uri: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., str]:
    """Import the v4 database; gives what was printed."""
    monkeypatch.setenv("HANSE_SERVER_JWT_SECRET_KEY", SECRET)
    # Where large values are put that belong to no database file.
    monkeypatch.setenv("HANSE_SERVER_BLOBS__FOLDER", str(tmp_path / "values"))

    def run(*options: str, code: int = 0) -> str:
        assert main(["server", "import", old.uri, "--database", new_uri, *options]) == code
        printed = capsys.readouterr()
        return printed.out + printed.err

    return run


@pytest.fixture
def new(new_uri: str) -> Iterator[Session]:
    """Ours, to look into after the move."""
    engine = make_engine(new_uri)
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def back(
    new_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[str, Callable[[Table], list[Any]]]]]:
    """Export to a v4 database; gives what was printed and a way to read its tables."""
    engine = create_engine(f"sqlite:///{tmp_path}/back.sqlite")

    def rows(table: Table) -> list[Any]:
        with engine.connect() as connection:
            return list(connection.execute(select(table)).all())

    def run() -> tuple[str, Callable[[Table], list[Any]]]:
        assert main(["server", "export", "--v4", str(engine.url), "--database", new_uri]) == 0
        return capsys.readouterr().out, rows

    yield run
    engine.dispose()
