"""What is shared about the columns of databases: names and types, and never more is read than that takes."""

import random
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import duckdb
import openpyxl
import pandas
import psycopg
import pyarrow
import pyarrow.parquet
import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from hanse_node import columns
from hanse_node.database_settings import Database
from hanse_node.sources import Sources

FRAME = pandas.DataFrame({"age": [61], "sex, code": ["f"]})
NAMES = ["age", "sex, code"]
PEOPLE = "create table people (age integer, sex varchar(1))"


def shared(uri: object, kind: str, **more: Any) -> Any:
    database = Database.model_validate({"label": "d", "uri": str(uri), "type": kind, **more})
    return Sources([database]).shared()["database_columns"]


def test_the_columns_of_a_file_with_tabs_are_shared(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "d", sep="\t", index=False)
    assert shared(tmp_path / "d", "tsv") == {"columns_d": NAMES}


def test_columns_and_their_types_are_shared_from_parquet_also_in_parts_without_what_becomes_the_index(
    tmp_path: Path,
) -> None:
    FRAME.set_axis([7]).to_parquet(tmp_path / "d")
    whole = {"columns_d": NAMES, "column_types_d": ["int64", "large_string"]}
    assert shared(tmp_path / "d", "parquet") == whole
    (tmp_path / "parts").mkdir()
    (tmp_path / "d").rename(tmp_path / "parts" / "1.parquet")
    assert shared(tmp_path / "parts", "parquet") == whole


def test_columns_of_the_only_sheet_are_shared_and_of_several_with_the_names_of_the_sheets(tmp_path: Path) -> None:
    FRAME.assign(**{"": 1}).to_excel(tmp_path / "d.xlsx", index=False)
    assert shared(tmp_path / "d.xlsx", "excel") == {"columns_d": [*NAMES, "Unnamed: 2"]}
    with pandas.ExcelWriter(tmp_path / "two.xlsx") as writer:
        FRAME.to_excel(writer, sheet_name="first", index=False)
        pandas.DataFrame().to_excel(writer, sheet_name="second")
        FRAME.head(0)[["age"]].to_excel(writer, sheet_name="third", index=False)
    assert shared(tmp_path / "two.xlsx", "excel") == {"tables_d": ["first.age", "first.sex, code", "third.age"]}


def workbook(path: Path, rows: str, texts: str = "") -> None:
    """Write one as Excel does, up to where rows end: who reads further finds it broken."""
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    openpyxl.Workbook().save(path)
    with ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/worksheets/sheet1.xml"] = f"<worksheet {space}><sheetData>{rows}".encode()
    members["xl/sharedStrings.xml"] = f"<sst {space}>{texts}".encode()
    with ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_texts_that_excel_keeps_apart_and_gaps_between_columns_are_understood(tmp_path: Path) -> None:
    cells = '<c r="A1" t="s"><v>1</v></c><c r="C1" t="str"><v>sex</v></c><c r="AB1"><v>2020</v></c>'
    texts = "<si><t>no</t></si><si><r><t>a</t></r><r><t>ge</t></r><rPh><t>x</t></rPh></si>"
    workbook(tmp_path / "d", f"<row>{cells}</row>{'?' * 99_999}", f"{texts}{'<si><t>more</t></si>' * 9_999}")
    names = shared(tmp_path / "d", "excel")["columns_d"]
    assert (names[0], names[1], names[2], names[27], len(names)) == ("age", "Unnamed: 1", "sex", "2020", 28)


def test_a_cell_far_beyond_the_last_column_of_excel_takes_no_time_and_no_memory(tmp_path: Path) -> None:
    workbook(tmp_path / "d", '<row><c r="XFE1" t="str"><v>a</v></c></row>')
    with capture_logs() as told:
        assert shared(tmp_path / "d", "excel") == {"columns_d": []}
    assert told[0]["cause"] == "ValueError"
    workbook(tmp_path / "d", '<row><c r="XFD1" t="str"><v>a</v></c></row>')
    assert len(shared(tmp_path / "d", "excel")["columns_d"]) == 16_384


@pytest.mark.parametrize(("kind", "suffix"), [("sqlite", "x"), ("sql", "sqlite"), ("duckdb", "x"), ("sql", "duckdb")])
def test_columns_of_all_tables_of_a_database_in_a_file_are_shared(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"100% d.{suffix}"
    library = duckdb if "duckdb" in (kind, suffix) else sqlite3
    with closing(library.connect(str(path))) as connection:
        connection.execute(PEOPLE)
        connection.execute("create view old as select age from people where age > 60")
        connection.commit()
    found = shared(path, kind, share_columns=True)
    assert found["tables_d"] == ["old.age", "people.age", "people.sex"]
    assert [each.upper()[:7] for each in found["column_types_d"]] == ["INTEGER", "INTEGER", "VARCHAR"]


@pytest.fixture
def postgresql(postgres: str) -> Iterator[str]:
    name = f"c{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgres.rpartition('/')[0]}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}")
        uri = f"{postgres.rpartition('/')[0]}/{name}"
        with psycopg.connect(uri, autocommit=True) as inner:
            inner.execute(PEOPLE)
            inner.execute("create view old as select age from people where age > 60")
        yield uri
        connection.execute(f"drop database {name}")


