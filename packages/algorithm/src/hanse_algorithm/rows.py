"""Read a station's rows so that all stations agree: the same labels, the same complete rows, only finite numbers.

For algorithms on tables. The tables are pandas data frames; this module itself imports nothing but the guards.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hanse_algorithm import guards
from hanse_algorithm.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd


K = TypeVar("K", bound=Hashable)


class UnsuitableColumn(DataError):
    """A column exists but its content does not fit its part in the analysis; the message names the column."""


class Complete(NamedTuple):
    """The rows that an analysis may use, and how many were left out (`None` when so few that it is not told)."""

    table: pd.DataFrame
    excluded: int | None


def complete(data: pd.DataFrame, columns: Iterable[str]) -> Complete:
    """Keep the rows without a missing value in `columns`, and only these columns.

    Raises:
        guards.UnknownColumn: when a column does not exist.
        guards.TooFew: when fewer complete rows than the station's minimum remain.

    Example:
        table, excluded = rows.complete(data, ["age", "sex"])
    """
    names = guards.columns_exist(data, dict.fromkeys(columns))
    table = data[names].dropna()
    guards.minimum_count(len(table), "complete rows")
    return Complete(table, told(len(data) - len(table)))


def is_small(count: int) -> bool:
    """Tell whether a count is above zero and below the station's minimum, so that it is about few persons."""
    return 0 < count < guards.allowed_minimum()


def told(count: int) -> int | None:
    """Give a count that may leave the station, `None` for one that is small."""
    return None if is_small(count) else count


def groups_are_large(counts: Iterable[int], what: str) -> None:
    """Refuse to go on when any group that is not empty is smaller than the minimum.

    The error must not say which group: where a column holds names, its labels are as private as its counts. So name
    the column in `what`, not the label: "rows in each group of 'sex'".

    Raises:
        guards.TooFew: when there is such a group.
    """
    if any(map(is_small, counts)):
        guards.minimum_count(0, what)


def hide_small(counts: Mapping[K, int]) -> tuple[dict[K, int], int]:
    """Leave out the categories (or cells) with so few rows that they are about single persons.

    The smallest go first, until the rows left out are none or at least the minimum together, since otherwise a hidden
    count would follow from the total (complementary suppression: Hundepool et al. (2012), "Statistical Disclosure
    Control", Wiley, chapter 4).

    Returns:
        The counts that may be told, and the number of rows left out.

    Example:
        shown, hidden = rows.hide_small({"a": 1, "b": 12, "c": 30})     # {"c": 30}, 13
    """
    minimum = guards.allowed_minimum()
    shown = {name: count for name, count in counts.items() if count > 0}
    hidden = 0
    for name in sorted(shown, key=lambda name: (counts[name], str(name))):
        if counts[name] >= minimum and (hidden == 0 or hidden >= minimum):
            break
        hidden += shown.pop(name)
    return shown, hidden


def label(value: object) -> str:
    """Write a category as text on which all stations agree: `1`, `1.0` and `"1"` are the same category.

    A station whose column has a missing value reads whole numbers as floating point; its labels must not differ.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return str(value)
    number = float(value)
    return str(int(number)) if number.is_integer() else str(value)


def labels(column: pd.Series) -> pd.Series:
    """Write every value of a column as a label; missing values stay missing."""
    return column.map({value: label(value) for value in column.dropna().unique()})


def in_order(names: Iterable[str]) -> list[str]:
    """Sort different labels: numbers by their size first, then text by the alphabet."""
    return sorted(set(names), key=_place)


def _place(text: str) -> tuple[int, float, str]:
    try:
        size = float(text)
    except ValueError:
        return (1, 0.0, text)
    return (0, size, text) if math.isfinite(size) else (1, 0.0, text)


def floats(table: pd.DataFrame, column: str) -> npt.NDArray[np.float64]:
    """Give a column without missing values as floating point numbers.

    Raises:
        UnsuitableColumn: when the column holds anything but finite numbers.
    """
    import numpy as np
    from pandas.api.types import is_numeric_dtype

    series = table[column]
    if len(series) and not is_numeric_dtype(series):
        raise UnsuitableColumn(f"column '{column}' must hold numbers, but it holds {series.dtype} values")
    values = series.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise UnsuitableColumn(f"column '{column}' holds infinite values")
    return values
