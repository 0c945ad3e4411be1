"""Read a station's rows so that all stations agree: the same labels, the same complete rows, only finite numbers."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hanse_algorithm import guards

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd


class UnsuitableColumn(ValueError):
    """A column exists but its content does not fit its part in the analysis; the message names the column."""


class Complete(NamedTuple):
    """The rows that an analysis may use, and how many were left out (`None` when so few that it is not told)."""

    table: pd.DataFrame
    excluded: int | None


def complete(data: pd.DataFrame, columns: Iterable[str]) -> Complete:
    """Keep the rows without a missing value in `columns`.

    Args:
        data: the station's table.
        columns: the columns that the analysis uses; only these are kept.

    Returns:
        The complete rows, and the number of rows left out. A number that is small but not zero would point at
        single patients, so it is then `None`.

    Raises:
        guards.UnknownColumn: when a column does not exist.
        guards.TooFew: when fewer complete rows than the station's minimum remain.
    """
    names = list(dict.fromkeys(columns))
    guards.columns_exist(data, names)
    table = data[names].dropna()
    guards.minimum_count(len(table), "complete rows")
    excluded = len(data) - len(table)
    return Complete(table, None if is_small(excluded) else excluded)


def is_small(count: int) -> bool:
    """Tell whether a count is above zero and below the station's minimum, so that it describes few patients."""
    if count <= 0:
        return False
    try:
        guards.minimum_count(count)
    except guards.TooFew:
        return True
    return False


def label(value: object) -> str:
    """Write a category as text on which all stations agree: `1`, `1.0` and `"1"` are the same category.

    A station whose column has a missing value reads whole numbers as floating point; its labels must not differ.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if is_number and math.isfinite(float(value)) and float(value).is_integer():  # type: ignore[arg-type]
        return str(int(value))  # type: ignore[call-overload]
    return str(value)


def in_order(labels: Iterable[str]) -> list[str]:
    """Sort labels: numbers by their size first, then text by the alphabet."""
    return sorted(set(labels), key=_place)


def labels(column: pd.Series) -> pd.Series:
    """Write every value of a column as a label; missing values stay missing."""
    return column.map({value: label(value) for value in column.dropna().unique()})


def floats(table: pd.DataFrame, column: str) -> npt.NDArray[np.float64]:
    """Give a column without missing values as floating point numbers.

    Raises:
        UnsuitableColumn: when the column holds anything but finite numbers.
    """
    import numpy as np
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    series = table[column]
    if len(series) and not (is_numeric_dtype(series) or is_bool_dtype(series)):
        raise UnsuitableColumn(f"column '{column}' must hold numbers, but holds {series.dtype} values")
    values = series.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise UnsuitableColumn(f"column '{column}' holds infinite values")
    return values


def smallest(counts: Sequence[int]) -> int:
    """Give the smallest count above zero, for a guard that holds for all of them."""
    return min((count for count in counts if count > 0), default=0)


def _place(text: str) -> tuple[int, float, str]:
    try:
        size = float(text)
    except ValueError:
        return (1, 0.0, text)
    return (0, size, text) if math.isfinite(size) else (1, 0.0, text)
