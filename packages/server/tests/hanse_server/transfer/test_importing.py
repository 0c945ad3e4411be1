"""A v4 database becomes ours: what stays, and what is said about what cannot."""

import asyncio
import base64
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hanse_core.command import main
from hanse_core.permissions import DEFAULT_ROLES
from hanse_server.accounts.models import Identity, Organization, Role, User, V4Secret
from hanse_server.collaborations.models import Collaboration, Node, NodeSetting, Study
from hanse_server.main import create_app
from hanse_server.settings import Settings
from hanse_server.settings.stores import StoreSettings
from hanse_server.stores.models import AlgorithmStore, store_collaboration
from hanse_server.tasks import kept
from hanse_server.tasks.models import Blob, Job, Run, RunPort, Task, TaskDatabase
from hanse_server.tasks.places import make_stores
from hanse_server.tasks.values import Place
from hanse_server.transfer import v4
from hanse_server.transfer.rows import LARGE_AT_ONCE
from hanse_web.sealing import Seal

Move = Callable[..., str]
MOMENT = "2026-01-02 03:04:05.000006"


def test_ids_and_values_stay(old: Any, move: Move, new: Session) -> None:
    pem = b"-----BEGIN PUBLIC KEY-----\n"
    old.add(v4.organization, id=7, name="gamma", domain="g.example", country="NL", _public_key=pem)
    old.user(11, "alice", 7, firstname="A", failed_login_attempts=2)
    old.node(12, "station", 7)
    old.add(v4.study, id=5, name="pair", collaboration_id=1)
    old.add(v4.study_member, study_id=5, organization_id=2)
    old.task(21, job_id=4, init_user_id=11, init_org_id=7, study_id=5, description="d")
    old.task(22, job_id=4, parent_id=21)
    old.add(v4.task_database, id=31, task_id=21, database="default", parameters='{"query": "q"}')
    old.run(41, 21, status="completed", input="in", result="out", log="l", organization_id=7, blob_storage_used=None)
    old.add(v4.port, id=51, run_id=41, port=8888, label="web")
    old.add(v4.node_config, id=61, node_id=12, key="encryption", value="true")
    move()
    gamma, alice, station = new.get_one(Organization, 7), new.get_one(User, 11), new.get_one(Node, 12)
    assert (gamma.name, gamma.country, base64.b64decode(gamma.public_key)) == ("gamma", "NL", pem)
    assert (alice.username, alice.firstname, alice.failed_login_attempts, alice.password[:4]) == (
        "alice",
        "A",
        2,
        "$2b$",
    )
    assert (station.name, station.collaboration_id, station.status, station.api_key_hash) == (
        "station",
        1,
        "offline",
        None,
    )
    assert station.api_key_bcrypt
    first, second = new.scalars(select(Task).order_by(Task.id)).all()
    assert (first.id, first.job_id, first.init_user_id, first.init_org_id, first.study_id) == (21, 4, 11, 7, 5)
    assert (second.parent_id, second.job_id) == (21, 4)
    run = new.get_one(Run, 41)
    assert (run.status, run.input, run.result, run.log, run.blob_storage_used) == ("completed", "in", "out", "l", False)
    assert str(run.assigned_at.replace(tzinfo=None)) == MOMENT
    assert [(one.label, one.parameters) for one in new.scalars(select(TaskDatabase))] == [("default", '{"query": "q"}')]
    assert [(one.run_id, one.port, one.label) for one in new.scalars(select(RunPort))] == [(41, 8888, "web")]
    assert [(one.node_id, one.key, one.value) for one in new.scalars(select(NodeSetting))] == [
        (12, "encryption", "true")
    ]
    study = new.get_one(Study, 5)
    assert [place.id for place in study.organizations] == [2]


def test_what_the_database_keeps_in_step_is_in_step(old: Any, move: Move, new: Session) -> None:
    old.task(1)
    old.run(1, 1, status="crashed")
    move()
    task = new.get_one(Task, 1)
    assert task.status == "crashed"
    assert kept.differences(new.connection()) == 0


