"""The database: one engine, tables with UTC times, and SQLite set up to be safe."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, MetaData, TypeDecorator, create_engine, event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

from hanse_core.errors import Invalid

BUSY_MILLISECONDS = 10_000
POOL: dict[str, Any] = {"pool_size": 24, "max_overflow": 16}
"""Connections: those of the units of work (`work.AT_ONCE`), and some for background jobs."""
IMMEDIATE = "hanse_immediate"


class Base(DeclarativeBase):
    """All tables; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in Python, stored in UTC without an offset."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without time zone cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None else None


def wire_time(moment: datetime | None) -> str | None:
    """Write a time as the v4 wire does: ISO 8601 in UTC without an offset."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() if moment is not None else None


def make_engine(uri: str) -> Engine:
    """Open the database; SQLite gets write-ahead logging, foreign keys and explicit transactions."""
    url = make_url(uri)
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, **POOL, hide_parameters=True)
    return _sqlite_engine(url)


def sqlite_file(uri: str) -> Path | None:
    """Give the file of an SQLite database; None for one in memory and for other databases."""
    url = make_url(uri)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database)


def create_private(uri: str) -> None:
    """Create the file of an SQLite database if it is missing, so that only its owner can read it."""
    file = sqlite_file(uri)
    if file is None:
        return
    try:
        os.close(os.open(file, os.O_CREAT, 0o600))
    except OSError as error:
        raise Invalid(f"the database {file} cannot be opened: {error.strerror}; check `uri`") from error


def is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def empty_log(engine: Engine) -> bool:
    """Carry the write-ahead log of an SQLite database over and empty it; tell whether no reader was in the way."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        is_busy, *_ = cursor.fetchone() or (True,)
        cursor.close()
        return not is_busy
    finally:
        connection.close()


def _sqlite_engine(url: URL) -> Engine:
    pool = POOL if sqlite_file(str(url)) else {}
    arguments = {"check_same_thread": False, "timeout": BUSY_MILLISECONDS / 1000}
    engine = create_engine(url, connect_args=arguments, **pool, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        raw: Any = connection
        raw.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        # Deleted rows are overwritten, so that what was erased cannot be read from the file.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that will write takes the write lock at once: upgrading later can fail with "locked".
        immediate = connection.get_execution_options().get(IMMEDIATE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
