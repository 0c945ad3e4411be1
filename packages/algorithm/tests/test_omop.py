"""Databases in the Common Data Model are asked in OHDSI's SQL."""

from __future__ import annotations

import sqlite3
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from hanse_algorithm import federated, guards
from hanse_algorithm.contract import Contract, Database
from hanse_algorithm.data import read, tables
from hanse_algorithm.errors import DataError
from hanse_algorithm.omop import Cdm
from hanse_algorithm.registry import method_of
from hanse_algorithm.testing import simulate

PERSONS = [(1, 1950, "it's 10:30 @noon"), (2, 1960, "100%"), (3, 1970, "")]
TABLE = "person (person_id integer, year_of_birth integer, note text)"
QUERY = "select person_id, note from @cdm_database_schema.person where year_of_birth < @year order by 1"


@federated
def born_before(cdm: Cdm, year: int) -> int:
    return guards.minimum_count(len(cdm.query(QUERY, year=year)))


def described(uri: object, **parameters: str) -> Database:
    """Describe one as a run finds it in its environment, where v4's nodes write it too."""
    variables = {
        "USER_REQUESTED_DATABASE_LABELS": "cdm", "CDM_DATABASE_URI": str(uri), "CDM_DATABASE_TYPE": "omop",
        **{f"CDM_DB_PARAM_{name.upper()}": value for name, value in parameters.items()},
    }  # fmt: skip
    return Contract(variables).databases()[0]


@pytest.fixture
def postgresql(postgres: str) -> Iterator[Database]:
    server = f"{postgres.rpartition('/')[0]}/postgres"
    schema, user = f"cdm_{uuid.uuid4().hex}", f"u{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create schema {schema}")
        connection.execute(f"create table {schema}.{TABLE}")
        connection.cursor().executemany(f"insert into {schema}.person values (%s, %s, %s)", PERSONS)
        connection.execute(f"create user {user}")
        connection.execute(f"grant usage on schema {schema} to {user}")
        connection.execute(f"grant select on {schema}.person to {user}")
        place = server.partition("@")[2]
        yield described(f"jdbc:postgresql://{place}", user=user, password="p@ss", cdm_schema=schema, dbms="postgresql")
        connection.execute(f"drop schema {schema} cascade")
        connection.execute(f"drop user {user}")


@pytest.fixture
def file(tmp_path: Path) -> Database:
    path = tmp_path / "100% eunomia.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"create table {TABLE}")
        connection.executemany("insert into person values (?, ?, ?)", PERSONS)
        connection.commit()
    return described(path, cdm_schema="main")


@pytest.mark.needs("postgres")
def test_postgresql_is_asked_as_the_user_and_in_the_schema_that_the_station_names(postgresql: Database) -> None:
    (cdm,) = tables(method_of(born_before), [postgresql]).values()
    assert cdm.query(QUERY, year=1965).to_dict("list") == {"person_id": [1, 2], "note": [PERSONS[0][2], "100%"]}
    who = cdm.query("select current_user::text as WHO, '10:30 @noon'::text as at, '5%' as part")
    asked = postgresql.parameters["user"]
    assert who.to_dict("records") == [{"who": asked, "at": "10:30 @noon", "part": "5%"}]
    with cdm.connect() as connection:
        assert connection.exec_driver_sql("select 1").scalar() == 1
    assert "p@ss" not in repr(cdm)


def test_a_value_never_becomes_part_of_the_statement(file: Database) -> None:
    cdm = read("omop", file)
    for value in ("' or 1=1 --", PERSONS[0][2], "@cdm_database_schema"):
        found = cdm.query("select person_id from @cdm_database_schema.person where note = @note", note=value)
        assert list(found["person_id"]) == [each[0] for each in PERSONS if each[2] == value]


def test_a_file_is_opened_read_only(file: Database) -> None:
    with read("omop", file).connect() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.exec_driver_sql("delete from person")


def test_what_the_query_names_and_nobody_gives_is_named(file: Database) -> None:
    with pytest.raises(DataError, match="names @year, and no value is given"):
        read("omop", file).query(QUERY)
    with pytest.raises(DataError, match="does not say which schema is @results_database_schema"):
        read("omop", file).query("select * from @results_database_schema.cohort")


def test_an_algorithm_is_tried_on_files(file: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(guards.MINIMUM_COUNT, "1")
    assert simulate(born_before, {"north": Cdm(file.uri, cdm_schema="main")}, year=1965) == {"north": 2}


def test_other_data_is_no_cdm_and_an_image_without_the_library_is_told_what_to_install(
    file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="'cdm' has the type 'csv'; readable are: omop"):
        read("omop", file._replace(type="csv"))
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(DataError, match=r"install hanse-algorithm\[omop\] in the image"):
        read("omop", file)


def test_a_run_reads_the_database_that_the_node_describes(container: Any, file: Database) -> None:
    container.module(
        "from hanse_algorithm import federated\nfrom hanse_algorithm.omop import Cdm\n\n"
        "@federated\ndef count(cdm: Cdm) -> int:\n"
        "    return int(cdm.query('select count(*) as N from @cdm_database_schema.person')['n'][0])\n"
    )
    container.database("cdm", file.uri, "omop", db_param_cdm_schema="main")
    assert container.run({"method": "count"}).result == 3


def test_data_of_another_type_is_handed_over_untouched() -> None:
    variables = {"USER_REQUESTED_DATABASE_LABELS": "x", "X_DATABASE_URI": "vendor:a?b=%20", "X_DATABASE_TYPE": "other"}
    (given,) = Contract({**variables, "X_DB_PARAM_KEY": "NBUQ!!!!"}).databases()
    assert (given.uri, given.type, given.parameters) == ("vendor:a?b=%20", "other", {"key": "hi"})