@pytest.mark.needs("postgres")
def test_columns_of_all_tables_of_postgresql_are_shared_and_no_row_is_read(postgresql: str) -> None:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("insert into people values (61, 'f')")
        assert shared(postgresql, "sql", share_columns=True) == {
            "tables_d": ["old.age", "people.age", "people.sex"],
            "column_types_d": ["INTEGER", "INTEGER", "VARCHAR(1)"],
        }
        (scans,) = connection.execute("select seq_scan from pg_stat_user_tables where relname = 'people'").fetchone()
        assert scans == 0


def test_nothing_is_read_of_a_database_whose_columns_are_not_to_be_shared(tmp_path: Path) -> None:
    for kind in ("csv", "parquet"):
        FRAME.to_csv(tmp_path / kind)
        assert shared(tmp_path / kind, kind, share_columns=False) == {}
    with capture_logs() as logs:
        assert shared("postgresql://h/d", "sql") == shared(tmp_path / "x", "sqlite") == shared("s3://b/k", "csv") == {}
    assert logs == []
    for uri, kind in (("http://h/sparql", "sparql"), ("s3://bucket/d.csv", "csv")):
        with pytest.raises(ValidationError, match="read of files and databases of these types: csv, duckdb, excel, pa"):
            shared(uri, kind, share_columns=True)


def test_columns_that_cannot_be_read_are_logged_without_what_is_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "d").write_text("Anna is not parquet")
    monkeypatch.setenv("PASSWORD", "topsecret")
    with capture_logs() as logs:
        shared(tmp_path / "d", "parquet")
        shared("postgresql://reader:${env:PASSWORD}@127.0.0.1:1/d", "sql", share_columns=True)
        shared("postgresql://reader:${env:NOWHERE}@127.0.0.1:1/d", "sql", share_columns=True)
    assert [line["event"] for line in logs] == ["columns_unread"] * 3
    assert [line["cause"] for line in logs] == ["ArrowInvalid", "OperationalError", "SecretMissing"]
    (tmp_path / "line").write_text("x" * 2_000_000)
    with pytest.raises(columns.ColumnsUnread, match="Error"):
        columns.read("csv", str(tmp_path / "line"))


def test_a_library_that_the_node_lacks_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "duckdb.py").write_text("raise ModuleNotFoundError(name='duckdb')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(columns.ColumnsUnread, match=r"the node lacks 'duckdb': install hanse-node\[duckdb\]"):
        columns.read("duckdb", "d")


def parquet(path: Path, length: int) -> None:
    """Write the schema of the frame at the end of a file so long."""
    pyarrow.parquet.write_table(pyarrow.Table.from_pandas(FRAME), path)
    content = path.read_bytes()
    with path.open("wb") as handle:
        handle.seek(length)
        handle.write(content)


def excel(path: Path, length: int) -> None:
    numbers = random.Random(0)
    rows = (f"<row><c><v>{numbers.random()}</v></c></row>" for _ in range(length // 40))
    workbook(path, '<row><c t="s"><v>0</v></c></row>' + "".join(rows), "<si><t>age</t></si>")


def sqlite(path: Path, length: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(PEOPLE)
        connection.execute("insert into people values (1, zeroblob(?))", [length])
        connection.commit()


def tsv(path: Path, length: int) -> None:
    path.write_text("\t".join(NAMES) + "\n" + "61\tf\n" * (length // 5))


@pytest.mark.parametrize(
    ("kind", "write", "length"),
    [("parquet", parquet, 1_000_000_000), ("excel", excel, 10_000_000), ("sqlite", sqlite, 50_000_000),
     ("tsv", tsv, 5_000_000)],
)  # fmt: skip
def test_what_is_read_for_the_columns_does_not_grow_with_the_rows(
    tmp_path: Path, kind: str, write: Any, length: int
) -> None:
    write(tmp_path / "small", 0)
    write(tmp_path / "large", length)
    read = [bytes_read(tmp_path / name, kind) for name in ("small", "large")]
    assert read[1] - read[0] < 200_000


def bytes_read(path: Path, kind: str) -> int:
    """Count what this process and those that it has waited for read, from wherever, until the columns are known."""
    before = int(Path("/proc/self/io").read_text().split()[1])
    assert columns.read(kind, str(path)).names
    return int(Path("/proc/self/io").read_text().split()[1]) - before
