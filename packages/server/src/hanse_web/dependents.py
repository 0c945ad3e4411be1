"""What hangs on a row: found by the foreign keys, so that no slice need know the tables above it."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Table, delete, func, select
from sqlalchemy.orm import Session

from hanse_web.db import Base

VANISHES = {"vanishes": True}
"""The `info` of a table whose rows nobody would miss: they go with what they refer to, without being asked about."""


def count_dependents(session: Session, target: Table, key: int) -> dict[str, int]:
    """Count the objects that refer to a row, by the name of their table; memberships do not count."""
    counts: dict[str, int] = {}
    for column in _references(target):
        found = session.scalar(select(func.count()).where(column == key)) or 0
        if found:
            counts[column.table.name] = counts.get(column.table.name, 0) + found
    return counts


def delete_dependents(session: Session, target: Table, key: int) -> None:
    """Delete the objects that refer to a row; what refers to them goes by the cascades of the database."""
    for column in _references(target):
        identity = column.table.primary_key.columns[0]
        root = _root(identity)
        ids = select(identity).where(column == key)
        session.execute(delete(root.table).where(root.in_(ids)))


def _references(target: Table) -> Iterator[Column[Any]]:
    for table in Base.metadata.sorted_tables:
        if len(table.primary_key.columns) != 1 or table.info == VANISHES:
            continue
        for foreign in table.foreign_keys:
            if foreign.column.table is target and not foreign.parent.primary_key:
                yield foreign.parent


def _root(identity: Column[Any]) -> Column[Any]:
    """Follow joined inheritance: a row is deleted where its identity begins."""
    while identity.foreign_keys:
        identity = next(iter(identity.foreign_keys)).column
    return identity
