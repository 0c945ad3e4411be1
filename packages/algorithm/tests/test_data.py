"""Selected databases become tables; what cannot be read says why, without quoting the file."""

from __future__ import annotations

import sqlite3
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import duckdb
import pandas
import psycopg
import pytest

from hanse_algorithm import federated
from hanse_algorithm.contract import Database
from hanse_algorithm.data import _placed, read, tables
from hanse_algorithm.errors import DataError
from hanse_algorithm.guards import UnknownColumn
from hanse_algorithm.registry import method_of

if TYPE_CHECKING:
    import pandas as pd

FRAME = pandas.DataFrame({"age": [10.0, 20.0, None, 30.0], "sex": ["m", "f", "f", "m"]})


@federated
def two(left: pd.DataFrame, right: pd.DataFrame) -> int:
    return len(left)


@pytest.fixture
def csv(tmp_path: Path) -> Database:
    FRAME.to_csv(tmp_path / "d.csv", index=False)
    return Database("default", str(tmp_path / "d.csv"))


def test_a_csv_file_becomes_a_data_frame(csv: Database) -> None:
    pandas.testing.assert_frame_equal(read("pandas", csv), FRAME)


def test_a_parquet_file_becomes_a_data_frame(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "d.parquet")
    database = Database("default", str(tmp_path / "d.parquet"), "parquet")
    pandas.testing.assert_frame_equal(read("pandas", database), FRAME)


def test_a_file_with_tabs_becomes_a_data_frame(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "d.tsv", index=False, sep="\t")
    pandas.testing.assert_frame_equal(read("pandas", Database("default", str(tmp_path / "d.tsv"), "tsv")), FRAME)


def test_the_sheet_that_the_task_names_is_read_and_otherwise_the_first(tmp_path: Path) -> None:
    path = tmp_path / "d.xlsx"
    with pandas.ExcelWriter(path) as writer:
        FRAME.to_excel(writer, sheet_name="first", index=False)
        FRAME.head(2).to_excel(writer, sheet_name="second", index=False)
    database = Database("default", str(path), "excel")
    pandas.testing.assert_frame_equal(read("pandas", database), FRAME)
    assert len(read("pandas", database._replace(sheet_name="second"))) == 2


@pytest.mark.parametrize(("kind", "suffix"), [("sql", "sqlite"), ("sqlite", "any"), ("sql", "duckdb"), ("duckdb", "x")])
def test_a_database_in_a_file_answers_the_query_and_cannot_be_changed(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"100% d.{suffix}"
    library = duckdb if "duckdb" in (kind, suffix) else sqlite3
    with closing(library.connect(str(path))) as connection:
        connection.execute("create table people (age integer, sex text)")
        connection.execute("insert into people values (10, 'm'), (20, 'f')")
        connection.commit()
    database = Database("default", str(path), kind, "select age from people where sex like 'f%'")
    assert read("pandas", database).to_dict("list") == {"age": [20]}
    with pytest.raises(DataError, match=f"'default' cannot be read as {kind}"):
        read("pandas", database._replace(query="drop table people"))
    with pytest.raises(DataError, match=f"no query for database 'default', which is {kind}"):
        read("pandas", database._replace(query=None))


@pytest.fixture
def postgresql(postgres: str) -> Iterator[Database]:
    uri = f"{postgres.rpartition('/')[0]}/postgres"
    name = f"people_{uuid.uuid4().hex}"
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"create table {name} as select 20 as age, 'f' as sex union select 10, 'm'")
        yield Database("default", uri, "sql", f"select age from {name} where sex like 'f%'")
        connection.execute(f"drop table {name}")


@pytest.mark.needs("postgres")
def test_postgresql_answers_the_query_also_one_with_a_percent_sign(postgresql: Database) -> None:
    assert read("pandas", postgresql).to_dict("list") == {"age": [20]}


@pytest.mark.needs("postgres")
def test_a_database_that_cannot_be_asked_names_the_kind_of_problem_only(postgresql: Database) -> None:
    with pytest.raises(DataError, match=r"'default' cannot be read as sql \(DatabaseError\)"):
        read("pandas", postgresql._replace(query="select secret from nowhere"))
    away = postgresql._replace(uri="postgresql://reader:topsecret@127.0.0.1:1/db")
    with pytest.raises(DataError, match=r"cannot be read as sql \(OperationalError\)") as caught:
        read("pandas", away)
    assert "topsecret" not in str(caught.value)


class Endpoint(BaseHTTPRequestHandler):
    """Answers one query as a SPARQL endpoint does."""

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["query"]
        good = asked == ["SELECT ?age"] and self.headers["Accept"] == "text/csv"
        self.send_response(200 if good else 400)
        self.end_headers()
        self.wfile.write(b"age\r\n10\r\n20\r\n" if good else b"no such query")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


def test_a_sparql_endpoint_answers_the_query() -> None:
    with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        try:
            database = Database("g", f"http://127.0.0.1:{server.server_port}/sparql", "sparql", "SELECT ?age")
            assert read("pandas", database).to_dict("list") == {"age": [10, 20]}
            with pytest.raises(DataError, match=r"cannot be read as sparql \(HTTPError\)"):
                read("pandas", database._replace(query="SELECT ?name"))
        finally:
            server.shutdown()
            serving.join()
    with pytest.raises(DataError, match=r"cannot be read as sparql \(ValueError\)"):
        read("pandas", database._replace(uri="file:///etc/passwd", query="SELECT"))


