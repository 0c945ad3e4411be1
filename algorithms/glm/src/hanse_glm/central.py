"""Discover the levels, then iterate with the stations until the coefficients stand still."""

from __future__ import annotations

from math import fsum, inf
from typing import Any, Literal, NamedTuple

from hanse_algorithm import Answer, Column, Federation, OrganizationId, central, info
from hanse_algorithm.errors import InputError
from hanse_glm import estimates
from hanse_glm.model import INTERCEPT, Levels, Model, ordered_levels
from hanse_glm.newton import Ascent, NotConverged, Separated, separation
from hanse_glm.partials import prepare, step


@central
def glm(
    federation: Federation,
    outcome: Column,
    predictors: list[Column],
    family: Literal["gaussian", "binomial", "poisson"],
    categorical: list[Column] | None = None,
    reference: dict[str, str | int] | None = None,
    intercept: bool = True,
    at_least: float | None = None,
    status: Column | None = None,
    event: str | int | float | None = None,
    offset: Column | None = None,
    exposure: Column | None = None,
    confidence: float = 0.95,
    tolerance: float = 1e-8,
    max_iterations: int = 50,
    organizations: list[OrganizationId] | None = None,
) -> dict[str, object]:
    """Fit a generalised linear model with its canonical link over all stations.

    Args:
        outcome: the column to explain.
        predictors: the columns that explain it.
        family: `gaussian` (identity link), `binomial` (logit) or `poisson` (logarithm).
        categorical: those of the predictors whose values are levels; the levels are collected from all stations.
        reference: for a categorical predictor its reference level; the first in order when not given.
        intercept: whether the model has one.
        at_least: (binomial) the outcome is 1 where the column reaches this value, and 0 elsewhere.
        status: (with `at_least`) the column that says what ended the time in `outcome`: a row below `at_least` is 0
            when that was the event; otherwise it was censored before, its outcome is not known, and it is left out.
        event: (binomial) the value of `status` that is the event (1 when not given); without `at_least`, the value of
            the outcome that counts as 1.
        offset: a column added to the linear predictor as it is.
        exposure: (poisson) a column, such as person-years, whose logarithm is added to the linear predictor.
        confidence: the level of the confidence intervals.
        tolerance: the change of the linear predictor, relative to 1, below which the iteration ends.
        max_iterations: after how many iterations to give up.
        organizations: the organizations to ask; all of the collaboration when not given.

    Returns:
        `coefficients`: for each `name`, `estimate`, `std_error`, `z`, `p_value`, `lower` and `upper` (normal
        approximation); `covariance` of the estimates; `deviance`, `null_deviance`, `log_likelihood`, `aic`,
        `dispersion`, `rows`, `df_residual`, `iterations`; `levels`, the reference first; `stations`, the rows used,
        left out for a missing value (`excluded`) and left out because of censoring (`censored`) at each.

    Raises:
        newton.Dependent: when a predictor follows from others.
        newton.Separated: when predictors decide the outcome completely.
        newton.NotConverged: when the iterations did not suffice.

    Example:
        One-year survival: alive at day 365 or later is 1, dead before is 0, lost to follow-up before is left out.

        glm(federation, outcome="time", at_least=365, status="status", event=1, family="binomial",
            predictors=["age", "sex"], categorical=["sex"])
    """
    if not 0.0 < confidence < 1.0:
        raise InputError("'confidence' must lie between 0 and 1, such as 0.95")
    model = Model(
        outcome=outcome,
        predictors=tuple(predictors),
        family=family,
        categorical=tuple(categorical or ()),
        intercept=intercept,
        at_least=at_least,
        status=status,
        event=event,
        offset=offset,
        exposure=exposure,
    )
    first = federation.run(prepare, organizations=organizations, model=model.to_json())
    prepared = [answer.result for answer in first]
    levels = _levels(model, prepared, reference or {})
    _check_outcome(model, prepared)
    fit = _climb(_Asked(federation, organizations, model, levels), tolerance, max_iterations)
    found = estimates.Found(
        model.coefficient_names(levels),
        fit,
        sum(part["rows"] for part in prepared),
        fsum(part["saturated"] for part in prepared),
    )
    return {
        "model": model.to_json(),
        "confidence": confidence,
        **estimates.result(model.distribution, found, confidence),
        "levels": levels,
        "stations": [_station(answer) for answer in first],
    }


class _Asked(NamedTuple):
    """What stays the same in each iteration."""

    federation: Federation
    organizations: list[int] | None
    model: Model
    levels: Levels

    def step(self, main: Ascent, null: Ascent) -> list[dict[str, Any]]:
        answers = self.federation.run(
            step,
            organizations=self.organizations,
            model=self.model.to_json(),
            levels=self.levels,
            coefficients=main.asked(),
            null=null.asked(),
        )
        return [answer.result for answer in answers]


def _climb(asked: _Asked, tolerance: float, max_iterations: int) -> estimates.Fit:
    """Iterate the model and, in the same rounds, the null model whose deviance the result names."""
    main = Ascent(asked.model.coefficient_names(asked.levels), tolerance)
    null = Ascent([INTERCEPT], tolerance)
    for iteration in range(1, max_iterations + 1):
        info(f"iteration {iteration}")
        parts = asked.step(main, null)
        weight = fsum(part["null"]["information"][0][0] for part in parts)
        main.advance((part["model"] for part in parts), weight)
        null.advance((part["null"] for part in parts), weight)
        _check_separation(asked.model, main, null)
        if main.has_converged and null.has_converged:
            return estimates.Fit(main, null, iteration)
    raise NotConverged(f"the coefficients still changed after {max_iterations} iterations; allow more")


def _check_separation(model: Model, main: Ascent, null: Ascent) -> None:
    if model.family == "binomial" and main.deviance < 1e-6 * null.deviance < inf:
        raise Separated(separation(main.names))
    if names := main.diverging():
        raise Separated(separation(names))


def _levels(model: Model, prepared: list[dict[str, Any]], reference: dict[str, Any]) -> dict[str, list[str]]:
    if unknown := sorted(set(reference) - set(model.categorical)):
        raise InputError(f"'reference' names '{unknown[0]}', which is not in 'categorical'")
    return {
        name: ordered_levels(name, (level for part in prepared for level in part["levels"][name]), reference.get(name))
        for name in model.categorical
    }


def _check_outcome(model: Model, prepared: list[dict[str, Any]]) -> None:
    total, count = fsum(part["total"] for part in prepared), sum(part["rows"] for part in prepared)
    if model.family != "gaussian" and total == 0:
        raise InputError(f"the outcome '{model.outcome}' is 0 in every row; there is nothing to explain")
    if model.family == "binomial" and total == count:
        raise InputError(f"the outcome '{model.outcome}' is 1 in every row; there is nothing to explain")


def _station(answer: Answer) -> dict[str, object]:
    return {"organization": answer.organization} | {
        name: answer.result[name] for name in ("rows", "excluded", "censored")
    }
