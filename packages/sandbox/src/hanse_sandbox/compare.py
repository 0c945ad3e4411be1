"""Federated numbers beside pooled ones."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

TOLERANCE = 1e-6
"""Largest relative difference at which two numbers count as equal (absolute, below 1)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One number, computed by the federation and on the pooled data."""

    question: str
    name: str
    federated: float
    pooled: float

    @property
    def difference(self) -> float:
        """Give the difference relative to the pooled number (absolute, where that is small)."""
        return abs(self.federated - self.pooled) / max(1.0, abs(self.pooled))

    @property
    def is_equal(self) -> bool:
        return math.isfinite(self.difference) and self.difference <= TOLERANCE


def are_equal(comparisons: Iterable[Comparison]) -> bool:
    """Tell whether there is something to compare, and all of it agrees."""
    rows = list(comparisons)
    return bool(rows) and all(row.is_equal for row in rows)
