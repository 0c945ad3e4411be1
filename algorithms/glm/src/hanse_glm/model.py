"""What to model: the same description at the centre and at each station, sent as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hanse_algorithm.errors import InputError
from hanse_glm.families import FAMILIES, Family

INTERCEPT = "intercept"
Levels = Mapping[str, Sequence[str]]
"""Categorical predictor → its levels over all stations, the reference first."""


@dataclass(frozen=True)
class Model:
    """A model as the researcher asks for it; see `central.glm` for the meaning of each field."""

    outcome: str
    predictors: tuple[str, ...]
    family: str
    categorical: tuple[str, ...] = ()
    intercept: bool = True
    at_least: float | None = None
    status: str | None = None
    event: str | int | float | None = None
    offset: str | None = None
    exposure: str | None = None

    def __post_init__(self) -> None:
        checks = {
            f"family must be one of {', '.join(FAMILIES)}, not '{self.family}'": self.family not in FAMILIES,
            "'predictors' names a column twice": len(set(self.predictors)) < len(self.predictors),
            f"the outcome '{self.outcome}' is also a predictor": self.outcome in self.predictors,
            "'categorical' names a column that is not a predictor": not set(self.categorical) <= set(self.predictors),
            "without 'predictors' the model needs the intercept": not self.predictors and not self.intercept,
            "'at_least' and 'event' make an outcome of 0 and 1, so the family must be binomial": (
                self.family != "binomial" and (self.at_least is not None or self.event is not None)
            ),
            "'status' goes with 'at_least'": self.status is not None and self.at_least is None,
            "'event' goes with 'status' when 'at_least' is given": (
                self.at_least is not None and self.event is not None and self.status is None
            ),
            "'exposure' is for the poisson family": self.exposure is not None and self.family != "poisson",
        }
        for problem, is_wrong in checks.items():
            if is_wrong:
                raise InputError(problem)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Model:
        """Read the description that `to_json` wrote."""
        try:
            lists = {name: tuple(fields.get(name) or ()) for name in ("predictors", "categorical")}
            return cls(**{**fields, **lists})
        except TypeError as error:
            raise InputError(f"not the description of a model: {error}") from None

    def to_json(self) -> dict[str, Any]:
        """Write the description as plain JSON."""
        return asdict(self) | {"predictors": list(self.predictors), "categorical": list(self.categorical)}

    @property
    def distribution(self) -> Family:
        """Give the family's functions."""
        return FAMILIES[self.family]

    @property
    def columns(self) -> list[str]:
        """List the columns that a row must have values in."""
        optional = (self.status, self.offset, self.exposure)
        return [self.outcome, *self.predictors, *(name for name in optional if name is not None)]

    def coefficient_names(self, levels: Levels) -> list[str]:
        """Name the coefficients: `intercept`, `age`, `sex[2]`."""
        names = [INTERCEPT] if self.intercept else []
        for name in self.predictors:
            names += [f"{name}[{level}]" for level in levels[name][1:]] if name in self.categorical else [name]
        return names


def ordered_levels(name: str, found: Iterable[str], reference: object | None) -> list[str]:
    """Put the reference level first: the one asked for, or the first in order.

    Raises:
        InputError: when the reference does not occur, or when there is a single level.
    """
    from hanse_algorithm import rows

    levels = rows.in_order(found)
    first = levels[0] if reference is None else rows.label(reference)
    if first not in levels:
        raise InputError(f"'{name}' has no level '{first}' to be the reference; it has: {', '.join(levels)}")
    if len(levels) < 2:
        raise InputError(f"'{name}' has the same level '{first}' in every row; leave it out")
    return [first, *(level for level in levels if level != first)]
