"""Count the cells of one station's table, and keep the small ones back."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hanse_algorithm import Column, federated, guards, rows

if TYPE_CHECKING:
    import pandas as pd


@federated
def cells(
    data: pd.DataFrame,
    row: Column,
    column: Column,
    row_levels: list[str] | None = None,
    column_levels: list[str] | None = None,
) -> dict[str, object]:
    """Count the rows for each pair of values, keeping small cells back.

    Returns:
        `row_labels`, `column_labels`: the values with enough rows to be named; `counts`: a list for each row label,
        None for a cell that is kept back; `hides_rows`, `hides_columns`: whether there are values too rare to be named;
        `rows`: the rows counted; `hidden`: those of them in cells kept back; `excluded`: the rows left out because a
        value is missing (None when so few that it is not told).
    """
    table, excluded = rows.complete(data, [row, column])
    first, second = _labelled(table, row, row_levels), _labelled(table, column, column_levels)
    is_used = first.notna() & second.notna()
    counts = Counter(zip(first[is_used], second[is_used], strict=True))
    guards.minimum_count(sum(counts.values()), "rows with one of the levels asked for")
    shown, hidden = rows.hide_small(counts)
    row_labels, hides_rows = _named(counts, 0)
    column_labels, hides_columns = _named(counts, 1)
    return {
        "row_labels": row_labels,
        "column_labels": column_labels,
        "counts": [[shown.get((r, c), None if (r, c) in counts else 0) for c in column_labels] for r in row_labels],
        "hides_rows": hides_rows,
        "hides_columns": hides_columns,
        "rows": sum(counts.values()),
        "hidden": hidden,
        "excluded": excluded,
    }


def _labelled(table: pd.DataFrame, name: str, levels: list[str] | None) -> pd.Series:
    labels = rows.labels(table[name])
    return labels if levels is None else labels.where(labels.isin([rows.label(level) for level in levels]))


def _named(counts: Counter[tuple[str, str]], place: int) -> tuple[list[str], bool]:
    totals: dict[str, int] = {}
    for labels, count in counts.items():
        totals[labels[place]] = totals.get(labels[place], 0) + count
    named = rows.in_order(label for label, total in totals.items() if not rows.is_small(total))
    return named, len(named) < len(totals)
