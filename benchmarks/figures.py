"""Figures of repeated measurements, beside what was asked and a yardstick of the same run."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Figure:
    """Several measurements of one thing."""

    name: str
    unit: str
    values: Sequence[float]
    asked: float | None = None
    """The largest median that was promised."""
    yardstick: float | None = None
    """What a bare equivalent took on this machine in the same run, in the same unit."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool | None:
        return None if self.asked is None else self.median <= self.asked

    def row(self) -> tuple[str, ...]:
        verdict = {None: "", True: "met", False: "MISSED"}[self.is_met]
        asked = "" if self.asked is None else f"≤ {self.asked:g}"
        ratio = f"{self.median / self.yardstick:.3g}" if self.yardstick else ""
        numbers = (f"{value:.3g}" for value in (min(self.values), self.median, max(self.values)))
        return (self.name, *numbers, self.unit, asked, verdict, ratio)

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "unit": self.unit,
            "values": [round(value, 4) for value in self.values],
            "median": round(self.median, 4),
            "asked": self.asked,
            "met": self.is_met,
            "yardstick": self.yardstick,
        }


def seconds(action: Callable[[], object], times: int, warm_up: int = 1) -> list[float]:
    """Time an action several times, after runs that do not count."""
    for _ in range(warm_up):
        action()
    values = []
    for _ in range(times):
        begin = time.perf_counter()
        action()
        values.append(time.perf_counter() - begin)
    return values


@cache
def bare_python(program: str = "pass", times: int = 5) -> float:
    """Median seconds of a bare interpreter that runs this program: the yardstick of this machine, now."""
    command = [sys.executable, "-c", program]
    return statistics.median(seconds(lambda: subprocess.run(command, check=True, timeout=60), times))
