"""Files and answers of databases as `pandas.DataFrame`, and the preprocessing steps of v4."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from hanse_algorithm import guards
from hanse_algorithm.contract import Database
from hanse_algorithm.data import objects
from hanse_algorithm.data import pandas_queries as queries
from hanse_algorithm.errors import DataError


def _csv(database: Database) -> pd.DataFrame:
    return _file(database, pd.read_csv)


def _tsv(database: Database) -> pd.DataFrame:
    return _file(database, lambda file: pd.read_csv(file, sep="\t"))


def _excel(database: Database) -> pd.DataFrame:
    return _file(database, lambda file: pd.read_excel(file, sheet_name=database.sheet_name or 0))


def _parquet(database: Database) -> pd.DataFrame:
    return _file(database, pd.read_parquet)


def _file(database: Database, reader: Callable[[Any], pd.DataFrame]) -> pd.DataFrame:
    """Read a file of this station, or an object in a store."""
    if not database.uri.startswith(objects.SCHEME):
        return _read(database, reader)

    def from_store(uri: str) -> pd.DataFrame:
        with objects.opened(uri, database.parameters) as file:
            return reader(file)

    return _read(database, from_store)


def _asked(database: Database) -> pd.DataFrame:
    """Read what a database answers to the query that the task has for it."""
    query = database.query
    if not query:
        raise DataError(f"the task has no query for database '{database.label}', which is {database.type}")
    return _read(database, lambda uri: queries.answer(database.type, uri, query))


def _read(database: Database, reader: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    label = database.label
    if "://" not in database.uri and not Path(database.uri).exists():
        raise DataError(f"the file of database '{label}' does not exist at this station")
    try:
        return reader(database.uri)
    except ImportError as error:
        lacks = f", which lacks '{error.name}'" if error.name else ""
        extra = "s3" if database.uri.startswith(objects.SCHEME) else database.type
        raise DataError(
            f"database '{label}' is {database.type}; install hanse-algorithm[{extra}] in the image{lacks}"
        ) from error
    except Exception as error:
        # The text of a reader's error may quote the file, so only its kind goes out.
        problem = f"cannot be read as {database.type} ({type(error).__name__})"
        raise DataError(f"database '{label}' {problem}") from error


def filter_range(
    table: pd.DataFrame,
    column: str,
    min_: Any = None,
    max_: Any = None,
    include_min: bool = False,
    include_max: bool = False,
) -> pd.DataFrame:
    """Keep the rows whose value lies between the bounds; a bound itself only where it is included."""
    guards.columns_exist(table, [column])
    if min_ is not None:
        table = table[table[column] >= min_ if include_min else table[column] > min_]
    if max_ is not None:
        table = table[table[column] <= max_ if include_max else table[column] < max_]
    return table


def dummy_preprocess(table: pd.DataFrame) -> pd.DataFrame:
    """Change nothing; v4 has this step, to try the mechanism."""
    return table


READERS: dict[str, Callable[[Database], pd.DataFrame]] = {
    "csv": _csv,
    "tsv": _tsv,
    "excel": _excel,
    "parquet": _parquet,
    **dict.fromkeys(queries.TYPES, _asked),
}
STEPS: dict[str, Callable[..., pd.DataFrame]] = {"filter_range": filter_range, "dummy_preprocess": dummy_preprocess}
