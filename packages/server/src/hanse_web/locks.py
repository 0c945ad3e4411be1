"""What has to happen one after the other, and SQLite gives for nothing: it has one writer.

PostgreSQL has many. Code that decides by what it has read locks that first: rows with `with_for_update`
(which SQLite leaves out), what is no row with `claim`. Several rows are locked in the order of their ids.
"""

import hashlib

from sqlalchemy import Connection, Table, cast, func, select
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.orm import Session


def claim(session: Session | Connection, *names: str | int) -> None:
    """Have this transaction be the only one that holds this name, until it ends; others wait for it."""
    connection = session.connection() if isinstance(session, Session) else session
    if connection.dialect.name == "sqlite":
        return
    # Two names with one number only wait for each other in vain.
    digest = hashlib.blake2b("/".join(map(str, names)).encode(), digest_size=8).digest()
    connection.execute(select(func.pg_advisory_xact_lock(int.from_bytes(digest, signed=True))))


def advance_sequences(session: Session, *tables: Table) -> None:
    """Have the next ids come after all that exist, when rows were stored with ids of their own."""
    if session.connection().dialect.name == "sqlite":
        return
    for table in tables:
        key = next(iter(table.primary_key.columns))
        sequence = func.pg_get_serial_sequence(table.name, key.name)
        highest = select(func.max(key)).scalar_subquery()
        # Only forwards: an id is never given out twice, also not that of the newest row when it was deleted.
        last = func.coalesce(func.pg_sequence_last_value(cast(sequence, REGCLASS)), 0)
        session.execute(select(func.setval(sequence, highest)).where(highest > last))
