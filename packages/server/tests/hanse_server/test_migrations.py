"""The tables of the database: made by migrations, equal to the models, never somebody else's."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect

from hanse_core.errors import Invalid, Unavailable
from hanse_server import main, migrations  # main brings the tables of all slices
from hanse_server.settings import Settings
from hanse_server.transfer import v4
from hanse_web.db import Base, make_engine


def test_the_migrations_lead_to_exactly_the_tables_of_the_models(sqlite_engine: Engine) -> None:
    migrations.upgrade(sqlite_engine)
    with sqlite_engine.connect() as connection:
        options = {"version_table": migrations.VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        drift = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    assert drift == [], "write the next version with `python -m hanse_server.migrations`"


def test_the_tables_that_migrations_make_are_those_that_the_models_make(sqlite_engine: Engine, tmp_path: Path) -> None:
    """What the comparison above does not see: cascades, checks, and ids that are never given out twice."""
    migrations.upgrade(sqlite_engine)
    direct = make_engine(f"sqlite:///{tmp_path}/direct.sqlite")
    Base.metadata.create_all(direct)
    for name in Base.metadata.tables:
        assert _described(sqlite_engine, name) == _described(direct, name)
    direct.dispose()


def _described(engine: Engine, table: str) -> dict[str, Any]:
    found = inspect(engine)
    with engine.connect() as connection:
        sql = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).scalar_one()
        of_table = "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? ORDER BY name"
        indexes = connection.exec_driver_sql(of_table, (table,)).scalars().all()
    return {
        "foreign keys": sorted(map(str, found.get_foreign_keys(table))),
        "indexes": indexes,
        "unique": sorted(map(str, found.get_unique_constraints(table))),
        "autoincrement": "AUTOINCREMENT" in sql,
    }


def test_every_foreign_key_is_indexed() -> None:
    for table in Base.metadata.tables.values():
        leading = {next(iter(index.columns)).name for index in table.indexes}
        primary = next(iter(table.primary_key.columns)).name
        unindexed = {key.parent.name for key in table.foreign_keys} - leading - {primary}
        assert unindexed == set(), table.name


def test_upgrading_twice_changes_nothing(sqlite_engine: Engine) -> None:
    assert migrations.current(sqlite_engine) is None
    migrations.upgrade(sqlite_engine)
    migrations.upgrade(sqlite_engine)
    assert migrations.current(sqlite_engine) == migrations.head()


def test_a_foreign_database_is_refused_and_left_alone(sqlite_path: Path, sqlite_engine: Engine) -> None:
    with sqlite3.connect(sqlite_path) as connection:
        connection.execute("CREATE TABLE patients (name TEXT)")
    connection.close()
    with pytest.raises(Invalid, match="not a Hanse server's"):
        main.prepare(Settings(uri=f"sqlite:///{sqlite_path}"))
    assert inspect(sqlite_engine).get_table_names() == ["patients"]


def test_a_database_of_a_v4_server_is_refused_naming_the_import(sqlite_path: Path, sqlite_engine: Engine) -> None:
    with sqlite_engine.begin() as connection:
        v4.metadata.create_all(connection)
    with pytest.raises(Invalid, match="hanse server import"):
        main.prepare(Settings(uri=f"sqlite:///{sqlite_path}"))


def test_a_database_of_a_newer_version_is_refused(sqlite_path: Path, sqlite_engine: Engine) -> None:
    migrations.upgrade(sqlite_engine)
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(Invalid, match="newer Hanse"):
        main.prepare(Settings(uri=f"sqlite:///{sqlite_path}"))


def test_a_file_that_is_no_database_is_refused(sqlite_path: Path) -> None:
    sqlite_path.write_text("this is not a database, but it is long enough to look at" * 100)
    with pytest.raises(Unavailable, match="cannot be opened"):
        main.prepare(Settings(uri=f"sqlite:///{sqlite_path}"))


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="nowhere"):
        main.prepare(Settings(uri=f"sqlite:///{tmp_path}/nowhere/server.sqlite"))


def test_the_database_is_for_its_owner_only(sqlite_path: Path) -> None:
    main.prepare(Settings(uri=f"sqlite:///{sqlite_path}", root_password="Some-password-1"))  # type: ignore[arg-type]
    assert sqlite_path.stat().st_mode & 0o077 == 0


def test_migrate_tells_from_where_to_where(sqlite_path: Path) -> None:
    settings = Settings(uri=f"sqlite:///{sqlite_path}")
    assert main.migrate(settings) == (None, migrations.head())
    assert main.migrate(settings) == (migrations.head(), migrations.head())
