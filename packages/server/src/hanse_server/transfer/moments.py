"""Times in a v4 database that are none: SQLite keeps whatever was written there, also by hand."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, Table, select, type_coerce
from sqlalchemy.types import NullType

from hanse_core.errors import Invalid
from hanse_server.transfer import v4
from hanse_server.transfer.report import named
from hanse_server.transfer.rows import AT_ONCE
from hanse_web.db import UtcDateTime

MOST_NAMED = 1_000
"""Wrong times that are looked for; where there are so many, something else is wrong."""


def require_times(connection: Connection) -> None:
    """Refuse a file with times that cannot be read, and name each. Other databases let none in."""
    if connection.dialect.name != "sqlite":
        return
    found = (text for table in v4.metadata.sorted_tables for text in _wrong(connection, table))
    wrong = list(islice(found, MOST_NAMED))
    if wrong:
        raise Invalid(
            f"the v4 database holds times that are none: {named(wrong)}. Make a copy, write each there as v4 does, in "
            "UTC such as '2026-01-31 12:00:00.000000', or set it to NULL, and import the copy"
        )


def _wrong(connection: Connection, table: Table) -> Iterator[str]:
    """Name the rows and columns; the values are read as they are stored, so that reading them cannot fail."""
    columns = [column for column in table.c if isinstance(column.type, UtcDateTime)]
    if not columns:
        return
    stored = [type_coerce(column, NullType()).label(column.name) for column in columns]
    statement = select(table.c.id, *stored).order_by(table.c.id)
    for row in connection.execution_options(stream_results=True, yield_per=AT_ONCE).execute(statement):
        for column, value in zip(columns, row[1:], strict=True):
            if value is not None and not _is_time(value):
                yield f"table {table.name}, row id {row.id}, column {column.name} ({str(value)[:40]!r})"


def _is_time(value: object) -> bool:
    """Tell whether this is a time in UTC, as the import would understand it."""
    if not isinstance(value, str):
        return False
    try:
        offset = datetime.fromisoformat(value).utcoffset()
    except ValueError:
        return False
    return not offset
