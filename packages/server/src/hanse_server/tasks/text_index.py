"""The index by which PostgreSQL finds tasks by parts of their texts; SQLite reads all names, in an index of its own."""

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

EXTENSION = "CREATE EXTENSION pg_trgm"
INDEX = "ix_task_texts"
_COLUMNS = "name gin_trgm_ops, image gin_trgm_ops, description gin_trgm_ops"


def install(connection: Connection) -> None:
    """Make the index where the database has the means, an extension that comes with most installations."""
    if is_missing(connection) and _has_extension(connection):
        connection.exec_driver_sql(f"CREATE INDEX {INDEX} ON task USING gin ({_COLUMNS})")


def is_missing(connection: Connection) -> bool:
    """Tell whether texts are searched without help."""
    if connection.dialect.name == "sqlite":
        return False
    return connection.exec_driver_sql(f"SELECT to_regclass('{INDEX}')").scalar() is None


def _has_extension(connection: Connection) -> bool:
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(EXTENSION.replace("EXTENSION", "EXTENSION IF NOT EXISTS"))
    except DBAPIError:  # not installed on that machine, or not allowed to this role
        return False
    return True
