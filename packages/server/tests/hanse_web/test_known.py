"""Actors are remembered for moments only, and not beyond a change of rights."""

from datetime import UTC, datetime, timedelta

import pytest

from hanse_core.permissions import Permissions
from hanse_web.access import ContainerActor, NodeActor, UserActor
from hanse_web.clock import FixedClock
from hanse_web.known import LIFE, MOST, KnownActors, Unrelated

ALICE = UserActor(1, "alice", 1, frozenset(), frozenset(), Permissions(()))
JUDGE = Unrelated(
    tables={"run"}, inserts={"login_session"}, deletes={"login_session"}, columns={"identity": {"last_seen", "status"}}
).judge()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 1, tzinfo=UTC))


def test_an_actor_is_known_by_its_token_for_a_moment(clock: FixedClock) -> None:
    known = KnownActors(clock)
    known.keep("token", ALICE, known.epoch)
    assert known.find("token") is ALICE
    assert known.find("other") is None
    clock.moment += LIFE
    assert known.find("token") is None


def test_a_clock_that_is_set_back_prolongs_nothing(clock: FixedClock) -> None:
    known = KnownActors(clock)
    known.keep("token", ALICE, known.epoch)
    clock.moment -= timedelta(hours=1)
    assert known.find("token") is None


def test_what_was_looked_up_before_a_change_is_not_kept_after_it(clock: FixedClock) -> None:
    known = KnownActors(clock)
    before = known.epoch
    known.forget()
    known.keep("token", ALICE, before)
    assert known.find("token") is None


def test_containers_are_looked_up_every_time(clock: FixedClock) -> None:
    known = KnownActors(clock)
    known.keep("container", ContainerActor(1, "c", 1, frozenset(), frozenset(), Permissions(())), known.epoch)
    known.keep("node", NodeActor(1, "n", 1, frozenset(), frozenset(), Permissions(())), known.epoch)
    assert known.find("container") is None
    assert known.find("node") is not None


def test_a_flood_of_tokens_does_not_fill_the_memory(clock: FixedClock) -> None:
    known = KnownActors(clock)
    for number in range(MOST + 1):
        known.keep(f"token {number}", ALICE, known.epoch)
    assert known.find("token 0") is None
    assert known.find(f"token {MOST}") is ALICE


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT identity.id FROM identity WHERE identity.id = ?",
        "WITH RECURSIVE family AS (SELECT 1) SELECT updated_at FROM family FOR UPDATE OF task",
        "BEGIN IMMEDIATE",
        "INSERT INTO run (task_id) VALUES (?)",
        "DELETE FROM run WHERE run.id = ?",
        "UPDATE run SET status=?, version=? WHERE run.id = ?",
        "INSERT INTO login_session (id) VALUES (?)",
        "DELETE FROM login_session WHERE login_session.ends_at <= ?",
        "UPDATE identity SET status=?, last_seen=? WHERE identity.id = ?",
    ],
)
def test_what_is_unrelated_to_rights(statement: str) -> None:
    assert not JUDGE(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE identity SET last_seen=?, token_version=(identity.token_version + ?) WHERE identity.id = ?",
        "UPDATE identity SET status=(SELECT 'x' FROM a WHERE b = 1), token_version=2",
        "UPDATE login_session SET revoked_at=? WHERE login_session.id = ?",
        "DELETE FROM role_rule",
        'INSERT INTO "user_role" (user_id, role_id) VALUES (?, ?)',
        "DELETE FROM role_rule WHERE role_rule.role_id = ?",
        "INSERT INTO a_table_that_nobody_named (id) VALUES (?)",
        "WITH gone AS (SELECT 1) DELETE FROM identity WHERE id IN (SELECT * FROM gone)",
        "  delete from identity",
    ],
)
def test_what_may_change_rights(statement: str) -> None:
    assert JUDGE(statement)
