"""The federated table equals pandas, its test equals scipy, and small cells stay at their station."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lifelines.datasets import load_lung
from scipy.stats import chi2_contingency

from hanse_algorithm.guards import TooFew, UnknownColumn
from hanse_algorithm.subtasks import SubtaskFailed
from hanse_algorithm.testing import simulate
from hanse_crosstab import cells, crosstab

Tables = dict[str, pd.DataFrame]


@pytest.fixture
def lung() -> pd.DataFrame:
    return load_lung()


@pytest.fixture
def tables(lung: pd.DataFrame) -> Tables:
    """Split the trial by enrolling institution; the patient without one goes to luebeck."""
    station = pd.cut(lung["inst"], [0, 5, 12, 33], labels=["bremen", "hamburg", "luebeck"])
    station = station.astype("object").fillna("luebeck")
    return {str(name): table.reset_index(drop=True) for name, table in lung.groupby(station)}


@pytest.fixture
def no_minimum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANSE_MINIMUM_COUNT", "0")


def assert_equals_pooled(result: dict[str, Any], pooled: pd.DataFrame, correction: bool = True) -> None:
    table = pd.crosstab(pooled[result["row"]], pooled[result["column"]])
    assert result["counts"] == table.to_numpy().tolist()
    assert result["row_totals"] == table.sum(axis=1).tolist()
    assert result["column_totals"] == table.sum(axis=0).tolist()
    assert (result["total"], result["hidden"]) == (table.to_numpy().sum(), 0)
    expected = chi2_contingency(table, correction=correction)
    found = result["chi_squared"]
    assert found["statistic"] == pytest.approx(expected.statistic, rel=1e-9, abs=1e-12)
    assert found["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)
    assert found["dof"] == expected.dof
    assert found["expected"] == [pytest.approx(row, rel=1e-12) for row in expected.expected_freq]


@pytest.mark.parametrize("correction", [True, False])
def test_a_two_by_two_table_equals_pandas_and_scipy(
    lung: pd.DataFrame, tables: Tables, monkeypatch: pytest.MonkeyPatch, correction: bool
) -> None:
    monkeypatch.setenv("HANSE_MINIMUM_COUNT", "5")
    result = simulate(crosstab, tables, row="sex", column="status", correction=correction)
    assert_equals_pooled(result, lung, correction)
    assert result["chi_squared"]["correction"] is correction
    assert (result["row_labels"], result["column_labels"]) == (["1", "2"], ["0", "1"])


def test_a_larger_table_equals_pandas_and_scipy(lung: pd.DataFrame, tables: Tables, no_minimum: None) -> None:
    result = simulate(crosstab, tables, row="sex", column="ph.ecog")
    assert result["column_labels"] == ["0", "1", "2", "3"]
    assert_equals_pooled(result, lung)
    assert result["chi_squared"]["correction"] is False


def test_chosen_levels_equal_the_pooled_selection(lung: pd.DataFrame, tables: Tables, no_minimum: None) -> None:
    result = simulate(crosstab, tables, row="sex", column="ph.ecog", column_levels=["0", "1", "2"])
    assert_equals_pooled(result, lung[lung["ph.ecog"] < 3])


def test_rows_used_and_left_out_are_told_for_each_station(tables: Tables) -> None:
    tables["bremen"].loc[:14, "sex"] = None
    tables["hamburg"].loc[:2, "sex"] = None
    result = simulate(crosstab, tables, row="sex", column="status")
    assert result["stations"] == [
        {"organization": "bremen", "rows": len(tables["bremen"]) - 15, "excluded": 15},
        {"organization": "hamburg", "rows": len(tables["hamburg"]) - 3, "excluded": None},
        {"organization": "luebeck", "rows": len(tables["luebeck"]), "excluded": 0},
    ]


def station(*counts: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame([(r, c) for r, c, n in counts for _ in range(n)], columns=["r", "c"])


def test_a_small_cell_is_hidden_and_with_it_what_would_give_it_away() -> None:
    table = station(("a", "x", 50), ("a", "y", 3), ("b", "x", 20), ("b", "y", 40))
    answer = simulate(cells, {"only": table}, row="r", column="c")["only"]
    assert answer["counts"] == [[50, None], [None, 40]]
    assert (answer["hidden"], answer["rows"]) == (23, 113)


def test_a_hidden_cell_is_not_taken_for_an_empty_one() -> None:
    small = station(("a", "x", 50), ("a", "y", 3), ("b", "x", 20), ("b", "y", 40))
    large = station(("a", "x", 30), ("a", "y", 30), ("b", "x", 30), ("b", "y", 30))
    result = simulate(crosstab, {"small": small, "large": large}, row="r", column="c")
    assert result["counts"] == [[80, None], [None, 70]]
    assert result["row_totals"] == result["column_totals"] == [None, None]
    assert (result["total"], result["hidden"], result["chi_squared"]) == (233, 23, None)


def test_a_value_too_rare_to_be_named_at_one_station_is_unknown_there() -> None:
    rare = station(("a", "x", 40), ("b", "x", 40), ("a", "rare", 3), ("b", "rare", 4))
    common = station(("a", "x", 20), ("b", "x", 20), ("a", "rare", 20), ("b", "rare", 20))
    answer = simulate(cells, {"rare": rare}, row="r", column="c")["rare"]
    assert (answer["column_labels"], answer["hides_columns"], answer["hides_rows"]) == (["x"], True, False)
    result = simulate(crosstab, {"rare": rare, "common": common}, row="r", column="c")
    assert result["column_labels"] == ["rare", "x"]
    assert [row[0] for row in result["counts"]] == [None, None]
    assert result["row_totals"] == [None, None]


def test_a_value_that_a_station_does_not_have_counts_as_zero_there() -> None:
    both = station(("a", "x", 20), ("b", "x", 20), ("a", "y", 20), ("b", "y", 20))
    only_x = station(("a", "x", 15), ("b", "x", 12))
    assert_equals_pooled(
        simulate(crosstab, {"both": both, "only x": only_x}, row="r", column="c"), pd.concat([both, only_x])
    )


def test_names_of_persons_are_never_told(tables: Tables) -> None:
    table = tables["bremen"].assign(name=[f"person {i}" for i in range(len(tables["bremen"]))])
    answer = simulate(cells, {"bremen": table}, row="name", column="sex")["bremen"]
    assert "person" not in json.dumps(answer)
    result = simulate(crosstab, {"bremen": table}, row="name", column="sex")
    assert (result["counts"], result["chi_squared"], result["hidden"]) == ([], None, len(table))


def test_a_table_of_one_column_has_no_test(tables: Tables) -> None:
    alive = {name: table.assign(arm="same") for name, table in tables.items()}
    result = simulate(crosstab, alive, row="sex", column="arm")
    assert result["chi_squared"] is None
    assert result["counts"] == [[138], [90]]


def test_a_single_station_is_a_federation(lung: pd.DataFrame) -> None:
    assert_equals_pooled(simulate(crosstab, {"only": lung}, row="sex", column="status"), lung)


@pytest.mark.parametrize(
    "spoil",
    [lambda table: table[:9], lambda table: table.assign(sex=None), lambda table: table.assign(status=np.nan)],
    ids=["tiny station", "all-missing row column", "all-missing column"],
)
def test_too_few_complete_rows_are_refused(tables: Tables, spoil: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    tables["hamburg"] = spoil(tables["hamburg"])
    with pytest.raises(SubtaskFailed, match=r"hamburg: .*too few complete rows"):
        simulate(crosstab, tables, row="sex", column="status")


def test_levels_that_select_too_few_rows_are_refused(tables: Tables) -> None:
    with pytest.raises(TooFew, match="rows with one of the levels"):
        simulate(cells, tables, row="sex", column="ph.ecog", column_levels=["3"])


def test_an_unknown_column_is_named(tables: Tables) -> None:
    with pytest.raises(UnknownColumn, match="'ecog'"):
        simulate(cells, tables, row="sex", column="ecog")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), stations=st.integers(1, 5))
def test_any_split_gives_the_pooled_table(no_minimum: None, seed: int, stations: int) -> None:
    lung = load_lung()
    place = np.random.default_rng(seed).integers(0, stations, len(lung))
    tables = {f"station {i}": lung[place == i] for i in range(stations)}
    assert_equals_pooled(simulate(crosstab, tables, row="ph.ecog", column="pat.karno"), lung)
