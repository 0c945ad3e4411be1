"""Add the stations' tables up, without taking a hidden cell for an empty one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypedDict

from hanse_algorithm import rows


class StationTable(TypedDict):
    """What `partials.cells` gives."""

    row_labels: list[str]
    column_labels: list[str]
    counts: list[list[int | None]]
    hides_rows: bool
    hides_columns: bool
    rows: int
    hidden: int


class Table(NamedTuple):
    """The table over all stations."""

    row_labels: list[str]
    column_labels: list[str]
    counts: list[list[int | None]]
    hides_rows: bool
    hides_columns: bool
    total: int
    hidden: int

    def known(self) -> list[list[int]] | None:
        """Give the counts when nothing at all is hidden."""
        if self.hidden:
            return None
        return [[count for count in row if count is not None] for row in self.counts]

    def as_result(self) -> dict[str, Any]:
        """Give the labels, counts and totals as they stand in the result."""
        return {
            "row_labels": self.row_labels,
            "column_labels": self.column_labels,
            "counts": self.counts,
            "row_totals": [_total(row, self.hides_columns) for row in self.counts],
            "column_totals": [_total(column, self.hides_rows) for column in zip(*self.counts, strict=True)],
            "total": self.total,
            "hidden": self.hidden,
        }


def pool(stations: Sequence[StationTable]) -> Table:
    """Add up the cells; a cell is None when one station does not tell its part."""
    row_labels = rows.in_order(label for station in stations for label in station["row_labels"])
    column_labels = rows.in_order(label for station in stations for label in station["column_labels"])
    return Table(
        row_labels,
        column_labels,
        [[_total(_count(station, r, c) for station in stations) for c in column_labels] for r in row_labels],
        any(station["hides_rows"] for station in stations),
        any(station["hides_columns"] for station in stations),
        sum(station["rows"] for station in stations),
        sum(station["hidden"] for station in stations),
    )


def _count(station: StationTable, row: str, column: str) -> int | None:
    has_row, has_column = row in station["row_labels"], column in station["column_labels"]
    if has_row and has_column:
        return station["counts"][station["row_labels"].index(row)][station["column_labels"].index(column)]
    is_absent = (not has_row and not station["hides_rows"]) or (not has_column and not station["hides_columns"])
    return 0 if is_absent else None


def _total(counts: Iterable[int | None], is_hidden: bool = False) -> int | None:
    known = list(counts)
    told = [count for count in known if count is not None]
    return None if is_hidden or len(told) < len(known) else sum(told)
