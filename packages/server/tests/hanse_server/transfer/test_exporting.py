"""Ours becomes a v4 database again."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_core.command import main
from hanse_server.accounts.models import Organization, User, V4Secret
from hanse_server.collaborations.models import Collaboration
from hanse_server.settings import Settings
from hanse_server.tasks.models import Run
from hanse_server.tasks.places import make_stores
from hanse_server.tasks.values import Place
from hanse_server.transfer import v4
from hanse_server.transfer.exporting import CARRIED, LOST, NEEDLESS
from hanse_web.db import Base

Move = Callable[..., str]
Back = Callable[..., tuple[str, Callable[..., list[Any]]]]


@pytest.fixture
def full(old: Any) -> Any:
    """A v4 database with something of everything."""
    old.user(11, "alice", otp_secret="B" * 32, firstname="A", lastname="L", failed_login_attempts=0)
    old.user(12, "bob", 2, email=None, firstname="B", lastname="L", failed_login_attempts=1)
    old.node(13, "station")
    old.add(v4.user_role, user_id=11, role_id=1)
    old.add(v4.user_rule, user_id=12, rule_id=1003)
    old.add(v4.study, id=5, name="pair", collaboration_id=1)
    old.add(v4.study_member, study_id=5, organization_id=2)
    old.add(v4.store, id=3, name="own", url="https://store.example/api", collaboration_id=1)
    old.add(v4.store, id=4, name="public", url="https://public.example/api")
    old.task(21, init_user_id=11, init_org_id=1, study_id=5, algorithm_store_id=3, description="")
    old.task(22, parent_id=21, description="")
    old.add(v4.task_database, id=1, task_id=21, database="default", parameters="{}")
    old.run(41, 21, status="completed", input="in", result="out", blob_storage_used=False)
    old.run(42, 22, blob_storage_used=True, input="uuid")
    old.add(v4.port, id=1, run_id=41, port=8888, label="web")
    return old


def there(old: Any, table: Any) -> list[Any]:
    with old.engine.connect() as connection:
        return list(connection.execute(select(table)).all())


def test_what_came_from_v4_goes_back_as_it_was(full: Any, move: Move, back: Back) -> None:
    move()
    _, rows = back()
    for table in (v4.collaboration, v4.user, v4.node, v4.member, v4.study, v4.study_member, v4.store, v4.task, v4.run):
        assert rows(table) == there(full, table), table.name
    for table in (v4.task_database, v4.port, v4.user_role):
        assert rows(table) == there(full, table), table.name
    assert [row[:2] for row in rows(v4.role)] == [row[:2] for row in there(full, v4.role)]
    assert [(row.id, row.type) for row in rows(v4.identity)] == [(row.id, row.type) for row in there(full, v4.identity)]
    direct = rows(v4.user_rule)
    names = {row.id: row[1:4] for row in rows(v4.rule)}
    before = {row.id: row[1:4] for row in there(full, v4.rule)}
    assert names[direct[0].rule_id] == before[1003]


def test_whom_v4_could_not_check_is_listed_and_locked(full: Any, move: Move, back: Back, new: Session) -> None:
    move()
    alice = new.get_one(User, 11)
    alice.password = "$argon2id$…"
    for secret in new.scalars(select(V4Secret)):
        new.delete(secret)
    new.commit()
    printed, rows = back()
    assert "set their password here" in printed
    assert "alice" in printed.split("set their password here")[1].splitlines()[0]
    (row,) = [row for row in rows(v4.user) if row.username == "alice"]
    assert row.password.startswith("$2b$")
    assert not bcrypt.checkpw(b"", row.password.encode())


def test_a_password_or_key_that_changes_takes_its_old_hash_along(
    full: Any, move: Move, new: Session, new_uri: str, tmp_path: Path
) -> None:
    move()
    (tmp_path / "password").write_text("Better-horse-2")
    command = ["server", "user", "password", "alice", "--password-file", str(tmp_path / "password")]
    assert main([*command, "--database", new_uri]) == 0
    assert {secret.identity_id for secret in new.scalars(select(V4Secret))} == {12, 13}


def test_the_hashes_for_the_way_back_can_be_forgotten(full: Any, move: Move, new: Session, new_uri: str) -> None:
    move()
    assert main(["server", "export", "--forget-v4", "--database", new_uri]) == 0
    assert new.scalars(select(V4Secret)).all() == []


def test_an_existing_database_is_never_written_over(
    full: Any, move: Move, new_uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    move()
    assert main(["server", "export", "--v4", full.uri, "--database", new_uri]) == 1
    assert "holds tables already" in capsys.readouterr().err


def test_values_that_are_outside_of_our_database_are_inside_v4s(
    full: Any, move: Move, back: Back, new: Session, new_uri: str
) -> None:
    move()
    store = make_stores(Settings(uri=new_uri))[Place.VALUES]
    key = str(uuid.uuid4())

    async def content() -> AsyncIterator[bytes]:
        yield b"bG9u"
        yield b"Zw=="

    asyncio.run(store.put(key, content()))
    run = new.get_one(Run, 41)
    run.result, run.result_key = None, key
    new.commit()
    _, rows = back()
    assert {row.id: row.result for row in rows(v4.run)}[41] == "bG9uZw=="


def test_what_is_ours_only_is_named(full: Any, move: Move, back: Back, new: Session) -> None:
    from datetime import UTC, datetime

    from hanse_server.identity.models import LoginSession

    move()
    now = datetime(2026, 1, 1, tzinfo=UTC)
    moments = {"created_at": now, "last_used_at": now, "ends_at": now, "rotated_at": now}
    new.add(LoginSession(id="x", identity_id=11, method="password", **moments))
    new.commit()
    printed, _ = back()
    assert "1 rows of `login_session` were left out" in printed


def test_columns_that_are_ours_only_are_named_where_they_say_anything(
    full: Any, move: Move, back: Back, new: Session
) -> None:
    move()
    new.get_one(Organization, 1).two_factor_required = True
    new.get_one(Collaboration, 1).keep_results_days = 30
    new.commit()
    printed, _ = back()
    assert "`organization.two_factor_required` of 1 rows was left out: v4 requires a second factor" in printed
    assert "`collaboration.keep_results_days` of 1 rows was left out" in printed
    assert "keep_logs_days" not in printed
    assert "idempotency_key" not in printed


@pytest.mark.parametrize("name", CARRIED)
def test_of_every_column_is_known_whether_it_is_carried_lost_or_needless(name: str) -> None:
    ours = {column.name for column in Base.metadata.tables[name].c}
    beyond = ours - {column.name for column in CARRIED[name].c}
    assert beyond == set(LOST.get(name, ())) | NEEDLESS.get(name, frozenset())
