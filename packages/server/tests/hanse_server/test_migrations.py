"""The tables of the database: made by migrations, equal to the models, never somebody else's."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect

from hanse_core.errors import Invalid, Unavailable
from hanse_server import main, migrations  # main brings the tables of all slices
from hanse_server.settings import Settings
from hanse_server.tasks import kept, text_index
from hanse_server.transfer import v4
from hanse_web.db import Base, make_engine

from ..databases import Cluster

_OURS = f"n.nspname = 'public' AND c.relname NOT LIKE '{migrations.VERSION_TABLE}%%'"
_OF = "JOIN pg_class c ON c.oid = {} JOIN pg_namespace n ON n.oid = c.relnamespace WHERE " + _OURS + " ORDER BY 1, 2"
CATALOG = {
    "columns": "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,"
    " pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) ="
    " (a.attrelid, a.attnum) " + _OF.format("a.attrelid AND c.relkind = 'r' AND a.attnum > 0"),
    "constraints": "SELECT c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k "
    + _OF.format("k.conrelid"),
    "indexes": "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i " + _OF.format("i.indexrelid"),
    "sequences": "SELECT c.relname, s.seqtypid::regtype::text, s.seqstart, s.seqincrement, s.seqmax, s.seqcycle"
    " FROM pg_sequence s " + _OF.format("s.seqrelid"),
    "triggers": "SELECT c.relname, pg_get_triggerdef(t.oid) FROM pg_trigger t "
    + _OF.format("t.tgrelid AND NOT t.tgisinternal"),
}
"""What a PostgreSQL database knows of its tables, in the order of their names."""


def test_the_migrations_lead_to_exactly_the_tables_of_the_models(sqlite_engine: Engine) -> None:
    migrations.upgrade(sqlite_engine)
    with sqlite_engine.connect() as connection:
        options = {"version_table": migrations.VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        drift = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    assert drift == [], "write the next version with `python -m hanse_server.migrations`"


@pytest.mark.needs("postgres")
def test_on_postgres_the_catalogs_of_both_are_the_same(cluster: Cluster) -> None:
    """Columns and defaults, checks and cascades, sequences, expressions of indexes, and what we add to the tables."""

    def from_models(engine: Engine) -> None:
        with engine.begin() as connection:
            Base.metadata.create_all(connection)
            kept.install(connection)
            text_index.install(connection)

    migrated, direct = (_catalog(cluster, make) for make in (migrations.upgrade, from_models))
    assert migrated == direct
    assert all(migrated.values())


def _catalog(cluster: Cluster, make: Callable[[Engine], None]) -> dict[str, Any]:
    address = cluster.create()
    engine = make_engine(address)
    make(engine)
    with engine.connect() as connection:
        found = {what: connection.exec_driver_sql(query).all() for what, query in CATALOG.items()}
    engine.dispose()
    cluster.drop(address)
    return found


def test_on_sqlite_the_tables_that_migrations_make_are_those_that_the_models_make(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
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
