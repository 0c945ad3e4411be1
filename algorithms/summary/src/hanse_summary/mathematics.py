"""The arithmetic of the summary, free of tables and stations."""


def mean(total: float, count: int) -> float | None:
    """Divide, unless there is nothing to divide by."""
    return total / count if count else None


def variance(squares: float, deviation: float, count: int) -> float | None:
    """Give the sample variance (ddof = 1) from sums around an approximate mean.

    `squares` is Σ(x − m)² and `deviation` is Σ(x − m); the second, zero in exact arithmetic, takes the rounding error
    of `m` out again. Source: the corrected two-pass algorithm, formula 1.7 in Chan, Golub and LeVeque (1983),
    "Algorithms for computing the sample variance: analysis and recommendations", The American Statistician 37(3),
    242-247.
    """
    if count < 2:
        return None
    return max(squares - deviation * deviation / count, 0.0) / (count - 1)
