"""Databases that are not taken over, and why; none of them leaves anything behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hanse_core.command import main
from hanse_server.accounts.models import Identity, Organization

Move = Callable[..., str]


def test_a_database_that_is_not_empty_is_refused_and_left_alone(old: Any, move: Move, new: Session) -> None:
    move()
    assert "holds organizations or users already" in move(code=1)
    assert new.scalar(select(func.count()).select_from(Organization)) == 2


def test_a_failure_in_the_middle_leaves_nothing(old: Any, move: Move, new: Session) -> None:
    with old.engine.begin() as connection:
        columns = "id, task_id, organization_id, status, input"
        connection.execute(text(f"INSERT INTO run ({columns}) VALUES (1, 1, 1, 'x', CAST(x'ff' AS TEXT))"))
    old.task(1)
    with pytest.raises(OperationalError, match="UTF-8"):
        move()
    assert new.scalar(select(func.count()).select_from(Organization)) == 0
    assert new.scalar(select(func.count()).select_from(Identity)) == 0


@pytest.mark.parametrize(
    "stored", ["'yesterday'", "''", "1767225600", "'2026-13-01 00:00:00'", "'2026-01-01 00:00:00+02:00'"]
)
def test_a_time_that_is_none_is_named_by_table_row_and_column(old: Any, move: Move, new: Session, stored: str) -> None:
    old.task(7)
    old.run(41, 7)
    old.run(42, 7)
    with old.engine.begin() as connection:
        connection.execute(text(f"UPDATE run SET finished_at = {stored} WHERE id = 42"))
    printed = move(code=1)
    assert "table run, row id 42, column finished_at" in printed
    assert "row id 41" not in printed
    assert "set it to NULL" in printed


def test_times_that_are_none_are_all_looked_for_and_the_first_are_named(old: Any, move: Move) -> None:
    old.user(11, "alice")
    for number in range(1, 13):
        old.task(number)
    with old.engine.begin() as connection:
        connection.execute(text("UPDATE task SET created_at = 'x'"))
        connection.execute(text("UPDATE authenticatable SET last_seen = 'x'"))
    printed = move("--dry-run", code=1)
    assert "table authenticatable, row id 11, column last_seen ('x')" in printed
    assert "table task, row id 1, column created_at" in printed
    assert "and 3 more" in printed


@pytest.mark.parametrize("column", ["blob_storage_used", "cleanup_at"])
def test_a_database_older_than_4_15_is_refused_with_the_remedy(old: Any, move: Move, column: str) -> None:
    with old.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE run DROP COLUMN {column}"))
    told = move(code=1)
    assert f"run.{column}" in told
    assert "start the stock server 4.15 once" in told


def test_what_is_no_v4_database_is_refused(
    old: Any, move: Move, new_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    move()
    assert main(["server", "import", new_uri, "--database", "sqlite:///x"]) == 1
    assert "a Hanse server already" in capsys.readouterr().err
    assert main(["server", "import", f"sqlite:///{tmp_path}/none.sqlite", "--database", "sqlite:///x"]) == 1
    assert "does not exist" in capsys.readouterr().err
    assert main(["server", "import", old.uri, "--database", old.uri]) == 1
    assert "are the same" in capsys.readouterr().err
    assert main(["server", "import", "postgresql://v:secret@:x/y", "--database", "sqlite:///x"]) == 1
    assert "is not the address of a database" in capsys.readouterr().err