def test_no_id_is_given_out_again(old: Any, move: Move, new: Session) -> None:
    old.user(40, "lost", None)
    old.task(30, collaboration_id=None, job_id=9)
    old.run(50, 30)
    move()
    assert new.get(User, 40) is None
    identity = User(username="next", email="n@example.org", password="x", organization_id=1)
    job = Job()
    new.add_all([identity, job])
    new.flush()
    task = Task(image="i", job_id=job.id, collaboration_id=1, created_at=func.now())
    new.add(task)
    new.flush()
    run = Run(task_id=task.id, organization_id=1, assigned_at=func.now())
    new.add(run)
    new.flush()
    assert identity.id > 40
    assert task.id > 30
    assert run.id > 50
    assert job.id > 9


def test_rules_are_carried_by_what_they_allow(old: Any, move: Move, new: Session) -> None:
    old.add(v4.role, id=9, name="Curator", organization_id=1, is_default_role=False)
    old.user(1, "alice")
    for rule in (1001, 1005, 1086):
        old.add(v4.role_rule, role_id=9, rule_id=rule)
    for rule in (1002, 1002):
        old.add(v4.user_rule, user_id=1, rule_id=rule)
    for role in (9, 5, 9):
        old.add(v4.user_role, user_id=1, role_id=role)
    move()
    curator, alice = new.get_one(Role, 9), new.get_one(User, 1)
    assert sorted(rule.id for rule in curator.rules) == [1, 5, 86]
    assert [rule.id for rule in alice.rules] == [2]
    assert sorted(role.name for role in alice.roles) == ["Curator", "Researcher"]
    root = new.get_one(Role, 1)
    assert len(root.rules) == 86, "default roles hold what this version says"


def test_default_roles_keep_the_ids_they_had(old: Any, move: Move, new: Session) -> None:
    with old.engine.begin() as connection:
        connection.execute(v4.role.update().where(v4.role.c.id == 5).values(id=77))
        connection.execute(v4.role.delete().where(v4.role.c.name == "node"))
    old.add(v4.role, id=3, name="super", organization_id=1)
    move()
    names = {role.id: role.name for role in new.scalars(select(Role).where(Role.is_default_role))}
    assert names[77] == "Researcher"
    assert sorted(names.values()) == sorted(role.name for role in DEFAULT_ROLES)
    kept_role = new.get_one(Role, 3)
    assert (kept_role.name, kept_role.is_default_role) == ("super", False)


def test_names_that_must_be_unique_here_get_a_number(old: Any, move: Move, new: Session) -> None:
    for number in (20, 21):
        old.add(v4.role, id=number, name="Curator", organization_id=2, is_default_role=False)
    old.add(v4.role, id=22, name="Root", is_default_role=False)
    printed = move()
    assert "Curator (id 21) is now Curator (2)" in printed
    names = dict(new.execute(select(Role.id, Role.name).where(Role.id >= 20)).all())
    assert names[20] == "Curator"
    assert names[21] == "Curator (2)"
    assert names[22] != "Root"


def test_a_second_factor_stays_and_is_sealed(old: Any, move: Move, new: Session) -> None:
    old.user(3, "alice", otp_secret="A" * 32)
    assert "second factor" in move()
    alice = new.get_one(User, 3)
    assert alice.otp_secret
    assert alice.otp_last_step == 0
    secret = "a secret for tests only, of more than thirty-two bytes"
    assert Seal(secret, "second factor").open(alice.otp_secret, "3") == "A" * 32


def test_users_without_an_address_are_named(old: Any, move: Move, new: Session) -> None:
    old.user(3, "quiet", email=None)
    old.user(4, "silent", email="")
    assert "cannot reset a password by mail until they get one: quiet, silent" in move()
    assert {user.email for user in new.scalars(select(User))} == {
        "user-3@no-address.invalid",
        "user-4@no-address.invalid",
    }


def test_orphans_are_left_out_and_counted(old: Any, move: Move, new: Session) -> None:
    old.user(3, "stray", None)
    old.node(4, "lost node", None)
    old.task(1)
    old.task(2, collaboration_id=None)
    old.task(3, parent_id=2, init_user_id=3)
    for number, task in ((1, 1), (2, 2), (3, None), (4, 99)):
        old.run(number, task)
    old.run(5, 1, organization_id=77)
    old.add(v4.port, id=1, run_id=3, port=1)
    old.add(v4.task_database, id=1, task_id=2, database="x")
    old.add(v4.study, id=1, name="old study", collaboration_id=None)
    printed = move()
    for told in ("left out; add them anew if they are needed: stray", "lost node", "old study"):
        assert told in printed
    assert "1 tasks whose collaboration was deleted were left out" in printed
    assert "4 runs whose task was deleted" in printed
    assert [run.id for run in new.scalars(select(Run))] == [1]
    child = new.get_one(Task, 3)
    assert (child.parent_id, child.init_user_id) == (None, None)


