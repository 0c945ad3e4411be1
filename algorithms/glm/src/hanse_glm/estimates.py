"""Say what a converged fit means: standard errors, tests, intervals and measures of fit."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Any, NamedTuple

from hanse_algorithm import tails
from hanse_glm.families import Family
from hanse_glm.newton import Ascent, Matrix


class Fit(NamedTuple):
    """The two ascents that have reached their maxima, and after how many iterations."""

    main: Ascent
    null: Ascent
    iterations: int


class Found(NamedTuple):
    """All that the stations told."""

    names: list[str]
    fit: Fit
    rows: int
    saturated: float


def result(family: Family, found: Found, confidence: float) -> dict[str, Any]:
    """Give the part of the result that follows from the fit.

    Sources: the covariance φ(X'VX)⁻¹ and the dispersion φ (deviance ÷ residual degrees of freedom for the gaussian
    family, else 1) from McCullagh and Nelder (1989), chapter 2; Akaike (1974), "A new look at the statistical model
    identification", IEEE Transactions on Automatic Control 19(6), 716-723. As in statsmodels, the dispersion does not
    count as a parameter, and tests and intervals are normal for each family.
    """
    main, null, iterations = found.fit
    count = len(found.names)
    free = found.rows - count
    dispersion = main.deviance / free if family.has_free_dispersion else 1.0
    covariance = main.covariance * dispersion
    likelihood = log_likelihood(family, main.deviance, found)
    return {
        "coefficients": coefficients(found.names, main.asked() or [], covariance, confidence),
        "covariance": covariance.tolist(),
        "deviance": main.deviance,
        "null_deviance": null.deviance,
        "log_likelihood": likelihood,
        "aic": None if likelihood is None else -2.0 * likelihood + 2.0 * count,
        "dispersion": dispersion,
        "rows": found.rows,
        "df_residual": free,
        "iterations": iterations,
    }


def log_likelihood(family: Family, deviance: float, found: Found) -> float | None:
    """Give the log-likelihood at the maximum; for the gaussian family also over the dispersion (None if it is 0)."""
    if not family.has_free_dispersion:
        return found.saturated - deviance / 2.0
    if deviance <= 0.0:
        return None
    return -found.rows / 2.0 * (log(2.0 * pi * deviance / found.rows) + 1.0)


def coefficients(
    names: list[str], estimates: list[float], covariance: Matrix, confidence: float
) -> list[dict[str, object]]:
    """Give a row for each coefficient, with Wald's test and interval."""
    quantile = tails.normal_quantile(0.5 + confidence / 2.0)
    table: list[dict[str, object]] = []
    for index, (name, estimate) in enumerate(zip(names, estimates, strict=True)):
        error = sqrt(covariance[index, index])
        z = estimate / error if error > 0.0 else None
        table.append(
            {
                "name": name,
                "estimate": estimate,
                "std_error": error,
                "z": z,
                "p_value": None if z is None else tails.normal(z),
                "lower": estimate - quantile * error,
                "upper": estimate + quantile * error,
            }
        )
    return table
