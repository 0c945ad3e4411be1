"""The federated summary equals pandas on the pooled rows, and no answer is about too few persons."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lifelines.datasets import load_lung

from hanse_algorithm.guards import TooFew, UnknownColumn
from hanse_algorithm.rows import UnsuitableColumn
from hanse_algorithm.subtasks import SubtaskFailed
from hanse_algorithm.testing import simulate
from hanse_summary import squares, summary, totals
from hanse_summary.pooling import Disagreement

Tables = dict[str, pd.DataFrame]
NUMERIC = ["age", "time", "meal.cal", "wt.loss", "ph.karno"]


def split(lung: pd.DataFrame) -> Tables:
    """Split the trial by enrolling institution; the patient without one goes to luebeck."""
    station = pd.cut(lung["inst"], [0, 5, 12, 33], labels=["bremen", "hamburg", "luebeck"])
    station = station.astype("object").fillna("luebeck")
    return {str(name): table.reset_index(drop=True) for name, table in lung.groupby(station)}


@pytest.fixture
def lung() -> pd.DataFrame:
    return load_lung()


@pytest.fixture
def tables(lung: pd.DataFrame) -> Tables:
    return split(lung)


@pytest.fixture
def no_minimum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANSE_MINIMUM_COUNT", "0")


def assert_equals_pandas(found: dict[str, Any], column: pd.Series) -> None:
    expected = {
        "count": column.count(),
        "missing": column.isna().sum(),
        "sum": column.sum(),
        "mean": column.mean(),
        "variance": column.var(),
        "std": column.std(),
        "min": column.min(),
        "max": column.max(),
    }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if pd.isna(value):
            assert found[name] is None, name
        else:
            assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name


def test_numeric_columns_equal_pandas(lung: pd.DataFrame, tables: Tables) -> None:
    result = simulate(summary, tables, columns=NUMERIC)
    assert result["rows"] == 228
    for name in NUMERIC:
        assert_equals_pandas(result["numeric"][name], lung[name])


def test_groups_equal_pandas_groupby(lung: pd.DataFrame, tables: Tables) -> None:
    result = simulate(summary, tables, columns=NUMERIC, by="sex")
    assert result["by"] == "sex"
    assert list(result["groups"]) == ["1", "2"]
    for label, group in lung.groupby("sex"):
        assert result["groups"][str(label)]["rows"] == len(group)
        for name in NUMERIC:
            assert_equals_pandas(result["groups"][str(label)]["numeric"][name], group[name])


def test_category_counts_equal_pandas(lung: pd.DataFrame, tables: Tables, no_minimum: None) -> None:
    found = simulate(summary, tables, columns=["ph.ecog"], categorical=["ph.ecog"])["categorical"]["ph.ecog"]
    assert found == {"count": 227, "missing": 1, "counts": {"0": 63, "1": 113, "2": 50, "3": 1}, "hidden": 0}


def test_text_and_booleans_are_counted_without_being_named(no_minimum: None) -> None:
    table = pd.DataFrame({"arm": ["a", "b", "a", None], "died": [True, False, True, True]})
    found = simulate(summary, {"one": table, "two": table[:2]}, columns=["arm", "died"])["categorical"]
    assert found["arm"] == {"count": 5, "missing": 1, "counts": {"a": 3, "b": 2}, "hidden": 0}
    assert found["died"]["counts"] == {"False": 2, "True": 4}


def test_small_categories_stay_at_the_station(tables: Tables) -> None:
    answers = simulate(totals, tables, columns=["ph.ecog"], categorical=["ph.ecog"])
    for answer in answers.values():
        found = answer[0]["columns"]["ph.ecog"]
        assert min(found["counts"].values()) >= 10
        assert found["hidden"] == 0 or found["hidden"] >= 10
        assert sum(found["counts"].values()) + found["hidden"] == found["count"]
    assert "3" not in simulate(summary, tables, columns=["ph.ecog"], categorical=["ph.ecog"])["categorical"]["ph.ecog"]


def test_names_of_persons_are_never_told(tables: Tables) -> None:
    table = tables["bremen"].assign(name=[f"person {i}" for i in range(len(tables["bremen"]))])
    found = simulate(summary, {"bremen": table}, columns=["name"])["categorical"]["name"]
    assert found == {"count": len(table), "missing": 0, "counts": {}, "hidden": len(table)}


def test_a_group_by_names_is_refused_without_telling_them(tables: Tables) -> None:
    table = tables["bremen"].assign(name=[f"person {i}" for i in range(len(tables["bremen"]))])
    with pytest.raises(SubtaskFailed, match=r"bremen: .*too few rows in each group of 'name'") as caught:
        simulate(summary, {"bremen": table}, columns=["age"], by="name")
    assert "person" not in str(caught.value)


@pytest.mark.parametrize(("function", "more"), [(totals, {}), (squares, {"means": [{"group": None, "means": {}}]})])
def test_each_round_refuses_a_tiny_station_and_an_unknown_column(
    tables: Tables, function: Any, more: dict[str, Any]
) -> None:
    with pytest.raises(TooFew, match="too few rows"):
        simulate(function, {"tiny": tables["bremen"][:9]}, columns=["age"], **more)
    with pytest.raises(UnknownColumn, match="'agee'"):
        simulate(function, tables, columns=["agee"], **more)
    with pytest.raises(UnknownColumn, match="'sexx'"):
        simulate(function, tables, columns=["age"], by="sexx", **more)


def test_a_column_with_few_values_is_refused_in_both_rounds(tables: Tables) -> None:
    sparse = tables["bremen"].assign(rare=[5.0] * 3 + [None] * (len(tables["bremen"]) - 3))
    with pytest.raises(TooFew, match="values of 'rare'"):
        simulate(totals, {"bremen": sparse}, columns=["rare"])
    with pytest.raises(TooFew, match="values of 'rare'"):
        simulate(squares, {"bremen": sparse}, columns=["rare"], means=[{"group": None, "means": {"rare": 5.0}}])


def test_a_tiny_station_fails_the_task_by_name(tables: Tables) -> None:
    with pytest.raises(SubtaskFailed, match="luebeck: "):
        simulate(summary, tables | {"luebeck": tables["luebeck"][:3]}, columns=["age"])


def test_an_all_missing_column_has_nothing_but_counts(tables: Tables) -> None:
    empty = {name: table.assign(none=np.nan) for name, table in tables.items()}
    found = simulate(summary, empty, columns=["none"])["numeric"]["none"]
    assert found == {"count": 0, "missing": 228, "sum": 0.0} | dict.fromkeys(["mean", "variance", "std", "min", "max"])
    coded = simulate(summary, empty, columns=["none"], categorical=["none"])["categorical"]["none"]
    assert coded == {"count": 0, "missing": 228, "counts": {}, "hidden": 0}


def test_a_column_missing_at_one_station_counts_elsewhere(lung: pd.DataFrame, tables: Tables) -> None:
    tables["hamburg"]["age"] = np.nan
    pooled = pd.concat(tables.values())
    assert_equals_pandas(simulate(summary, tables, columns=["age"])["numeric"]["age"], pooled["age"])


def test_a_group_may_be_missing_at_a_station(tables: Tables) -> None:
    tables["hamburg"] = tables["hamburg"].query("sex == 1")
    pooled = pd.concat(tables.values())
    result = simulate(summary, tables, columns=["age"], by="sex")
    for label, group in pooled.groupby("sex"):
        assert_equals_pandas(result["groups"][str(label)]["numeric"]["age"], group["age"])


def test_labels_agree_where_a_missing_value_makes_a_column_floating(tables: Tables) -> None:
    tables["hamburg"]["sex"] = tables["hamburg"]["sex"].astype(float)
    tables["hamburg"].loc[0, "sex"] = None
    assert list(simulate(summary, tables, columns=["age"], by="sex")["groups"]) == ["1", "2"]


def test_a_single_station_is_a_federation(lung: pd.DataFrame) -> None:
    assert_equals_pandas(simulate(summary, {"only": lung}, columns=["age"])["numeric"]["age"], lung["age"])


def test_the_researcher_may_choose_the_organizations(tables: Tables) -> None:
    names = list(tables)
    result = simulate(summary, tables, columns=["age"], organizations=[1, 3])
    assert result["rows"] == len(tables[names[0]]) + len(tables[names[2]])


@pytest.mark.parametrize(("variable", "name"), [("SUMMARY_ALLOW_MIN", "min"), ("SUMMARY_ALLOW_MAX", "max")])
def test_a_station_may_withhold_the_extremes(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, variable: str, name: str
) -> None:
    monkeypatch.setenv(variable, "false")
    found = simulate(summary, tables, columns=["age"])["numeric"]["age"]
    assert [key for key, value in found.items() if value is None] == [name]


def test_a_station_with_an_unclear_switch_refuses(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUMMARY_ALLOW_MIN", "perhaps")
    with pytest.raises(SubtaskFailed, match="SUMMARY_ALLOW_MIN must be true or false"):
        simulate(summary, tables, columns=["age"])


def test_numbers_here_and_text_there_is_an_error_naming_the_stations(tables: Tables) -> None:
    tables["hamburg"]["age"] = "sixty"
    with pytest.raises(Disagreement, match="'age' holds numbers at bremen, but other values at hamburg"):
        simulate(summary, tables, columns=["age"])


def test_infinite_values_are_an_error_naming_the_column(tables: Tables) -> None:
    tables["hamburg"].loc[3, "wt.loss"] = np.inf
    with pytest.raises(UnsuitableColumn, match=r"'wt\.loss' holds infinite values"):
        simulate(totals, {"hamburg": tables["hamburg"]}, columns=["wt.loss"])


def test_the_variance_survives_a_large_offset(tables: Tables, lung: pd.DataFrame) -> None:
    shifted = {name: table.assign(age=table["age"] + 1e9) for name, table in tables.items()}
    found = simulate(summary, shifted, columns=["age"])["numeric"]["age"]
    assert found["variance"] == pytest.approx(lung["age"].var(), rel=1e-9)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), stations=st.integers(1, 5))
def test_any_split_gives_the_pooled_numbers(no_minimum: None, seed: int, stations: int) -> None:
    lung = load_lung()
    place = np.random.default_rng(seed).integers(0, stations, len(lung))
    tables = {f"station {i}": lung[place == i] for i in range(stations)}
    result = simulate(summary, tables, columns=["meal.cal", "ph.ecog"], by="sex", categorical=["ph.ecog"])
    for label, group in lung.groupby("sex"):
        found = result["groups"][str(label)]
        assert_equals_pandas(found["numeric"]["meal.cal"], group["meal.cal"])
        counts = group["ph.ecog"].value_counts().sort_index()
        assert found["categorical"]["ph.ecog"]["counts"] == {str(int(k)): v for k, v in counts.items()}
    json.dumps(result, allow_nan=False)
