"""Opening the databases between which a transfer runs: the old one only to read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, func, inspect, select, text

from hanse_core.errors import Conflict, Invalid
from hanse_server import migrations
from hanse_server.accounts.models import Identity, Organization
from hanse_server.transfer import v4
from hanse_server.transfer.moments import require_times
from hanse_web.db import IMMEDIATE, connected, create_private, make_engine, parsed, sqlite_file


@contextmanager
def old(uri: str) -> Iterator[Connection]:
    """Open the database of a v4 server in one read-only transaction, so that it is seen as of one moment."""
    engine = _plain_engine(uri, read_only=True)
    try:
        with connected(engine) as connection:
            _be_patient(connection)
            v4.require_v4(connection)
            require_times(connection)
            yield connection
    finally:
        engine.dispose()


@contextmanager
def empty(uri: str) -> Iterator[Connection]:
    """Open a database of ours that holds nothing yet, and keep all that is written, or nothing."""
    create_private(uri)
    engine = make_engine(uri)
    try:
        migrations.upgrade(engine)
        with engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
            _be_patient(connection)
            _require_empty(connection)
            yield connection
    finally:
        engine.dispose()


@contextmanager
def ours(uri: str) -> Iterator[Connection]:
    """Open a database of ours to read it as of one moment."""
    file = sqlite_file(uri)
    if file is not None and not file.exists():
        raise Invalid(f"the database {file} does not exist; check --database, or `uri` in the configuration")
    engine = make_engine(uri)
    try:
        migrations.require_current(engine)
        options: dict[str, Any] = {} if file else {"isolation_level": "REPEATABLE READ"}
        with engine.execution_options(**options).connect() as connection:
            _be_patient(connection)
            yield connection
    finally:
        engine.dispose()


@contextmanager
def new_v4(uri: str) -> Iterator[Connection]:
    """Make the tables of a v4 database where there is nothing yet."""
    create_private(uri)
    engine = _plain_engine(uri, read_only=False)
    try:
        with connected(engine) as connection, connection.begin():
            if inspect(connection).get_table_names():
                where = engine.url.render_as_string(hide_password=True)
                raise Conflict(f"the database {where} holds tables already, and was not touched; name an empty one")
            _be_patient(connection)
            v4.metadata.create_all(connection)
            yield connection
    finally:
        engine.dispose()


def _plain_engine(uri: str, *, read_only: bool) -> Engine:
    url = parsed(uri)
    if url.get_backend_name() != "sqlite":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if read_only else {}
        return make_engine(uri).execution_options(**options)
    file = Path(url.database or "")
    if not file.is_file():
        raise Invalid(f"the database {file} does not exist")
    # Not our own kind of engine: that one would change the file, to write-ahead logging.
    mode = "ro" if read_only else "rw"
    address = f"sqlite:///file:{file.absolute()}?mode={mode}&uri=true"
    return create_engine(address, hide_parameters=True)


def _be_patient(connection: Connection) -> None:
    """Lift the limits that keep a request from holding up others: a transfer may take its time."""
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {limit} = 0"))


def _require_empty(connection: Connection) -> None:
    for model in (Organization, Identity):
        if connection.execute(select(func.count()).select_from(model)).scalar_one():
            where = connection.engine.url.render_as_string(hide_password=True)
            raise Conflict(
                f"the database {where} holds organizations or users already: ids of two servers cannot be kept in one; "
                "give an empty one with --database"
            )
