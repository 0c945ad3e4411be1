"""What the database itself keeps in step, in the transaction that changes something: the status and number of tasks.

Triggers, because nothing passes them by: not a cascade that begins three tables away, not an import, not a hand in
the database. Their names carry a digest of their text, so that a start sees whether they are those of this version.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Select,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)

from hanse_server.tasks.models import Task, TaskCount
from hanse_server.tasks.queries import derived_end, derived_status

PREFIX = "hanse_kept_"
_KEYS: Mapping[str, str] = {
    "collaboration_id": "{row}.collaboration_id",
    "study_id": "COALESCE({row}.study_id, 0)",
    "init_org_id": "COALESCE({row}.init_org_id, 0)",
    "init_user_id": "COALESCE({row}.init_user_id, 0)",
    "is_user_created": "CASE WHEN {row}.parent_id IS NULL THEN 1 ELSE 0 END",
}
_CHANGES = "collaboration_id, study_id, init_org_id, init_user_id, parent_id"


def is_current(connection: Connection) -> bool:
    """Tell whether the triggers of a database are those of this version."""
    return _present(connection) == set(_definitions(connection.dialect))


def remove(connection: Connection) -> None:
    """Take the triggers away, whichever version they are of: before tables change, which some of them name."""
    is_sqlite = connection.dialect.name == "sqlite"
    for name in sorted(_present(connection)):
        connection.execute(text(f"DROP TRIGGER {name}" if is_sqlite else f"DROP FUNCTION {name}() CASCADE"))


def install(connection: Connection) -> None:
    """Make the triggers of this version, and bring what they keep in step."""
    for statements in _definitions(connection.dialect).values():
        for statement in statements:
            connection.execute(text(statement))
    repair(connection)


def differences(connection: Connection) -> int:
    """Count the tasks whose stored status is not that of their runs, and the kinds whose number is not right."""
    _settle(connection)
    tasks = connection.execute(select(func.count()).select_from(Task).where(_is_wrong())).scalar_one()
    stored = select(*(getattr(TaskCount, key) for key in _KEYS), TaskCount.total)
    wrong = _rows(connection, stored) ^ _rows(connection, _counted())
    return tasks + len({row[:-1] for row in wrong})


def repair(connection: Connection) -> None:
    """Derive everything anew that the triggers keep."""
    _settle(connection)
    connection.execute(update(Task).where(_is_wrong()).values(status=derived_status(), finished_at=derived_end()))
    connection.execute(delete(TaskCount))
    connection.execute(insert(TaskCount).from_select([*_KEYS, "total"], _counted()))


def _rows(connection: Connection, statement: Select[Any]) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in connection.execute(statement)}


def _is_wrong() -> ColumnElement[bool]:
    return (Task.status != derived_status()) | Task.finished_at.is_distinct_from(derived_end())


def _counted() -> Select[Any]:
    keys: list[ColumnElement[Any]] = [literal_column(key.format(row="task")) for key in _KEYS.values()]
    return select(*keys, func.count()).select_from(Task).group_by(*keys)


def _present(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE :ours"
    else:
        here = "pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
        names = f"SELECT proname FROM pg_proc WHERE {here} AND proname LIKE :ours"  # noqa: S608  (its part is from above)
    return set(connection.execute(text(names), {"ours": f"{PREFIX}%"}).scalars())


def _definitions(dialect: Dialect) -> Mapping[str, list[str]]:
    """Give the statements that make each trigger, by its name."""
    made = {}
    for what, event, table, body in _triggers(dialect):
        unnamed = _statements(dialect, "", f"AFTER {event} ON {table}", body)
        name = f"{PREFIX}{what}_{hashlib.sha256(repr(unnamed).encode()).hexdigest()[:8]}"
        made[name] = _statements(dialect, name, f"AFTER {event} ON {table}", body)
    return made


def _statements(dialect: Dialect, name: str, occasion: str, body: str) -> list[str]:
    if dialect.name == "sqlite":
        return [f"CREATE TRIGGER {name} {occasion} FOR EACH ROW BEGIN {body} END"]
    # Numbers are written when the transaction commits: until then whoever makes the next task would wait for their row.
    kind, when = (
        ("TRIGGER", "") if "task_count" not in body else ("CONSTRAINT TRIGGER", "DEFERRABLE INITIALLY DEFERRED")
    )
    return [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$",
        f"CREATE {kind} {name} {occasion} {when} FOR EACH ROW EXECUTE FUNCTION {name}()",
    ]


def _settle(connection: Connection) -> None:
    """Have the database write what it would write when the transaction commits."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


def _triggers(dialect: Dialect) -> Iterator[tuple[str, str, str, str]]:
    """Give name, event, table and body of each trigger."""
    yield "run_added", "INSERT", "run", _settling(dialect, "NEW")
    yield "run_moved", "UPDATE OF status, finished_at", "run", _settling(dialect, "NEW")
    yield "run_removed", "DELETE", "run", _settling(dialect, "OLD")
    yield "task_added", "INSERT", "task", _more("NEW")
    yield "task_changed", f"UPDATE OF {_CHANGES}", "task", _less("OLD") + _more("NEW")
    yield "task_removed", "DELETE", "task", _less("OLD")


def _settling(dialect: Dialect, row: str) -> str:
    is_task = Task.id == literal_column(f"{row}.task_id")
    settled = update(Task).where(is_task).values(status=derived_status(), finished_at=derived_end())
    body = f"{settled.compile(dialect=dialect, compile_kwargs={'literal_binds': True})};"
    if dialect.name == "sqlite":
        return body
    # Of two that move runs of one task at once, the second must look at the runs after the first has committed.
    return f"PERFORM 1 FROM task WHERE id = {row}.task_id FOR NO KEY UPDATE; {body}"


def _more(row: str) -> str:
    keys, values = ", ".join(_KEYS), ", ".join(value.format(row=row) for value in _KEYS.values())
    counted = f"INSERT INTO task_count ({keys}, total) VALUES ({values}, 1)"  # noqa: S608  (its parts are from above)
    return f"{counted} ON CONFLICT ({keys}) DO UPDATE SET total = task_count.total + 1;"


def _less(row: str) -> str:
    same = " AND ".join(f"{key} = {value.format(row=row)}" for key, value in _KEYS.items())
    counted = f"UPDATE task_count SET total = total - 1 WHERE {same};"  # noqa: S608
    return f"{counted} DELETE FROM task_count WHERE {same} AND total = 0;"  # noqa: S608
