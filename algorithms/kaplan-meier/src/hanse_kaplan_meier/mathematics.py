"""Survival curves and the log-rank test from counts alone, free of tables and stations."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, log, sqrt
from typing import Any, NamedTuple

from hanse_algorithm import tails

HALF = 0.5 + 1e-12
"""The survival below which the median lies; rounding must not carry an exact half above it."""


class Curve(NamedTuple):
    """A survival curve: one entry for time 0 and for each time with an event."""

    times: list[float]
    at_risk: list[int]
    events: list[int]
    survival: list[float]
    std_error: list[float | None]
    lower: list[float]
    upper: list[float]


class LogRank(NamedTuple):
    """The test's result, with the observed and expected events of each group."""

    statistic: float
    dof: int
    p_value: float
    observed: list[int]
    expected: list[float]


def curve(times: Sequence[float], at_risk: Sequence[int], events: Sequence[int], confidence: float) -> Curve:
    """Estimate the survival curve, its standard error and its pointwise confidence interval.

    Sources: the product-limit estimator of Kaplan and Meier (1958), Journal of the American Statistical Association
    53(282), 457-481; the variance S²·Σ d/(n(n − d)) of Greenwood (1926), "The natural duration of cancer", Reports on
    Public Health and Medical Subjects 33; the interval on the scale log(−log S) of Kalbfleisch and Prentice (1980),
    "The Statistical Analysis of Failure Time Data", section 1.3 (lifelines' "exponential Greenwood").

    Args:
        times: ascending, the first one 0.
        at_risk: those under observation just before each time.
        events: the events at each time.
        confidence: the level of the interval, such as 0.95.

    Returns:
        The curve at time 0 and at each time with events. Once nobody is left, the standard error is None.
    """
    z = tails.normal_quantile(0.5 + confidence / 2.0)
    points: list[tuple[Any, ...]] = []
    survival, spread = 1.0, 0.0
    for time, n, d in zip(times, at_risk, events, strict=True):
        if d == 0 and points:
            continue
        survival *= (n - d) / n if n else 1.0
        spread += d / (n * (n - d)) if n > d else 0.0
        error = survival * sqrt(spread) if survival > 0.0 else None
        points.append((time, n, d, survival, error, *_interval(survival, sqrt(spread), z)))
    return Curve(*(list(column) for column in zip(*points, strict=True)))


def _interval(survival: float, spread: float, z: float) -> tuple[float, float]:
    if survival in (0.0, 1.0):
        return survival, survival
    logarithm = log(survival)
    lower, upper = (exp(logarithm * exp(sign * z * spread / logarithm)) for sign in (-1.0, 1.0))
    return lower, upper


def median(times: Sequence[float], survival: Sequence[float]) -> float | None:
    """Give the first time at which survival is at most one half; None when it stays above.

    Applied to the limits of the confidence interval, it gives that of the median. Source: Brookmeyer and Crowley
    (1982), "A confidence interval for the median survival time", Biometrics 38(1), 29-41.
    """
    return next((time for time, share in zip(times, survival, strict=True) if share <= HALF), None)


def log_rank(at_risk: Sequence[Sequence[int]], events: Sequence[Sequence[int]]) -> LogRank | None:
    """Test whether groups have the same survival.

    Sources: Mantel (1966), "Evaluation of survival data and two new rank order statistics arising in its
    consideration", Cancer Chemotherapy Reports 50(3), 163-170; for several groups and ties Peto and Peto (1972),
    Journal of the Royal Statistical Society A 135(2), 185-207, with the hypergeometric covariance.

    Args:
        at_risk: for each group, those at risk at each time; the times are the same for all.
        events: for each group, its events at each time.

    Returns:
        None when there are fewer than two groups or no events.
    """
    count = len(at_risk)
    observed = [sum(row) for row in events]
    if count < 2 or not any(observed):
        return None
    expected: list[list[float]] = [[] for _ in range(count)]
    covariance: list[list[list[float]]] = [[[] for _ in range(count)] for _ in range(count)]
    for n, d in zip(zip(*at_risk, strict=True), zip(*events, strict=True), strict=True):
        _add_time(expected, covariance, n, sum(d))
    totals = [fsum(terms) for terms in expected]
    statistic = _quadratic_form(
        [o - e for o, e in zip(observed, totals, strict=True)], [[fsum(terms) for terms in row] for row in covariance]
    )
    return LogRank(statistic, count - 1, tails.chi_squared(statistic, count - 1), observed, totals)


def _add_time(
    expected: list[list[float]], covariance: list[list[list[float]]], at_risk: Sequence[int], events: int
) -> None:
    total = sum(at_risk)
    if events == 0:
        return
    factor = events * (total - events) / (total - 1) if total > 1 else 0.0
    shares = [n / total for n in at_risk]
    for i, share in enumerate(shares):
        expected[i].append(events * share)
        for j, other in enumerate(shares):
            covariance[i][j].append(factor * share * ((i == j) - other))


def _quadratic_form(difference: Sequence[float], covariance: Sequence[Sequence[float]]) -> float:
    """Give z'V⁻z without the last group, whose difference follows from the others'."""
    if len(difference) == 2:
        return difference[0] ** 2 / covariance[0][0] if covariance[0][0] > 0.0 else 0.0
    import numpy as np

    z = np.array(difference[:-1])
    inverse = np.linalg.pinv(np.array([row[:-1] for row in covariance[:-1]]), hermitian=True)
    return float(z @ inverse @ z)
