"""Put the stations' answers on one column of one group together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import fsum, sqrt
from typing import Any, NamedTuple

from hanse_algorithm import rows
from hanse_algorithm.errors import DataError
from hanse_summary.mathematics import mean, variance
from hanse_summary.partials import CATEGORY, EMPTY, NUMBER

Statistics = dict[str, Any]
"""The statistics of one column in one group, as in the result."""


class Disagreement(DataError):
    """A column holds numbers at one station and text at another."""


class Part(NamedTuple):
    """What one station found in one column of one group."""

    organization: str
    found: dict[str, Any]


def kind_of(column: str, parts: Iterable[Part], is_coded: bool) -> str:
    """Say whether a column is numeric or categorical; stations where it is empty have no say."""
    first: dict[str, str] = {}
    for organization, found in parts:
        if found["kind"] != EMPTY:
            first.setdefault(found["kind"], organization)
    if len(first) > 1:
        raise Disagreement(
            f"column '{column}' holds numbers at {first[NUMBER]}, but other values at {first[CATEGORY]}; "
            "name it in 'categorical' to count its values"
        )
    return next(iter(first), CATEGORY if is_coded else NUMBER)


def numeric(parts: Sequence[Part]) -> Statistics:
    """Add up a numeric column; the variance follows in the second round."""
    filled = [found for _, found in parts if found["kind"] != EMPTY]
    total, count = fsum(found["sum"] for found in filled), sum(found["count"] for found in filled)
    return {
        "count": count,
        "missing": sum(part.found["missing"] for part in parts),
        "sum": total,
        "mean": mean(total, count),
        "variance": None,
        "std": None,
        "min": _extreme(min, [found["min"] for found in filled]),
        "max": _extreme(max, [found["max"] for found in filled]),
    }


def categorical(parts: Sequence[Part]) -> Statistics:
    """Add up the counts of each category that a station told."""
    told = [found for _, found in parts if found["kind"] != EMPTY]
    names = rows.in_order(name for found in told for name in found["counts"])
    return {
        "count": sum(found["count"] for found in told),
        "missing": sum(part.found["missing"] for part in parts),
        "counts": {name: sum(found["counts"].get(name, 0) for found in told) for name in names},
        "hidden": sum(found["hidden"] for found in told),
    }


def complete(statistics: Statistics, deviations: Iterable[dict[str, float]]) -> None:
    """Fill in the variance and the standard deviation from the second round."""
    parts = list(deviations)
    spread = variance(
        fsum(part["squares"] for part in parts), fsum(part["deviation"] for part in parts), statistics["count"]
    )
    statistics["variance"] = spread
    statistics["std"] = None if spread is None else sqrt(spread)


def _extreme(pick: Callable[[list[float]], float], values: list[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return pick(told) if told and len(told) == len(values) else None