@pytest.mark.parametrize(("kind", "library"), [("sql", "sqlalchemy"), ("duckdb", "duckdb")])
def test_an_image_without_what_a_database_needs_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / "d").touch()
    uri = "mysql://h/d" if kind == "sql" else str(tmp_path / "d")
    with pytest.raises(DataError, match=rf"install hanse-algorithm\[{kind}\] in the image"):
        read("pandas", Database("default", uri, kind, "select 1"))


def test_tables_are_filled_in_the_order_of_the_selection(csv: Database) -> None:
    short = csv._replace(preprocessing=(step("filter_range", column="age", min_=15),))
    filled = tables(method_of(two), [short, csv])
    assert {name: len(table) for name, table in filled.items()} == {"left": 2, "right": 4}


def test_a_database_that_the_task_binds_goes_to_that_parameter_and_the_others_in_order(csv: Database) -> None:
    first, second = (csv._replace(label=label, query=label) for label in ("first", "second"))
    names = ["left", "right"]
    assert [each.label for each in _placed(names, [first, second]).values()] == ["first", "second"]
    swapped = _placed(names, [first, second._replace(parameter="left")])
    assert {name: each.label for name, each in swapped.items()} == {"left": "second", "right": "first"}
    with pytest.raises(DataError, match=r"'middle'; the parameters are: left, right"):
        _placed(names, [first, second._replace(parameter="middle")])
    with pytest.raises(DataError, match="'right' gets none"):
        _placed(names, [first._replace(parameter="left"), second._replace(parameter="left")])


def test_too_few_databases_is_an_error_and_too_many_a_warning(
    csv: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match="no database selected; 'two' reads 2"):
        tables(method_of(two), [])
    with pytest.raises(DataError, match="'two' reads 2 databases, the task selects 1"):
        tables(method_of(two), [csv])
    tables(method_of(two), [csv, csv, csv._replace(label="third")])
    assert capsys.readouterr().out == "warn > 'two' reads 2 database(s); not used: third\n"


def test_a_missing_file_names_the_database_and_not_the_station_s_path(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="file of database 'heart' does not exist") as caught:
        read("pandas", Database("heart", str(tmp_path / "heart.csv")))
    assert str(tmp_path) not in str(caught.value)


def test_an_unknown_type_lists_the_readable_ones(csv: Database) -> None:
    with pytest.raises(
        DataError, match="database 'default' has the type 'omop'; readable are: csv, duckdb, excel, parquet"
    ):
        read("pandas", csv._replace(type="omop"))


@pytest.mark.parametrize(
    ("content", "type_", "kind"),
    [
        (b"", "csv", "EmptyDataError"),
        (b"a,b\n1,2\nAnna,2,3,4\n", "csv", "ParserError"),
        (b"a\n\xff\xfe\n", "csv", "UnicodeDecodeError"),
        (b"Anna is not parquet", "parquet", "ArrowInvalid"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_kind_of_problem_only(
    tmp_path: Path, content: bytes, type_: str, kind: str
) -> None:
    (tmp_path / "d").write_bytes(content)
    with pytest.raises(DataError, match=rf"'default' cannot be read as {type_} \({kind}\)") as caught:
        read("pandas", Database("default", str(tmp_path / "d"), type_))
    assert "Anna" not in str(caught.value)


def step(function: Any, **parameters: Any) -> dict[str, Any]:
    return {"function": function, "parameters": parameters}


@pytest.mark.parametrize(
    ("parameters", "kept"),
    [
        ({}, 4),
        ({"min_": 10}, 2),
        ({"min_": 10, "include_min": True}, 3),
        ({"max_": 30}, 2),
        ({"max_": 30, "include_max": True}, 3),
        ({"min_": 10, "max_": 30}, 1),
        ({"min_": 0, "max_": 0}, 0),
    ],
)
def test_filter_range_keeps_what_lies_between_the_bounds(csv: Database, parameters: dict[str, Any], kept: int) -> None:
    database = csv._replace(preprocessing=(step("filter_range", column="age", **parameters),))
    assert len(read("pandas", database)) == kept


def test_steps_run_one_after_the_other(csv: Database) -> None:
    steps = (
        step("filter_range", column="age", min_=10),
        {"function": "dummy_preprocess"},
        step("filter_range", column="age", max_=30),
    )
    assert list(read("pandas", csv._replace(preprocessing=steps))["age"]) == [20.0]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (step("eval"), DataError, "unknown preprocessing step 'eval' .*there are: dummy_preprocess, filter_range"),
        (step(None), DataError, "unknown preprocessing step 'None'"),
        (step("filter_range"), DataError, "step 'filter_range' for database 'default': missing a required argument"),
        (step("filter_range", column="age", low=1), DataError, "unexpected keyword argument 'low'"),
        (step("filter_range", column="agee"), UnknownColumn, "unknown column 'agee'"),
        (step("filter_range", column="sex", min_=3), DataError, r"does not fit the data \(TypeError\)"),
    ],
)
def test_a_wrong_step_is_named(csv: Database, wrong: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read("pandas", csv._replace(preprocessing=(wrong,)))


def test_an_image_without_the_table_library_is_told_what_to_install(
    csv: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delitem(sys.modules, "hanse_algorithm.data.pandas_tables", raising=False)
    with pytest.raises(DataError, match=r"the image lacks 'pandas'; install hanse-algorithm\[pandas\] in it"):
        read("pandas", csv)
