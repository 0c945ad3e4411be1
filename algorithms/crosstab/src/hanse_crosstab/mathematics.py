"""The chi-squared test of independence, free of tables and stations."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import NamedTuple

from hanse_algorithm import tails


class ChiSquared(NamedTuple):
    """The test's result; `correction` says whether Yates' correction was applied."""

    statistic: float
    dof: int
    p_value: float
    correction: bool
    expected: list[list[float]]


def expected(counts: Sequence[Sequence[int]]) -> list[list[float]]:
    """Give the counts that independence would let expect: row total × column total ÷ total."""
    row_totals = [sum(row) for row in counts]
    column_totals = [sum(column) for column in zip(*counts, strict=True)]
    total = sum(row_totals)
    return [[r * c / total for c in column_totals] for r in row_totals]


def chi_squared(counts: Sequence[Sequence[int]], correction: bool = True) -> ChiSquared | None:
    """Test independence of the rows and columns of a table without empty rows or columns.

    Sources: Pearson (1900), Philosophical Magazine 50(302), 157-175; for one degree of freedom with the continuity
    correction of Yates (1934), Supplement to the Journal of the Royal Statistical Society 1(2), 217-235, which here as
    in scipy never exceeds the difference itself.

    Returns:
        None for a table of a single row or column, where there is nothing to test.
    """
    dof = (len(counts) - 1) * (len(counts[0]) - 1) if counts else 0
    if dof < 1:
        return None
    expectation = expected(counts)
    is_corrected = correction and dof == 1
    terms = []
    for observed_row, expected_row in zip(counts, expectation, strict=True):
        for observed, mean in zip(observed_row, expected_row, strict=True):
            difference = abs(observed - mean)
            terms.append((difference - min(0.5, difference) * is_corrected) ** 2 / mean)
    statistic = fsum(terms)
    return ChiSquared(statistic, dof, tails.chi_squared(statistic, dof), is_corrected, expectation)
