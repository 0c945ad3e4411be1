"""Tasks are found by parts of their texts through an index, where PostgreSQL has the means."""

from typing import Any

import pytest
from fastapi import Request
from sqlalchemy import ColumnElement, Engine, Select, or_, select

from hanse_core.permissions import Permissions
from hanse_server import migrations
from hanse_server.checks import examine
from hanse_server.main import migrate
from hanse_server.settings import Settings
from hanse_server.tasks import text_index
from hanse_server.tasks.models import Task
from hanse_server.tasks.task_filters import TaskFilters
from hanse_web.access import UserActor
from hanse_web.listing import Listing
from hanse_web.query import Parameters, contains

ALICE = UserActor(1, "alice", 1, frozenset(), frozenset(), Permissions(()))


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.needs("postgres"))])
def database(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.parametrize("column", ["name", "image", "description"])
def test_a_filter_by_text_uses_it(engine: Engine, column: str) -> None:
    statement = select(Task.id).where(contains(getattr(Task, column), "%number 777%"))
    written = statement.compile(engine, compile_kwargs={"literal_binds": True})
    with engine.connect() as connection:
        connection.exec_driver_sql("SET enable_seqscan = off")
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {written}".replace("%", "%%")).scalars())
    assert text_index.INDEX in plan


def test_check_names_its_absence_and_migrate_makes_it(settings: Settings, engine: Engine) -> None:
    assert not [told for told in examine(settings).warnings if "pg_trgm" in told]
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP EXTENSION pg_trgm CASCADE")
    (told,) = [told for told in examine(settings).warnings if "pg_trgm" in told]
    assert text_index.EXTENSION in told
    migrate(settings)
    assert not [told for told in examine(settings).warnings if "pg_trgm" in told]


def test_a_role_that_may_not_make_it_goes_without(settings: Settings, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP EXTENSION pg_trgm CASCADE")
        connection.exec_driver_sql("CREATE ROLE visitor")
        try:
            connection.exec_driver_sql("SET ROLE visitor")
            text_index.install(connection)
            connection.exec_driver_sql("RESET ROLE")
            assert text_index.is_missing(connection)
        finally:
            connection.rollback()


def _plan(engine: Engine, statement: Select[Any]) -> list[str]:
    written = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
    with engine.connect() as connection:
        return [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {written}")]


@pytest.mark.parametrize(
    "seen", [Task.collaboration_id.in_([1, 2]), or_(Task.init_user_id == 1, Task.init_org_id == 1)]
)
@pytest.mark.parametrize(
    ("filters", "counted"),
    [
        ("name=%777%", "SCAN task USING COVERING INDEX ix_task_name"),
        ("name=%777%&image=%777%", "SCAN task"),
        ("description=%777%", "SCAN task"),
    ],
)
def test_sqlite_searches_texts_from_the_newest_task_on(
    sqlite_engine: Engine, seen: ColumnElement[bool], filters: str, counted: str
) -> None:
    """Whatever else decides who sees a task, it would look there first, and read each task one by one."""
    migrations.upgrade(sqlite_engine)
    listing = Listing(select(Task.id).where(seen).order_by(Task.id.desc()))
    with sqlite_engine.connect() as connection:
        query = filters.replace("%", "%25").encode()
        parameters = Parameters(Request({"type": "http", "path": "/task", "headers": [], "query_string": query}))
        narrowed = TaskFilters(connection, ALICE, parameters).narrowed(listing, None)
    assert _plan(sqlite_engine, narrowed.rows.limit(10)) == ["SCAN task"]
    assert _plan(sqlite_engine, narrowed.number) == [counted]
