"""What each station computes. Both rounds cut the table into the same cells, behind the same guards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from hanse_algorithm import Column, federated, guards, rows, setting
from hanse_algorithm.errors import EnvironmentFault

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

NUMBER, CATEGORY, EMPTY = "number", "category", "empty"
"""What a station finds in a column; `EMPTY` has no value at all and goes with both others."""

ALLOW_MIN = "SUMMARY_ALLOW_MIN"
ALLOW_MAX = "SUMMARY_ALLOW_MAX"


class Group(NamedTuple):
    """The rows of one group; the label is None when the table is not split."""

    label: str | None
    table: pd.DataFrame


@federated
def totals(
    data: pd.DataFrame, columns: list[Column], by: Column | None = None, categorical: list[Column] | None = None
) -> list[dict[str, object]]:
    """Count, add up and bound each column, per group (first round)."""
    counted = set(categorical or [])
    return [
        {
            "group": group.label,
            "rows": len(group.table),
            "columns": {
                name: _categories(group.table[name])
                if name in counted or not _is_number(group.table[name])
                else _numbers(group.table, name)
                for name in columns
            },
        }
        for group in _groups(data, columns, by)
    ]


@federated
def squares(
    data: pd.DataFrame, columns: list[Column], means: list[dict[str, object]], by: Column | None = None
) -> list[dict[str, object]]:
    """Add up the deviations from the federated means, and their squares, per group (second round).

    `means` holds for each group `{"group": label, "means": {column: mean}}`.
    """
    wanted = {entry["group"]: entry["means"] for entry in means}
    answer: list[dict[str, object]] = []
    for label, table in _groups(data, columns, by):
        around = wanted.get(label)
        if isinstance(around, dict):
            answer.append({"group": label, "columns": {name: _squares(table, name, m) for name, m in around.items()}})
    return answer


def _groups(data: pd.DataFrame, columns: list[str], by: str | None) -> Iterator[Group]:
    guards.columns_exist(data, [*columns, *([by] if by else [])])
    if by is None:
        guards.minimum_count(len(data))
        yield Group(None, data)
        return
    labels = rows.labels(data[by])
    counts = labels.value_counts()
    guards.minimum_count(int(counts.sum()), f"rows with a value of '{by}'")
    rows.groups_are_large(counts, f"rows in each group of '{by}'")
    for label in rows.in_order(counts.index):
        yield Group(label, data[labels == label])


def _is_number(column: pd.Series) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return bool(is_numeric_dtype(column) and not is_bool_dtype(column))


def _numbers(table: pd.DataFrame, name: str) -> dict[str, object]:
    values = _present(table, name)
    if not len(values):
        return {"kind": EMPTY, "count": 0, "missing": len(table)}
    return {
        "kind": NUMBER,
        "count": len(values),
        "missing": len(table) - len(values),
        "sum": float(values.sum()),
        "min": float(values.min()) if _is_allowed(ALLOW_MIN) else None,
        "max": float(values.max()) if _is_allowed(ALLOW_MAX) else None,
    }


def _categories(column: pd.Series) -> dict[str, object]:
    present = column.dropna()
    counts = {str(label): int(count) for label, count in rows.labels(present).value_counts().items()}
    shown, hidden = rows.hide_small(counts)
    return {
        "kind": CATEGORY if counts else EMPTY,
        "count": len(present),
        "missing": len(column) - len(present),
        "counts": shown,
        "hidden": hidden,
    }


def _squares(table: pd.DataFrame, name: str, around: float) -> dict[str, float]:
    deviations = _present(table, name) - around
    return {"deviation": float(deviations.sum()), "squares": float((deviations * deviations).sum())}


def _present(table: pd.DataFrame, name: str) -> npt.NDArray[np.float64]:
    present = table[[name]].dropna()
    rows.groups_are_large([len(present)], f"values of '{name}'")
    return rows.floats(present, name)


def _is_allowed(name: str) -> bool:
    text = (setting(name) or "true").strip().lower()
    if text in {"true", "1", "yes"}:
        return True
    if text in {"false", "0", "no"}:
        return False
    raise EnvironmentFault(f"{name} must be true or false; ask the station's administrator")
