"""Tasks are found by parts of their texts through an index, where PostgreSQL has the means."""

import pytest
from sqlalchemy import Engine, func, select

from hanse_server import migrations
from hanse_server.checks import examine
from hanse_server.main import migrate
from hanse_server.settings import Settings
from hanse_server.tasks import text_index
from hanse_server.tasks.models import Task
from hanse_web.query import contains


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


def test_sqlite_counts_names_in_an_index_alone(sqlite_engine: Engine) -> None:
    migrations.upgrade(sqlite_engine)
    counted = select(func.count()).where(contains(Task.name, "%777%"), Task.init_user_id != 1)
    written = counted.compile(sqlite_engine, compile_kwargs={"literal_binds": True})
    with sqlite_engine.connect() as connection:
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {written}")]
    assert plan == ["SCAN task USING COVERING INDEX ix_task_name"]
