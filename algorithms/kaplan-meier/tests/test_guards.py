"""No station answers about too few persons, nor at a finer grain than it allows; wrong input is explained."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hanse_algorithm import PrivacyViolation
from hanse_algorithm.errors import EnvironmentFault, InputError
from hanse_algorithm.guards import TooFew, UnknownColumn
from hanse_algorithm.rows import UnsuitableColumn
from hanse_algorithm.subtasks import SubtaskFailed
from hanse_algorithm.testing import simulate
from hanse_kaplan_meier import event_times, kaplan_meier, risk_table

Tables = dict[str, pd.DataFrame]
ROUNDS = pytest.mark.parametrize(("partial", "more"), [(event_times, {}), (risk_table, {"times": [100.0]})])


@ROUNDS
def test_a_tiny_station_refuses(tables: Tables, partial: Callable[..., Any], more: dict[str, Any]) -> None:
    with pytest.raises(TooFew, match="complete rows"):
        simulate(partial, {"tiny": tables["bremen"][:9]}, time="time", event="status", **more)


@ROUNDS
def test_a_tiny_group_is_refused(tables: Tables, partial: Callable[..., Any], more: dict[str, Any]) -> None:
    with pytest.raises(TooFew, match=r"complete rows in each group of 'ph\.ecog'"):
        simulate(partial, tables, time="time", event="status", by="ph.ecog", **more)


@ROUNDS
def test_a_station_may_require_bins(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, partial: Callable[..., Any], more: dict[str, Any]
) -> None:
    monkeypatch.setenv("KAPLAN_MEIER_MINIMUM_BIN_WIDTH", "30")
    for width in (None, 29.9):
        with pytest.raises(PrivacyViolation, match="'bin_width' of at least 30"):
            simulate(partial, tables, time="time", event="status", bin_width=width, **more)
    assert simulate(partial, tables, time="time", event="status", bin_width=30.0, **more)


def test_with_bins_no_exact_time_leaves_the_station(tables: Tables) -> None:
    for answer in simulate(event_times, tables, time="time", event="status", bin_width=7).values():
        assert answer["times"]
        assert all(time % 7 == 0 for time in answer["times"])


def test_bins_of_fractions_do_not_move_times_at_their_end(no_minimum: None) -> None:
    table = pd.DataFrame({"time": [k / 10 for k in range(1, 30)], "status": 1})
    answer = simulate(event_times, {"only": table}, time="time", event="status", bin_width=0.1)["only"]
    assert len(answer["times"]) == 29


def test_a_group_by_names_is_refused_without_telling_them(tables: Tables) -> None:
    table = tables["bremen"].assign(name=[f"person {i}" for i in range(len(tables["bremen"]))])
    with pytest.raises(SubtaskFailed, match="'name'") as caught:
        simulate(kaplan_meier, {"bremen": table}, time="time", event="status", by="name")
    assert "person" not in str(caught.value)


def test_rows_left_out_are_told_unless_they_are_few(tables: Tables) -> None:
    tables["bremen"].loc[:14, "time"] = None
    tables["hamburg"].loc[:2, "status"] = None
    result = simulate(kaplan_meier, tables, time="time", event="status")
    assert [station["excluded"] for station in result["stations"]] == [15, None, 0]
    assert sum(station["rows"] for station in result["stations"]) == 228 - 18


@pytest.mark.parametrize("column", ["time", "status", "sex"])
def test_an_all_missing_column_leaves_too_few_rows(tables: Tables, column: str) -> None:
    tables["hamburg"][column] = np.nan
    with pytest.raises(SubtaskFailed, match=r"hamburg: .*complete rows"):
        simulate(kaplan_meier, tables, time="time", event="status", by="sex")


def test_an_unknown_column_is_named(tables: Tables) -> None:
    with pytest.raises(UnknownColumn, match="'days'"):
        simulate(event_times, tables, time="days", event="status")


@pytest.mark.parametrize(
    ("time", "cause"), [(-1.0, "negative times"), (np.inf, "infinite values"), ("long", "must hold numbers")]
)
def test_impossible_times_are_explained(tables: Tables, time: object, cause: str) -> None:
    with pytest.raises(UnsuitableColumn, match=f"'time' .*{cause}"):
        simulate(event_times, {"bremen": tables["bremen"].assign(time=time)}, time="time", event="status")


def test_impossible_arguments_are_explained(tables: Tables) -> None:
    with pytest.raises(InputError, match="'confidence' must lie between 0 and 1"):
        simulate(kaplan_meier, tables, time="time", event="status", confidence=95)
    with pytest.raises(InputError, match="'bin_width' must be above 0"):
        simulate(event_times, tables, time="time", event="status", bin_width=0)


def test_an_unclear_setting_stops_the_run(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAPLAN_MEIER_MINIMUM_BIN_WIDTH", "a week")
    with pytest.raises(EnvironmentFault, match="KAPLAN_MEIER_MINIMUM_BIN_WIDTH must be a number"):
        simulate(event_times, tables, time="time", event="status")
