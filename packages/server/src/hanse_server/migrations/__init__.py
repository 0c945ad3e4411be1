"""From one version of the tables to the next.

After a change of the tables: `python -m hanse_server.migrations "what changed"` writes the next version.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, column, inspect, select, table

from hanse_core.errors import Invalid
from hanse_server.tasks import kept, text_index
from hanse_web.db import IMMEDIATE, connected, is_sqlite
from hanse_web.locks import claim

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS = Path(__file__).parent / "versions"
VERSION_TABLE = "hanse_server_version"
V4_TABLES = frozenset({"organization", "collaboration", "authenticatable"})
"""By which the database of a v4 server is recognized."""


def config(connection: Connection | None = None) -> "Config":
    """Configure Alembic for this folder, without a file."""
    from alembic.config import Config  # only where tables change: it takes 10 MB

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def head() -> str:
    """Give the version of the tables that this code needs."""
    return max(_known())


def current(engine: Engine) -> str | None:
    """Give the version of the tables in a database, None for an empty one. Raises `Invalid` for a foreign one."""
    with connected(engine) as connection:
        tables = inspect(connection).get_table_names()
        stored = table(VERSION_TABLE, column("version_num"))
        version: str | None = connection.scalar(select(stored)) if VERSION_TABLE in tables else None
    where = engine.url.render_as_string(hide_password=True)
    if version is None and set(tables) - {VERSION_TABLE}:
        raise Invalid(f"the database {where} {_foreign(set(tables))}")
    if version is not None and version not in _known():
        raise Invalid(
            f"the database {where} was made by a newer Hanse (its tables have version {version}, "
            f"this one knows up to {head()}); install that version of hanse-server, or restore an older copy"
        )
    return version


def require_startable(engine: Engine) -> None:
    """Refuse a database on which this version cannot run; one that is empty, and SQLite's, a start brings up to date."""
    version = current(engine)
    if version is not None and not is_sqlite(engine) and not is_current(engine):
        raise Invalid(
            f"the tables of the database have version {version}, this Hanse needs {head()}; "
            "make a backup, then run `hanse server migrate`"
        )


def require_current(engine: Engine) -> None:
    """Refuse a database whose tables are not of this version."""
    if (version := current(engine)) != head():
        raise Invalid(
            f"the tables of the database have version {version or 'none'}, this Hanse needs {head()}; "
            "run `hanse server migrate`"
        )


def upgrade(engine: Engine) -> None:
    """Bring the tables to this version, all or nothing; of several processes at once the first does it."""
    if is_current(engine):
        return
    from alembic import command

    with _without_foreign_keys(engine) as connection, connection.begin():
        if not is_sqlite(engine):
            # A change of large tables takes its time, and whoever waits for it waits as long.
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
            claim(connection, "migrate")
        kept.remove(connection)
        command.upgrade(config(connection), "head")
        kept.install(connection)
        text_index.install(connection)


def repair(engine: Engine) -> None:
    """Make what is missing, and derive anew what the database keeps by itself (somebody switched triggers off)."""
    with engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
        text_index.install(connection)
        if kept.differences(connection):
            kept.repair(connection)


def is_current(engine: Engine) -> bool:
    """Tell whether tables and triggers are those of this version."""
    if current(engine) != head():
        return False
    with engine.connect() as connection:
        return kept.is_current(connection)


def _foreign(tables: set[str]) -> str:
    if tables >= V4_TABLES:
        return (
            "is that of a vantage6 v4 server, which is left alone; set `uri` to a database of its own, "
            "and bring the content over with `hanse server import`"
        )
    return "holds tables that are not a Hanse server's; set `uri` to another one"


def _known() -> set[str]:
    return {file.name.partition("_")[0] for file in VERSIONS.glob("[0-9]*.py")}


@contextmanager
def _without_foreign_keys(engine: Engine) -> Iterator[Connection]:
    """SQLite changes a table by copying it and dropping the old one, which must not cascade."""
    with engine.execution_options(**{IMMEDIATE: True}).connect() as connection:
        raw = connection.connection.driver_connection
        if not is_sqlite(engine) or raw is None:
            yield connection
            return
        raw.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            raw.execute("PRAGMA foreign_keys=ON")
