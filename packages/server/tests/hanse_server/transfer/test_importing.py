"""A v4 database becomes ours: what stays, and what is said about what cannot."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from hanse_core.permissions import DEFAULT_ROLES
from hanse_server.accounts.models import Organization, Role, User, V4Secret
from hanse_server.collaborations.models import Collaboration, Node, NodeSetting, Study
from hanse_server.stores.models import AlgorithmStore, store_collaboration
from hanse_server.tasks import kept
from hanse_server.tasks.models import Job, Run, RunPort, Task, TaskDatabase
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


def test_no_way_back_keeps_no_hash_beside(old: Any, move: Move, new: Session) -> None:
    old.user(3, "alice")
    old.node(4, "station")
    move("--no-way-back")
    assert new.scalar(select(func.count()).select_from(V4Secret)) == 0
    alice = new.get_one(User, 3)
    assert alice.password.startswith("$2b$"), "the log-in itself needs it until the first one"


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