def test_of_two_nodes_in_one_place_the_one_seen_last_stays(old: Any, move: Move, new: Session) -> None:
    old.node(10, "older")
    old.node(11, "newer")
    assert "taken out of their collaboration: older" in move()
    nodes = {node.name: node.collaboration_id for node in new.scalars(select(Node))}
    assert nodes == {"older": None, "newer": 1}


def test_memberships_count_once(old: Any, move: Move, new: Session) -> None:
    old.add(v4.member, organization_id=1, collaboration_id=1)
    old.add(v4.member, organization_id=99, collaboration_id=1)
    move()
    main = new.get_one(Collaboration, 1)
    assert [place.id for place in main.organizations] == [1, 2]


def test_stores_stay_coupled_and_those_for_all_are_named(old: Any, move: Move, new: Session) -> None:
    old.add(v4.store, id=3, name="own", url="https://store.example/api", collaboration_id=1)
    old.add(v4.store, id=4, name="own", url="https://store.example/api/", collaboration_id=1)
    old.add(v4.store, id=5, name="public", url="https://public.example/api")
    old.task(1, algorithm_store_id=4)
    assert "trusted in all collaborations" in move()
    stores = {store.id: store.is_for_all for store in new.scalars(select(AlgorithmStore))}
    assert stores == {3: False, 5: True}
    assert new.execute(select(store_collaboration)).all() == [(3, 1, "https://store.example/api")]
    task = new.get_one(Task, 1)
    assert task.algorithm_store_id == 3


def test_an_unknown_status_becomes_one_that_says_so(old: Any, move: Move, new: Session) -> None:
    old.task(1)
    old.run(1, 1, status="exploded")
    old.run(2, 1, status=None)
    assert "exploded" in move()
    assert [run.status for run in new.scalars(select(Run).order_by(Run.id))] == ["unknown error", "pending"]


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


