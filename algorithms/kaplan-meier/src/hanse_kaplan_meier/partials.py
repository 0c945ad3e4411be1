"""What each station counts: first when events happen, then who is at risk at those times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from hanse_algorithm import Column, PrivacyViolation, federated, rows, setting
from hanse_algorithm.errors import EnvironmentFault, InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

MINIMUM_BIN_WIDTH = "KAPLAN_MEIER_MINIMUM_BIN_WIDTH"
EVERYBODY = "all"
"""The label of the only group when the rows are not split."""


class Group(NamedTuple):
    """The follow-up of one group's rows: until when, and whether an event ended it."""

    label: str
    times: npt.NDArray[np.float64]
    is_event: npt.NDArray[np.bool_]


@federated
def event_times(
    data: pd.DataFrame,
    time: Column,
    event: Column,
    event_value: str | int | float = 1,
    by: Column | None = None,
    bin_width: float | None = None,
) -> dict[str, object]:
    """Give the distinct times of events, over all groups, and the number of rows and events of each group."""
    import numpy as np

    table, excluded = _table(data, time, event, by)
    groups = list(_groups(table, time, event, event_value, by, bin_width))
    times = np.unique(np.concatenate([group.times[group.is_event] for group in groups]))
    return {
        "times": times.tolist(),
        "groups": {group.label: {"rows": len(group.times), "events": int(group.is_event.sum())} for group in groups},
        "excluded": excluded,
    }


@federated
def risk_table(
    data: pd.DataFrame,
    times: list[float],
    time: Column,
    event: Column,
    event_value: str | int | float = 1,
    by: Column | None = None,
    bin_width: float | None = None,
) -> dict[str, dict[str, list[int]]]:
    """Count for each group how many are at risk just before each of the times, and how many have an event then."""
    import numpy as np

    table, _ = _table(data, time, event, by)
    grid = np.asarray(times, dtype=np.float64)
    answer = {}
    for label, until, is_event in _groups(table, time, event, event_value, by, bin_width):
        ended, events = np.sort(until), np.sort(until[is_event])
        answer[label] = {
            "at_risk": (len(ended) - np.searchsorted(ended, grid, side="left")).tolist(),
            "events": (np.searchsorted(events, grid, side="right") - np.searchsorted(events, grid)).tolist(),
        }
    return answer


def _table(data: pd.DataFrame, time: str, event: str, by: str | None) -> rows.Complete:
    return rows.complete(data, [time, event, *([by] if by else [])])


def _groups(
    table: pd.DataFrame, time: str, event: str, event_value: object, by: str | None, bin_width: float | None
) -> Iterator[Group]:
    times = _binned(rows.floats(table, time), time, bin_width)
    is_event = _is_event(table[event], event_value)
    if by is None:
        yield Group(EVERYBODY, times, is_event)
        return
    labels = rows.labels(table[by])
    rows.groups_are_large(labels.value_counts(), f"complete rows in each group of '{by}'")
    for label in rows.in_order(labels.unique()):
        is_member = (labels == label).to_numpy(dtype=bool)
        yield Group(label, times[is_member], is_event[is_member])


def _is_event(column: pd.Series, value: object) -> npt.NDArray[np.bool_]:
    """Compare as labels, with true and false as 1 and 0, so that it does not matter how a station codes its file."""
    from pandas.api.types import is_bool_dtype

    codes = column.astype(int) if is_bool_dtype(column) else column
    wanted = rows.label(int(value) if isinstance(value, bool) else value)
    return (rows.labels(codes) == wanted).to_numpy(dtype=bool)


def _binned(times: npt.NDArray[np.float64], name: str, width: float | None) -> npt.NDArray[np.float64]:
    """Move each time to the end of its bin: with width 7, the days 1 to 7 become 7."""
    import numpy as np

    if (times < 0).any():
        raise rows.UnsuitableColumn(f"column '{name}' holds negative times")
    if width is not None and width <= 0:
        raise InputError("'bin_width' must be above 0")
    least = _minimum_bin_width()
    if (width or 0.0) < least:
        raise PrivacyViolation(f"this station tells times only in bins: pass a 'bin_width' of at least {least:g}")
    if width is None:
        return times
    bins = np.ceil(times / width - 1e-9)
    return np.asarray(bins * width, dtype=np.float64)


def _minimum_bin_width() -> float:
    text = setting(MINIMUM_BIN_WIDTH) or "0"
    try:
        width = float(text)
    except ValueError:
        width = -1.0
    if not 0 <= width < float("inf"):
        raise EnvironmentFault(f"{MINIMUM_BIN_WIDTH} must be a number of at least 0; ask the station's administrator")
    return width
