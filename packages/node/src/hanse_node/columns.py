"""Names and types of the columns of a database, from its header or schema only: no row is read.

Libraries that know a format work in a process of their own. The memory they take goes with it, and a file or a
server that stops them does not stop the node.
"""

import csv
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hanse_node.workbooks import first_rows

if TYPE_CHECKING:
    from sqlalchemy import Engine

DELIMITERS = {"csv": ",", "tsv": "\t"}
SECONDS = 30.0
LONGEST_LINE = 1_000_000


class ColumnsUnread(Exception):
    """The columns cannot be read; the text tells the kind of problem and no content, path or password."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What is told about the columns of one database."""

    names: Sequence[str] = ()
    types: Sequence[str] = ()
    """One for each name, where the format knows types."""
    of_tables: bool = False
    """There are several tables (or sheets), and names are `table.column`."""

    def shared(self, label: str) -> dict[str, list[str]]:
        """Give the entries for the server; those of several tables have a key of their own: no task reads them all."""
        key = "tables" if self.of_tables else "columns"
        types = {f"column_types_{label}": list(self.types)} if self.types else {}
        return {f"{key}_{label}": list(self.names), **types}


def read(kind: str, uri: str) -> Columns:
    """Read them. Raises `ColumnsUnread`."""
    if kind in DELIMITERS:
        return _header(uri, DELIMITERS[kind])
    command = [sys.executable, "-m", "hanse_node.columns"]
    try:
        done = subprocess.run(command, input=json.dumps([kind, uri]).encode(), capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise ColumnsUnread(f"no answer within {SECONDS:.0f} s") from None
    if done.returncode != 0:
        raise ColumnsUnread(done.stdout.decode(errors="replace") or f"the reader ended with {done.returncode}")
    return Columns(**json.loads(done.stdout))


def _header(path: str, delimiter: str) -> Columns:
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as handle:
            lines = iter(partial(handle.readline, LONGEST_LINE), "")
            return Columns(next(csv.reader(lines, delimiter=delimiter), []))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ColumnsUnread(type(error).__name__) from None


def _parquet(path: str) -> Columns:
    import pyarrow.parquet

    schema = pyarrow.parquet.ParquetDataset(path).schema
    indices = (schema.pandas_metadata or {}).get("index_columns", [])
    fields = [field for field in schema if field.name not in indices]
    return Columns([field.name for field in fields], [str(field.type) for field in fields])


def _excel(path: str) -> Columns:
    sheets = first_rows(path)
    if len(sheets) == 1:
        return Columns(next(iter(sheets.values())))
    return Columns([f"{title}.{name}" for title, names in sheets.items() for name in names], of_tables=True)


def _sqlite(path: str) -> Columns:
    query = """select s.name, c.name, c.type from sqlite_schema s, pragma_table_info(s.name) c
        where s.type in ('table', 'view') and s.name not glob 'sqlite_*' order by s.name, c.cid"""
    with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as connection:
        return _tables(connection.execute(query).fetchall())


def _duckdb(path: str) -> Columns:
    import duckdb

    query = "select table_name, column_name, data_type from information_schema.columns order by 1, ordinal_position"
    with duckdb.connect(path, read_only=True) as connection:
        return _tables(connection.execute(query).fetchall())


def engine_of(uri: str) -> "Engine":
    """Give what SQLAlchemy connects with, by the PostgreSQL driver that is here."""
    import sqlalchemy

    scheme, separator, rest = uri.partition("://")
    if scheme in ("postgres", "postgresql"):
        scheme = "postgresql+psycopg" if find_spec("psycopg") else "postgresql"
    return sqlalchemy.create_engine(f"{scheme}{separator}{rest}", poolclass=sqlalchemy.NullPool)


def _sql(uri: str) -> Columns:
    import sqlalchemy
    from sqlalchemy.engine.reflection import ObjectKind

    found = sqlalchemy.inspect(engine_of(uri)).get_multi_columns(kind=ObjectKind.ANY)
    return _tables([(key[1], each["name"], each["type"]) for key in sorted(found) for each in found[key]])


def _tables(rows: Sequence[tuple[Any, Any, Any]]) -> Columns:
    return Columns([f"{row[0]}.{row[1]}" for row in rows], [str(row[2]) for row in rows], of_tables=True)


READERS: dict[str, Callable[[str], Columns]] = {
    "parquet": _parquet, "excel": _excel, "sqlite": _sqlite, "duckdb": _duckdb, "sql": _sql,
}  # fmt: skip
KINDS = frozenset({*DELIMITERS, *READERS})
"""Types of databases whose columns can be read."""


def main() -> int:
    """Answer the question on standard input; what went wrong is told by its kind only, for texts may quote data."""
    kind, uri = json.loads(sys.stdin.buffer.read())
    if kind == "sql" and "://" not in uri:
        kind = "duckdb" if uri.endswith(".duckdb") else "sqlite"
    try:
        columns = READERS[kind](uri)
    except ModuleNotFoundError as error:
        sys.stdout.write(f"the node lacks '{error.name}': install hanse-node[{kind}]")
        return 1
    except Exception as error:
        sys.stdout.write(type(error).__name__)
        return 1
    sys.stdout.write(json.dumps(asdict(columns)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
