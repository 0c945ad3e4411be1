"""Add the stations' counts up, and choose the times at which the number at risk is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import floor, log10
from typing import NamedTuple

from hanse_algorithm import rows

TICKS = 6
"""About how many times the number-at-risk table shows after 0."""


class Counts(NamedTuple):
    """One group over all stations, at each time of the grid."""

    at_risk: list[int]
    events: list[int]


def pool(stations: Iterable[Mapping[str, Mapping[str, Sequence[int]]]]) -> dict[str, Counts]:
    """Add up the risk tables by group; a station without the group adds nothing."""
    found: dict[str, list[Mapping[str, Sequence[int]]]] = {}
    for station in stations:
        for label, counts in station.items():
            found.setdefault(label, []).append(counts)
    return {
        label: Counts(_sums(found[label], "at_risk"), _sums(found[label], "events")) for label in rows.in_order(found)
    }


def _sums(parts: Iterable[Mapping[str, Sequence[int]]], name: str) -> list[int]:
    return [sum(values) for values in zip(*(part[name] for part in parts), strict=True)]


def ticks(last: float) -> list[float]:
    """Choose round times from 0 to the last event: steps of 1, 2 or 5 times a power of ten."""
    if last <= 0:
        return [0.0]
    power = 10.0 ** floor(log10(last / TICKS))
    step = next(size * power for size in (1.0, 2.0, 5.0, 10.0) if size * power * TICKS >= last * (1 - 1e-9))
    return [k * step for k in range(int(last / step + 1e-9) + 1)]
