"""All stations read their rows the same way."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanse_algorithm import guards, rows


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.0, "1"), ("1", "1"), (np.float64(2), "2"), (np.float32(2), "2"), (np.int64(3), "3"), (0.5, "0.5"),
     (True, "True"), (np.bool_(True), "True"), ("a", "a"), (float("inf"), "inf")],
)  # fmt: skip
def test_the_same_category_has_the_same_label(value: object, text: str) -> None:
    assert rows.label(value) == text


def test_labels_keep_missing_values_missing() -> None:
    assert rows.labels(pd.Series([1.0, None, 2.0])).tolist()[::2] == ["1", "2"]
    assert rows.labels(pd.Series([1.0, None])).isna().tolist() == [False, True]
    assert rows.labels(pd.Series([np.nan, np.nan])).isna().all()


def test_labels_are_ordered_as_numbers_then_as_text() -> None:
    assert rows.in_order(["b", "10", "9", "a", "nan", "9"]) == ["9", "10", "a", "b", "nan"]


def test_incomplete_rows_are_left_out_and_counted() -> None:
    data = pd.DataFrame({"x": [*range(20), *[None] * 15], "y": range(35), "other": [None] * 35})
    table, excluded = rows.complete(data, ["x", "y", "x"])
    assert list(table.columns) == ["x", "y"]
    assert (len(table), excluded) == (20, 15)


def test_a_small_number_of_left_out_rows_is_not_told() -> None:
    data = pd.DataFrame({"x": [*range(20), None]})
    assert rows.complete(data, ["x"]).excluded is None
    assert rows.complete(data[:20], ["x"]).excluded == 0


def test_too_few_complete_rows_are_refused() -> None:
    with pytest.raises(guards.TooFew, match="complete rows"):
        rows.complete(pd.DataFrame({"x": [*range(9), None, None]}), ["x"])


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(guards.UnknownColumn, match="'z'"):
        rows.complete(pd.DataFrame({"x": range(20)}), ["z"])


def test_small_means_above_zero_and_below_the_station_minimum(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [rows.is_small(count) for count in (0, 1, 9, 10)] == [False, True, True, False]
    monkeypatch.setenv("HANSE_MINIMUM_COUNT", "3")
    assert [rows.told(count) for count in (0, 2, 3)] == [0, None, 3]


def test_a_small_group_is_refused_without_telling_which() -> None:
    rows.groups_are_large([0, 10, 12], "rows in each group of 'sex'")
    with pytest.raises(guards.TooFew, match="too few rows in each group of 'sex'"):
        rows.groups_are_large([0, 3, 12], "rows in each group of 'sex'")


def test_numbers_and_booleans_become_floats() -> None:
    table = pd.DataFrame({"x": [1, 2], "b": [True, False], "n": pd.array([1, 2], dtype="Int64")})
    assert [rows.floats(table, name).tolist() for name in table] == [[1.0, 2.0], [1.0, 0.0], [1.0, 2.0]]
    assert rows.floats(pd.DataFrame({"x": pd.Series([], dtype=object)}), "x").tolist() == []


@pytest.mark.parametrize(("values", "cause"), [(["a"], "must hold numbers"), ([1.0, np.inf], "infinite values")])
def test_other_values_are_an_error_naming_the_column(values: list[object], cause: str) -> None:
    with pytest.raises(rows.UnsuitableColumn, match=f"'x' .*{cause}"):
        rows.floats(pd.DataFrame({"x": values}), "x")


@pytest.mark.parametrize(
    ("counts", "shown", "hidden"),
    [
        ({"a": 12, "b": 30, "none": 0}, {"a": 12, "b": 30}, 0),
        ({"a": 1, "b": 12, "c": 30}, {"c": 30}, 13),
        ({"a": 6, "b": 7, "c": 30}, {"c": 30}, 13),
        ({"a": 3, "b": 70}, {}, 73),
        ({}, {}, 0),
    ],
)
def test_the_smallest_categories_are_hidden_first(counts: dict[str, int], shown: dict[str, int], hidden: int) -> None:
    assert rows.hide_small(counts) == (shown, hidden)


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 50)), st.integers(0, 20))
def test_what_is_hidden_is_nothing_or_enough(counts: dict[str, int], minimum: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANSE_MINIMUM_COUNT", str(minimum))
        shown, hidden = rows.hide_small(counts)
    assert sum(shown.values()) + hidden == sum(counts.values())
    assert all(count >= minimum for count in shown.values())
    assert hidden == 0 or hidden >= minimum or not shown
