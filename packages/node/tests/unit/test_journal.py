"""The journal: what is written stays, and what cannot be read is never silently replaced."""

import sqlite3
from pathlib import Path

import pytest

from hanse_core.errors import Unavailable
from hanse_core.states import RunStatus
from hanse_node.errors import JournalUnreadable
from hanse_node.journal import Decision, Journal
from hanse_node.offers import DatabaseChoice, Offer
from hanse_node.runs import LocalRun, Phase

SECRET = "c2VjcmV0IGlucHV0"
OFFER = Offer(4, 3, 2, "hanse/glm", SECRET, 1, 7, None, (DatabaseChoice("default", query="select 1"),))
RUNNING = LocalRun(4, Phase.RUNNING, "ref")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_states_and_decisions_survive_a_restart(path: Path) -> None:
    with Journal(path) as journal:
        journal.save(LocalRun(4, Phase.CLAIMED), OFFER, Decision("claimed", "allowed", "why", "sha256:a", ("default",)))
        journal.save(RUNNING, OFFER, Decision("started"))
    with Journal(path) as journal:
        [(run, offer)] = journal.unfinished()
        decisions = list(journal.decisions())
    assert run == RUNNING
    assert (offer.run_id, offer.job_id, offer.init_org, offer.databases) == (4, 2, 1, OFFER.databases)
    assert [line["event"] for line in decisions] == ["claimed", "started"]
    assert {key: decisions[0][key] for key in ("image", "digest", "data", "verdict", "reason", "init_user")} == {
        "image": "hanse/glm", "digest": "sha256:a", "data": ["default"], "verdict": "allowed", "reason": "why",
        "init_user": 7,
    }  # fmt: skip
    assert decisions[0]["at"].endswith("+00:00")


def test_a_delivered_run_leaves_a_tombstone_without_its_facts(path: Path) -> None:
    with Journal(path) as journal:
        journal.save(RUNNING, OFFER)
        journal.save(LocalRun(4, Phase.DELIVERED, status=RunStatus.COMPLETED), OFFER, Decision("delivered"))
        assert journal.unfinished() == []
        assert journal.find([4, 5]) == {4: LocalRun(4, Phase.DELIVERED, status=RunStatus.COMPLETED)}


def test_inputs_never_enter_the_journal(path: Path) -> None:
    with Journal(path) as journal:
        journal.save(RUNNING, OFFER, Decision("started"))
    assert all(SECRET.encode() not in file.read_bytes() for file in path.parent.glob("journal*"))


@pytest.mark.parametrize("statement", ["DELETE FROM decision", "UPDATE decision SET reason = 'other'"])
def test_the_record_is_append_only(path: Path, statement: str) -> None:
    with Journal(path) as journal:
        journal.save(RUNNING, OFFER, Decision("started"))
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("content", [b"this is not a database", b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_corrupt_journal_is_named_with_cause_and_remedy_and_kept(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(JournalUnreadable) as caught:
        Journal(path)
    assert str(path) in caught.value.message
    assert f"mv {path}" in caught.value.message
    assert path.read_bytes() == content


def test_damage_inside_the_journal_is_found_at_start(path: Path) -> None:
    with Journal(path) as journal:
        for run_id in range(200):
            journal.save(LocalRun(run_id, Phase.RUNNING, "r" * 100), OFFER, Decision("started", reason="x" * 200))
        journal._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    data[8192:20000] = b"\x5a" * (20000 - 8192)
    path.write_bytes(data)
    with pytest.raises(JournalUnreadable, match="cannot be used"):
        Journal(path)


def test_a_journal_of_a_later_version_is_left_alone(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JournalUnreadable, match="another version"):
        Journal(path)


def test_a_journal_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalUnreadable, match="No such file"):
        Journal(tmp_path / "absent" / "journal.sqlite")


def test_a_write_that_fails_is_an_error_to_the_caller(path: Path) -> None:
    with Journal(path) as journal:
        journal._connection.execute("PRAGMA query_only = 1")
        with pytest.raises(Unavailable, match="cannot be written"):
            journal.save(RUNNING, OFFER)


def test_only_its_owner_reads_the_journal(path: Path) -> None:
    with Journal(path) as journal:
        journal.save(RUNNING, OFFER)
        assert {file.stat().st_mode & 0o777 for file in path.parent.glob(path.name + "*")} == {0o600}
        assert len(list(path.parent.glob(path.name + "*"))) == 3
