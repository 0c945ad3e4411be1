"""The node's memory: what was decided (append-only) and where each run stands, in one SQLite file.

Each write is one small transaction that is on disk before the call returns.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hanse_core.errors import Unavailable
from hanse_core.states import RunStatus
from hanse_node.errors import JournalUnreadable
from hanse_node.offers import Offer
from hanse_node.runs import LocalRun, Phase

VERSION = 1

_SCHEMA = """
CREATE TABLE decision (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, event TEXT NOT NULL,
    run_id INTEGER NOT NULL, task_id INTEGER, job_id INTEGER, init_user INTEGER, init_org INTEGER,
    image TEXT, digest TEXT, data TEXT, verdict TEXT, reason TEXT, bytes_out INTEGER
);
CREATE INDEX decision_run ON decision (run_id);
CREATE TRIGGER decision_is_kept BEFORE DELETE ON decision
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER decision_is_fixed BEFORE UPDATE ON decision
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE run (
    run_id INTEGER PRIMARY KEY, phase TEXT NOT NULL, reference TEXT, killed INTEGER NOT NULL,
    status TEXT, note TEXT NOT NULL, facts TEXT
);
CREATE INDEX run_open ON run (run_id) WHERE phase <> 'delivered';
"""

_LATER = """
CREATE INDEX IF NOT EXISTS decision_claim ON decision (job_id, image) WHERE event = 'claimed';
"""
"""What files of earlier versions lack, and what those versions do not mind."""

_RECORD = (
    "at", "event", "run_id", "task_id", "job_id", "init_user", "init_org", "image", "digest", "data", "verdict",
    "reason", "bytes_out",
)  # fmt: skip
_COLUMNS = "run_id, phase, reference, killed, status, note, facts"


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of the record: what happened to a run, and on which grounds."""

    event: str
    """claimed, refused, started, ended, killed, delivered, closed or adopted."""
    verdict: str | None = None
    reason: str | None = None
    digest: str | None = None
    data: tuple[str, ...] | None = None
    """Labels of the databases that the run was given."""
    bytes_out: int | None = None


class Journal:
    """Keeps decisions and states; use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = _opened(path)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def save(self, run: LocalRun, offer: Offer, decision: Decision | None = None) -> None:
        """Write where a run stands, and the decision that brought it there, in one transaction."""
        facts = None if run.phase is Phase.DELIVERED else json.dumps(offer.facts())
        row = (run.run_id, run.phase.value, run.reference, run.killed, run.status and run.status.value, run.note, facts)
        try:
            with self._connection as transaction:
                transaction.execute(f"REPLACE INTO run ({_COLUMNS}) VALUES (?,?,?,?,?,?,?)", row)  # noqa: S608
                if decision is not None:
                    _append(transaction, offer, decision)
        except sqlite3.Error as error:
            raise Unavailable(f"the journal {self.path} cannot be written: {error}") from error

    def unfinished(self) -> list[tuple[LocalRun, Offer]]:
        """Give all runs that are not yet delivered, oldest first."""
        query = f"SELECT {_COLUMNS} FROM run WHERE phase <> 'delivered' ORDER BY run_id"  # noqa: S608
        return [(_run(row), Offer.from_facts(json.loads(row[6]))) for row in self._read(query)]

    def find(self, run_ids: Iterable[int]) -> dict[int, LocalRun]:
        """Give what is known about some runs, tombstones included."""
        query = f"SELECT {_COLUMNS} FROM run WHERE run_id IN (SELECT value FROM json_each(?))"  # noqa: S608
        return {row[0]: _run(row) for row in self._read(query, json.dumps(list(run_ids)))}

    def digest(self, job_id: int, image: str) -> str | None:
        """Give the digest with which the first run of an image in a job was claimed."""
        query = (
            "SELECT digest FROM decision WHERE event = 'claimed' AND job_id = ? AND image = ? AND digest IS NOT NULL "
            "ORDER BY id LIMIT 1"
        )
        return next((str(row[0]) for row in self._read(query, job_id, image)), None)

    def decisions(self) -> Iterator[dict[str, Any]]:
        """Give the record from its beginning."""
        for row in self._read(f"SELECT {', '.join(_RECORD)} FROM decision ORDER BY id"):  # noqa: S608
            line = dict(zip(_RECORD, row, strict=True))
            yield {**line, "data": json.loads(line["data"]) if line["data"] else None}

    def _read(self, query: str, *parameters: object) -> list[Any]:
        try:
            return self._connection.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise _unreadable(self.path, str(error)) from error


def _opened(path: Path) -> sqlite3.Connection:
    try:
        # Before SQLite makes it, because the files beside it get the same rights.
        os.close(os.open(path, os.O_CREAT, 0o600))
        path.chmod(0o600)
        connection = sqlite3.connect(path, timeout=10)
    except (OSError, sqlite3.Error) as error:
        raise _unreadable(path, getattr(error, "strerror", None) or str(error)) from error
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise _unreadable(path, found.splitlines()[0])
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise _unreadable(path, str(error)) from error
    except JournalUnreadable:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")
    elif version != VERSION:
        raise _unreadable(path, f"it was written by another version of Hanse (format {version}, known is {VERSION})")
    connection.executescript(_LATER)


def _append(transaction: sqlite3.Connection, offer: Offer, decision: Decision) -> None:
    line = asdict(decision)
    line["data"] = None if decision.data is None else json.dumps(decision.data)
    line["at"] = datetime.now(UTC).isoformat()
    for name in ("run_id", "task_id", "job_id", "init_user", "init_org", "image"):
        line[name] = getattr(offer, name)
    places = ", ".join(f":{name}" for name in line)
    transaction.execute(f"INSERT INTO decision ({', '.join(line)}) VALUES ({places})", line)  # noqa: S608


def _run(row: Any) -> LocalRun:
    run_id, phase, reference, killed, status, note, _ = row
    return LocalRun(run_id, Phase(phase), reference, bool(killed), RunStatus(status) if status else None, note)


def _unreadable(path: Path, cause: str) -> JournalUnreadable:
    return JournalUnreadable(
        f"the journal {path} cannot be used: {cause}. It is the record of what this station decided, so it is not "
        f"made anew by itself. Keep it for inspection and start again:  mv {path} {path}.unreadable  "
        "(runs that are still open will then be offered again by the server)"
    )
