"""The database: one engine, tables with UTC times, and SQLite set up to be safe; PostgreSQL has a module of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Engine,
    FromClause,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
    create_engine,
    event,
)
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from hanse_core.errors import Invalid, Unavailable
from hanse_web.postgres import postgres_engine

BUSY_MILLISECONDS = 10_000
CHECKPOINT_MILLISECONDS = 100
POOL: dict[str, Any] = {"pool_size": 24, "max_overflow": 16}
"""Connections: those of the units of work (`work.AT_ONCE`), and some for background jobs."""
IMMEDIATE = "hanse_immediate"


class Base(DeclarativeBase):
    """All tables; constraint names are fixed so that migrations can name them."""

    # Both databases count to the same number: what is beyond it is refused alike, not found or overflown by chance.
    type_annotation_map = {int: BigInteger().with_variant(Integer(), "sqlite")}
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


class json_lists(FunctionElement[str]):  # noqa: N801  (it reads as a function of SQL)
    """Gather the rows of a group, each as a list of its columns, into one text of JSON; NULL or `[]` without rows."""

    name = "json_lists"
    type = Text()
    inherit_cache = True


@compiles(json_lists, "sqlite")
def _lists_on_sqlite(element: json_lists, compiler: SQLCompiler, **more: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **more)}))"


@compiles(json_lists, "postgresql")
def _lists_on_postgresql(element: json_lists, compiler: SQLCompiler, **more: Any) -> str:
    return f"CAST(json_agg(json_build_array({compiler.process(element.clauses, **more)})) AS TEXT)"


class matches(FunctionElement[bool]):  # noqa: N801  (it reads as a function of SQL)
    """Compare a text with an SQL LIKE pattern, whatever the case of letters (on SQLite, of a to z only)."""

    name = "matches"
    type = Boolean()
    inherit_cache = True


@compiles(matches, "sqlite")
def _matches_on_sqlite(element: matches, compiler: SQLCompiler, **more: Any) -> str:
    text, pattern = (compiler.process(part, **more) for part in element.clauses)
    return f"{text} LIKE {pattern} ESCAPE '\\'"


@compiles(matches, "postgresql")
def _matches_on_postgresql(element: matches, compiler: SQLCompiler, **more: Any) -> str:
    # Without ESCAPE, which says what is so already, and hides the pattern from an index.
    text, pattern = (compiler.process(part, **more) for part in element.clauses)
    return f"{text} ILIKE {pattern}"


def wire_time(moment: datetime | None) -> str | None:
    """Write a time as the v4 wire does: ISO 8601 in UTC without an offset."""
    if moment is None:
        return None
    moment = moment if moment.tzinfo is UTC else moment.astimezone(UTC)  # those of the database are in it already
    return moment.replace(tzinfo=None).isoformat()


def make_engine(uri: str) -> Engine:
    """Open the database; SQLite gets write-ahead logging, foreign keys and explicit transactions."""
    url = parsed(uri)
    if url.get_backend_name() == "sqlite":
        engine = _sqlite_engine(url)
    elif url.get_backend_name() in ("postgresql", "postgres"):  # the short one is in addresses that others write
        engine = postgres_engine(url, POOL)
    else:
        raise Invalid(
            f"`uri` names {url.get_backend_name()}, which Hanse cannot use; it takes sqlite:/// or postgresql://"
        )
    event.listen(engine, "before_cursor_execute", _refuse_nul)
    return engine


def _refuse_nul(_: Any, __: Any, ___: str, parameters: Any, *____: Any) -> None:
    """Refuse what PostgreSQL has no place for, on every database and wherever in a request it came from."""
    for row in parameters if isinstance(parameters, list) else [parameters]:
        for value in row.values() if isinstance(row, dict) else row or ():
            if isinstance(value, str) and "\0" in value:
                raise Invalid("the request holds a text with the character NUL, which cannot be stored")


def parsed(uri: str) -> URL:
    """Read the address of a database. Raises `Invalid`, which tells how one looks."""
    try:
        return make_url(uri)
    except (ArgumentError, ValueError) as error:
        # Not its text: where a password is misread as something else, it is not to be shown.
        raise Invalid(
            "`uri` is not the address of a database; it looks like sqlite:////var/lib/hanse/server.sqlite "
            "or postgresql://user:password@host:5432/database (special characters in the password as %XX)"
        ) from error


def sqlite_file(uri: str) -> Path | None:
    """Give the file of an SQLite database; None for one in memory and for other databases."""
    url = parsed(uri)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database)


def require_kept(uri: str) -> None:
    """Refuse an SQLite database in memory, which would be another one for each who opens it."""
    if sqlite_file(uri) is None and parsed(uri).get_backend_name() == "sqlite":
        raise Invalid("`uri` names no file; it looks like sqlite:////var/lib/hanse/server.sqlite, with four slashes")


def create_private(uri: str) -> None:
    """Create the file of an SQLite database if it is missing, so that only its owner can read it."""
    require_kept(uri)
    file = sqlite_file(uri)
    if file is None:
        return
    try:
        os.close(os.open(file, os.O_CREAT, 0o600))
    except OSError as error:
        raise Invalid(f"the database {file} cannot be opened: {error.strerror}; check `uri`") from error


def reason(error: Exception) -> str:
    """Give what a database says of an error, without the rows that PostgreSQL shows along with it."""
    original = getattr(error, "orig", None) or error
    diagnosis = getattr(original, "diag", None)
    text = getattr(diagnosis, "message_primary", None) or str(original)
    named = getattr(diagnosis, "constraint_name", None)
    return f"{text.splitlines()[0]} ({named})" if named and named not in text else text


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """Open a connection. Raises `Unavailable` where the database cannot be opened, naming it."""
    try:
        connection = engine.connect()
    except DatabaseError as error:
        where = engine.url.render_as_string(hide_password=True)
        raise Unavailable(f"the database {where} cannot be opened ({reason(error)}); check its address") from error
    with connection:
        yield connection


def is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def reading(engine: Engine) -> Engine:
    """Give the same engine for those who only read.

    On PostgreSQL each statement stands for itself: a transaction would show the same (it is READ COMMITTED), and cost
    two round trips. SQLite has no round trips, and shows one state of the database for a whole transaction."""
    return engine if is_sqlite(engine) else engine.execution_options(isolation_level="AUTOCOMMIT")


def single_writes(engine: Engine) -> Engine:
    """Give the same engine for transactions of one statement, which need no round trips to begin and end it."""
    return engine.execution_options(**{IMMEDIATE: True}) if is_sqlite(engine) else reading(engine)


def empty_log(engine: Engine) -> bool:
    """Carry the write-ahead log of an SQLite database over and empty it; tell whether no reader was in the way."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        # While it waits for readers, nobody writes: so it waits only briefly, and is tried again.
        cursor.execute(f"PRAGMA busy_timeout={CHECKPOINT_MILLISECONDS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_busy, *_ = cursor.fetchone() or (True,)
        finally:
            cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
            cursor.close()
        return not is_busy
    finally:
        connection.close()


class _Hinted(SQLiteCompiler):
    """Writes hints (`INDEXED BY`, `NOT INDEXED`), which the library knows for other databases only."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        return text


def _sqlite_engine(url: URL) -> Engine:
    pool = POOL if sqlite_file(str(url)) else {}
    arguments = {"check_same_thread": False, "timeout": BUSY_MILLISECONDS / 1000}
    engine = create_engine(url, connect_args=arguments, **pool, hide_parameters=True)
    engine.dialect.statement_compiler = _Hinted

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
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
