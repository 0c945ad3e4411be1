"""The arithmetic of the summary, free of tables and stations."""

from collections.abc import Mapping


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


def hide_small(counts: Mapping[str, int], minimum: int) -> tuple[dict[str, int], int]:
    """Leave out the categories with so few rows that they are about single persons.

    The smallest go first, until the rows left out are none or at least `minimum` together, since otherwise a hidden
    count would follow from the total (complementary suppression: Hundepool et al. (2012), "Statistical Disclosure
    Control", Wiley, chapter 4).

    Returns:
        The counts that may be told, and the number of rows left out.
    """
    shown = dict(counts)
    hidden = 0
    for name in sorted(counts, key=lambda name: (counts[name], name)):
        if counts[name] >= minimum and (hidden == 0 or hidden >= minimum):
            break
        hidden += shown.pop(name)
    return shown, hidden