def test_a_dry_run_reports_and_changes_nothing(
    old: Any, move: Move, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.user(3, "alice")
    monkeypatch.delenv("HANSE_SERVER_JWT_SECRET_KEY")
    printed = move("--dry-run")
    assert "nothing was changed" in printed
    assert "1  users" in printed
    assert list(tmp_path.iterdir()) == [tmp_path / "old.sqlite"]


def test_the_old_database_is_not_touched(old: Any, move: Move, tmp_path: Path) -> None:
    before = (tmp_path / "old.sqlite").read_bytes()
    move()
    assert (tmp_path / "old.sqlite").read_bytes() == before
    assert not (tmp_path / "old.sqlite-wal").exists()


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


def test_no_way_back_keeps_no_hash_beside(old: Any, move: Move, new: Session) -> None:
    old.user(3, "alice")
    old.node(4, "station")
    move("--no-way-back")
    assert new.scalar(select(func.count()).select_from(V4Secret)) == 0
    alice = new.get_one(User, 3)
    assert alice.password.startswith("$2b$"), "the log-in itself needs it until the first one"


def test_blobs_stay_where_they_are_and_belong_to_their_runs(old: Any, move: Move, new: Session) -> None:
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    old.task(1)
    old.run(1, 1, blob_storage_used=True, input=first, result=second)
    old.run(2, 1, blob_storage_used=True, input=first, result="")
    said = move()
    assert "`large_result_store` must name the container" in said
    assert "cannot be resumed" in said
    blobs = {blob.key: (blob.run_id, blob.field, blob.place) for blob in new.scalars(select(Blob))}
    assert blobs == {first: (1, "input", "blobs"), second: (1, "result", "blobs")}


async def _content(settings: Settings, place: Place, key: str) -> bytes:
    return b"".join([chunk async for chunk in make_stores(settings)[place].open(key)])


def test_values_too_large_for_the_database_go_where_such_go(
    old: Any, move: Move, new: Session, tmp_path: Path, back: Any
) -> None:
    long = base64.b64encode(bytes(range(256)) * 400).decode()
    old.task(1)
    old.run(1, 1, input="e30=", result=long)
    old.run(2, 1, input=long, result=None)
    move()
    first, second = new.scalars(select(Run).order_by(Run.id))
    assert (first.input, first.input_key, first.result) == ("e30=", None, None)
    assert (second.input, second.result, second.result_key) == (None, None, None)
    rows = {blob.key: blob for blob in new.scalars(select(Blob))}
    assert {key: (row.run_id, row.field, row.place, row.size) for key, row in rows.items()} == {
        first.result_key: (1, "result", "values", len(long)),
        second.input_key: (2, "input", "values", len(long)),
    }
    assert all(row.settled_at is not None for row in rows.values())
    stored = Settings(blobs=StoreSettings(folder=tmp_path / "values"))
    assert asyncio.run(_content(stored, Place.VALUES, first.result_key or "")).decode() == long
    _, read = back()
    assert [(row.input, row.result) for row in read(v4.run)] == [("e30=", long), (long, None)]


def test_a_failure_in_the_middle_leaves_no_value_either(old: Any, move: Move, tmp_path: Path) -> None:
    old.task(1)
    old.run(1, 1, result="x" * 100_000)
    with old.engine.begin() as connection:
        columns = "id, task_id, organization_id, status, input"
        connection.execute(text(f"INSERT INTO run ({columns}) VALUES (20, 1, 1, 'x', CAST(x'ff' AS TEXT))"))
    for number in range(2, 20):
        old.run(number, 1)
    with pytest.raises(OperationalError, match="UTF-8"):
        move()
    assert [path for path in (tmp_path / "values").rglob("*") if path.is_file()] == []


def test_blobs_of_a_store_that_is_set_are_measured(
    old: Any, move: Move, new: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANSE_SERVER_LARGE_RESULT_STORE__FOLDER", str(tmp_path / "blobs"))
    here, gone = str(uuid.uuid4()), str(uuid.uuid4())
    (tmp_path / "blobs" / here[:2]).mkdir(parents=True)
    (tmp_path / "blobs" / here[:2] / here).write_bytes(b"12345")
    old.task(1)
    old.run(1, 1, blob_storage_used=True, input=here, result=gone)
    assert "cannot be resumed" not in move()
    assert {blob.key: blob.size for blob in new.scalars(select(Blob))} == {here: 5, gone: None}


async def test_a_blob_whose_size_v4_never_told_is_given_as_a_whole(
    settings: Settings, make: Any, world: Any, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"large_result_store": StoreSettings(folder=tmp_path / "blobs")})
    key, now = str(uuid.uuid4()), datetime(2026, 1, 1, tzinfo=UTC)

    async def content() -> AsyncIterator[bytes]:
        yield b"what a v4 server stored"

    await make_stores(settings)[Place.BLOBS].put(key, content())
    job = make.add(Job())
    task = make.add(Task(image="i", job_id=job.id, collaboration_id=world.main.id, created_at=now))
    run = make.add(Run(task_id=task.id, organization_id=world.alpha.id, assigned_at=now, result=key))
    make.add(Blob(key=key, place="blobs", run_id=run.id, field="result", created_at=now, settled_at=now))
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hanse.test/api") as client:
        client.headers["Authorization"] = f"Bearer {app.state.tokens.issue(world.users['alice'].id, 'user')}"
        answer = await client.get(f"/blobstream/{key}", headers={"Range": "bytes=0-3"})
    app.state.engine.dispose()
    assert (answer.status_code, answer.content) == (200, b"what a v4 server stored")


def test_many_runs_are_carried_a_few_at_a_time(old: Any, move: Move, new: Session) -> None:
    old.task(1)
    with old.engine.begin() as connection:
        rows = [{"id": number, "task_id": 1, "organization_id": 1, "status": "completed"} for number in range(1, 201)]
        connection.execute(v4.run.insert(), rows)
    batches: list[int] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.startswith("INSERT INTO run "):
            batches.append(len(parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        move()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert sum(batches) == 200
    assert max(batches) <= LARGE_AT_ONCE


def test_what_is_no_password_of_v4_becomes_none(old: Any, move: Move, new: Session) -> None:
    """A hash that costs minutes to check would hold up everybody's log-ins."""
    old.user(40, "odd", password="$argon2id$v=19$m=9,t=9")
    move()
    assert new.get_one(User, 40).password == ""
