"""Rows from one database to another, a few at a time."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, Table, func, insert, select, text

Row = Any
Convert = Callable[[Row], Mapping[str, Any] | None]
AT_ONCE = 500
LARGE_AT_ONCE = 8
"""Rows that may hold a hundred megabytes each are carried this many at a time."""


def copy(
    source: Connection,
    statement: Select[Any],
    target: Connection,
    table: Table,
    convert: Convert,
    *,
    at_once: int = AT_ONCE,
) -> int:
    """Carry what a statement selects into a table, in constant memory; gives how many rows were written.

    A row that `convert` gives nothing for is left out.
    """
    written = 0
    streamed = source.execution_options(stream_results=True, yield_per=at_once)
    for part in streamed.execute(statement).partitions():
        rows = [made for row in part if (made := convert(row)) is not None]
        if rows:
            target.execute(insert(table), rows)
            written += len(rows)
    return written


def number_of(connection: Connection, table: Table) -> int:
    """Count the rows of a table."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def highest(connection: Connection, table: Table) -> int:
    """Give the highest id of a table, 0 for an empty one."""
    return int(connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one())


def last_given(connection: Connection, table: Table) -> int:
    """Give the highest id that a table ever gave out, as far as the database remembers."""
    sequence = _sequence(connection, table)
    if sequence is None:
        return highest(connection, table)
    # The name comes from the database itself, quoted where that is needed.
    row = connection.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608
    return max(int(row.last_value) if row.is_called else 0, highest(connection, table))


def _sequence(connection: Connection, table: Table) -> str | None:
    if connection.dialect.name == "sqlite":
        return None
    quoted = connection.dialect.identifier_preparer.quote(table.name)
    found: str | None = connection.execute(select(func.pg_get_serial_sequence(quoted, "id"))).scalar_one_or_none()
    return found


def continue_after(connection: Connection, table: Table, number: int) -> None:
    """Have a table give out ids above this one and all that it holds."""
    last = max(number, highest(connection, table))
    if not last:
        return
    if connection.dialect.name == "sqlite":
        if table.dialect_options["sqlite"]["autoincrement"]:
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
            insertion = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)")
            connection.execute(insertion, {"name": table.name, "last": last})
        return
    sequence = _sequence(connection, table)
    if sequence is not None:
        connection.execute(select(func.setval(sequence, last)))
