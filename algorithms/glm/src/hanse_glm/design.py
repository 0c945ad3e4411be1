"""Turn a station's table into the outcome, the design matrix and the offset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from hanse_algorithm import guards, rows
from hanse_algorithm.errors import DataError
from hanse_glm.families import Vector
from hanse_glm.model import Levels, Model

if TYPE_CHECKING:
    import pandas as pd


class Used(NamedTuple):
    """The rows that a station contributes, and how many it left out (None when so few that it is not told)."""

    table: pd.DataFrame
    outcome: Vector
    excluded: int | None
    censored: int | None


def used_rows(data: pd.DataFrame, model: Model) -> Used:
    """Take the complete rows with a known outcome, behind the guards that every round repeats.

    Raises:
        guards.TooFew: when a category or an outcome has so few rows that a sum would be about single persons.
    """
    table, excluded = rows.complete(data, model.columns)
    outcome, is_known = _outcome(table, model)
    table, outcome = table[is_known], outcome[is_known]
    guards.minimum_count(len(table), "rows with a known outcome")
    _guard(outcome, f"rows with each outcome of '{model.outcome}'")
    for name in model.predictors:
        if name in model.categorical:
            rows.groups_are_large(_counts(rows.labels(table[name])), f"rows in each level of '{name}'")
        else:
            _guard(rows.floats(table, name), f"rows with a different value of '{name}'")
    return Used(table, outcome, excluded, rows.told(int(np.sum(~is_known))))


def matrix(table: pd.DataFrame, model: Model, levels: Levels) -> npt.NDArray[np.float64]:
    """Build the design matrix: the intercept, numbers as they are, an indicator for each level but the reference."""
    columns = [np.ones(len(table))] if model.intercept else []
    for name in model.predictors:
        columns += _indicators(table, name, levels[name]) if name in model.categorical else [rows.floats(table, name)]
    guards.minimum_count(len(table) - len(columns), "rows beyond the number of coefficients")
    return np.column_stack(columns)


def offset(table: pd.DataFrame, model: Model) -> Vector:
    """Add up what enters the linear predictor with a coefficient of 1: the offset and the logarithm of the exposure."""
    total = np.zeros(len(table))
    if model.offset is not None:
        total = total + rows.floats(table, model.offset)
    if model.exposure is not None:
        exposure = rows.floats(table, model.exposure)
        if (exposure <= 0).any():
            raise rows.UnsuitableColumn(f"the exposure '{model.exposure}' must be above 0 in every row")
        total = total + np.log(exposure)
    return total


def _outcome(table: pd.DataFrame, model: Model) -> tuple[Vector, npt.NDArray[np.bool_]]:
    everybody = np.ones(len(table), dtype=bool)
    if model.at_least is not None:
        is_reached = rows.floats(table, model.outcome) >= model.at_least
        is_known = everybody if model.status is None else is_reached | _is_event(table[model.status], model.event)
        return is_reached.astype(np.float64), is_known
    if model.event is not None:
        return _is_event(table[model.outcome], model.event).astype(np.float64), everybody
    outcome = rows.floats(table, model.outcome)
    if wanted := model.distribution.complaint(outcome):
        hint = "; 'event' or 'at_least' can make such an outcome" if model.family == "binomial" else ""
        raise rows.UnsuitableColumn(
            f"the outcome '{model.outcome}' must be {wanted} in every row for the {model.family} family{hint}"
        )
    return outcome, everybody


def _is_event(column: pd.Series, event: object) -> npt.NDArray[np.bool_]:
    """Compare as labels, with true and false as 1 and 0, so that it does not matter how a station codes its file."""
    from pandas.api.types import is_bool_dtype

    codes = column.astype(int) if is_bool_dtype(column) else column
    value = 1 if event is None else event
    wanted = rows.label(int(value) if isinstance(value, bool) else value)
    return (rows.labels(codes) == wanted).to_numpy(dtype=bool)


def _guard(values: Vector, what: str) -> None:
    """Refuse a column in which only a few rows differ from the others: a sum over it would be about those few."""
    _, counts = np.unique(values, return_counts=True)
    rows.groups_are_large([len(values) - int(counts.max())], what)


def _counts(labels: pd.Series) -> list[int]:
    return [int(count) for count in labels.value_counts()]


def _indicators(table: pd.DataFrame, name: str, levels: Sequence[str]) -> list[Vector]:
    labels = rows.labels(table[name])
    if not labels.isin(list(levels)).all():
        raise DataError(f"column '{name}' has levels that it did not have in the first round")
    return [(labels == level).to_numpy().astype(np.float64) for level in levels[1:]]
