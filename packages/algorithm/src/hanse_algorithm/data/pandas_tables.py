"""CSV and Parquet files as `pandas.DataFrame`, and the preprocessing steps of v4."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from hanse_algorithm import guards
from hanse_algorithm.contract import Database
from hanse_algorithm.errors import DataError


def _csv(database: Database) -> pd.DataFrame:
    return _read(database, pd.read_csv)


def _parquet(database: Database) -> pd.DataFrame:
    return _read(database, pd.read_parquet)


def _read(database: Database, reader: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    label = database.label
    if "://" not in database.uri and not Path(database.uri).exists():
        raise DataError(f"the file of database '{label}' does not exist at this station")
    try:
        return reader(database.uri)
    except ImportError as error:
        raise DataError(
            f"database '{label}' is {database.type}; install hanse-algorithm[{database.type}] in the image"
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


READERS: dict[str, Callable[[Database], pd.DataFrame]] = {"csv": _csv, "parquet": _parquet}
STEPS: dict[str, Callable[..., pd.DataFrame]] = {"filter_range": filter_range, "dummy_preprocess": dummy_preprocess}
