"""Ask for the times of events, then for the numbers at risk at those times, and estimate."""

from __future__ import annotations

from typing import Any

from hanse_algorithm import Answer, Column, Federation, OrganizationId, central
from hanse_algorithm.errors import InputError
from hanse_kaplan_meier import mathematics, pooling
from hanse_kaplan_meier.partials import event_times, risk_table


@central
def kaplan_meier(
    federation: Federation,
    time: Column,
    event: Column,
    event_value: str | int | float = 1,
    by: Column | None = None,
    confidence: float = 0.95,
    bin_width: float | None = None,
    at_risk_at: list[float] | None = None,
    organizations: list[OrganizationId] | None = None,
) -> dict[str, object]:
    """Estimate survival curves over all stations, and compare groups by the log-rank test.

    Args:
        time: the column with the time from entry to the event or to the end of observation, at least 0.
        event: the column that says what ended the observation.
        event_value: its value where that was the event; every other value means censored.
        by: a column whose values split the rows into groups.
        confidence: the level of the pointwise confidence intervals.
        bin_width: move each time to the end of a bin of this width first; stations may require it.
        at_risk_at: the times for the number-at-risk table; round times up to the last event when not given.
        organizations: the organizations to ask; all of the collaboration when not given.

    Returns:
        `groups`: for each label (`all` without `by`) `rows`, `events`, `censored`, `median` with `median_lower` and
        `median_upper` (None when survival stays above one half), and `curve`: lists `times`, `at_risk`, `events`,
        `survival`, `std_error` (Greenwood), `lower` and `upper` (log-log interval), starting at time 0.
        `at_risk`: `times` and, for each group, the number at risk just before each. `log_rank`: `statistic`, `dof`,
        `p_value`, and by group `observed` and `expected` events; None without a second group or without events.
        `stations`: the rows used and left out at each.

    Example:
        kaplan_meier(federation, time="time", event="status", by="sex")
    """
    if not 0.0 < confidence < 1.0:
        raise InputError("'confidence' must lie between 0 and 1, such as 0.95")
    model = {"time": time, "event": event, "event_value": event_value, "by": by, "bin_width": bin_width}
    first = federation.run(event_times, organizations=organizations, **model)
    times = sorted({moment for answer in first for moment in answer.result["times"]})
    shown = sorted(set(map(float, at_risk_at))) if at_risk_at else pooling.ticks(times[-1] if times else 0.0)
    grid = sorted({0.0, *times, *shown})
    second = federation.run(risk_table, organizations=organizations, times=grid, **model)
    counts = pooling.pool(answer.result for answer in second)
    return {
        **model,
        "confidence": confidence,
        "groups": {label: _group(_size(first, label), grid, each, confidence) for label, each in counts.items()},
        "at_risk": {
            "times": shown,
            "groups": {label: [each.at_risk[grid.index(at)] for at in shown] for label, each in counts.items()},
        },
        "log_rank": _log_rank(counts),
        "stations": [_station(answer) for answer in first],
    }


def _size(answers: list[Answer], label: str) -> dict[str, int]:
    parts = [answer.result["groups"].get(label, {"rows": 0, "events": 0}) for answer in answers]
    size = {name: sum(part[name] for part in parts) for name in ("rows", "events")}
    return size | {"censored": size["rows"] - size["events"]}


def _group(size: dict[str, int], grid: list[float], counts: pooling.Counts, confidence: float) -> dict[str, Any]:
    curve = mathematics.curve(grid, counts.at_risk, counts.events, confidence)
    return size | {
        "median": mathematics.median(curve.times, curve.survival),
        "median_lower": mathematics.median(curve.times, curve.lower),
        "median_upper": mathematics.median(curve.times, curve.upper),
        "curve": curve._asdict(),
    }


def _log_rank(counts: dict[str, pooling.Counts]) -> dict[str, Any] | None:
    test = mathematics.log_rank([each.at_risk for each in counts.values()], [each.events for each in counts.values()])
    if test is None:
        return None
    by_group = {
        "observed": dict(zip(counts, test.observed, strict=True)),
        "expected": dict(zip(counts, test.expected, strict=True)),
    }
    return test._asdict() | by_group


def _station(answer: Answer) -> dict[str, object]:
    used = sum(group["rows"] for group in answer.result["groups"].values())
    return {"organization": answer.organization, "rows": used, "excluded": answer.result["excluded"]}
