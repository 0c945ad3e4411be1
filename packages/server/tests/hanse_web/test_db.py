"""Addresses of databases, and what SQLite must not do to those who write."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine

from hanse_core.errors import Invalid
from hanse_web.db import empty_log, parsed, require_kept


@pytest.fixture
def sqlite(sqlite_engine: Engine) -> Engine:
    """A database with one table, all of it in the write-ahead log."""
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE patient (name TEXT)")
    return sqlite_engine


def test_who_reads_for_long_delays_the_emptying_of_the_log_but_nobody_who_writes(
    sqlite: Engine, sqlite_path: Path
) -> None:
    with sqlite.connect() as reader, ThreadPoolExecutor(1) as aside:
        reader.exec_driver_sql("SELECT * FROM patient").all()
        writer = sqlite3.connect(sqlite_path, timeout=2)
        writer.execute("INSERT INTO patient VALUES ('x')")
        writer.commit()
        emptied = aside.submit(empty_log, sqlite)
        while not emptied.done():
            writer.execute("INSERT INTO patient VALUES ('x')")  # fails if it must wait for longer than two seconds
            writer.commit()
        writer.close()
        assert not emptied.result()
    assert empty_log(sqlite)


def test_the_address_of_no_database_is_refused_without_showing_it() -> None:
    with pytest.raises(Invalid, match="postgresql://user:password@host") as refused:
        parsed("postgresql://hanse:p@ss@:word/hanse")
    assert "p@ss" not in refused.value.message


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused_where_it_must_be_kept(uri: str) -> None:
    with pytest.raises(Invalid, match="with four slashes"):
        require_kept(uri)


def test_what_is_kept_is_taken() -> None:
    require_kept("sqlite:////var/lib/hanse/server.sqlite")
    require_kept("postgresql://hanse@db/hanse")
