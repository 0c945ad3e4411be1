"""Tail probabilities from the standard library alone.

A central function that needs one p-value would otherwise wait for the import of a numerical library.
"""

from __future__ import annotations

import math
from statistics import NormalDist


def normal(z: float) -> float:
    """Give the two-sided p-value of a standard normal statistic: P(|Z| > |z|)."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def normal_quantile(probability: float) -> float:
    """Give the z below which a standard normal variable stays with this probability (0.975 → 1.96)."""
    return NormalDist().inv_cdf(probability)


def chi_squared(statistic: float, degrees: int) -> float:
    """Give the p-value of a chi-squared statistic: P(X > statistic).

    For whole degrees of freedom the integral is a finite sum of positive terms. Source: Abramowitz and Stegun (1964),
    "Handbook of Mathematical Functions", 26.4.4 and 26.4.5.

    Args:
        statistic: at least 0.
        degrees: degrees of freedom, at least 1.
    """
    half = statistic / 2.0
    if half <= 0.0:
        return 1.0
    is_odd = degrees % 2 == 1
    first = math.erfc(math.sqrt(half)) if is_odd else 0.0
    powers = (0.5 + k if is_odd else float(k) for k in range(degrees // 2))
    terms = (math.exp(power * math.log(half) - half - math.lgamma(power + 1.0)) for power in powers)
    return min(math.fsum((first, *terms)), 1.0)
