"""Answers of databases to a query, as `pandas.DataFrame`; what speaks to one is imported when it is needed."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

import pandas as pd

from hanse_algorithm.data.drivers import with_driver

TYPES = ("sql", "sqlite", "duckdb", "sparql")
SECONDS = 600.0
_SUFFIXES = {".sqlite": "sqlite", ".sqlite3": "sqlite", ".db": "sqlite", ".duckdb": "duckdb"}


def answer(kind: str, uri: str, query: str) -> pd.DataFrame:
    """Ask a database of one of the `TYPES`; a file of `sql` is told from its suffix, as in v4."""
    if kind == "sql" and os.path.isabs(uri):
        kind = _SUFFIXES.get(Path(uri).suffix, "sql")
    return {"sql": _sql, "sqlite": _sqlite, "duckdb": _duckdb, "sparql": _sparql}[kind](uri, query)


def _sqlite(path: str, query: str) -> pd.DataFrame:
    with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as connection:
        return pd.read_sql_query(query, connection)


def _duckdb(path: str, query: str) -> pd.DataFrame:
    import duckdb

    with duckdb.connect(path, read_only=True) as connection:
        frame: pd.DataFrame = connection.sql(query).df()
        return frame


def _sql(uri: str, query: str) -> pd.DataFrame:
    import sqlalchemy

    engine = sqlalchemy.create_engine(with_driver(uri), poolclass=sqlalchemy.NullPool)
    # Otherwise a percent sign in the query would have to be written twice.
    with engine.connect().execution_options(no_parameters=True) as connection:
        return pd.read_sql_query(query, connection)


def _sparql(uri: str, query: str) -> pd.DataFrame:
    if urlsplit(uri).scheme not in ("http", "https"):
        raise ValueError("a SPARQL endpoint has an address that begins with http:// or https://")
    asked = Request(uri, urlencode({"query": query}).encode(), {"Accept": "text/csv"})  # noqa: S310
    with urlopen(asked, timeout=SECONDS) as answered:  # noqa: S310
        return pd.read_csv(answered)
