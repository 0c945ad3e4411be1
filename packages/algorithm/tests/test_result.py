"""A result is JSON, or the error says where it is not."""

from __future__ import annotations

import json
from typing import Any

import numpy
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanse_algorithm.errors import ResultError
from hanse_algorithm.result import to_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_every_json_value_comes_back_unchanged(value: Any) -> None:
    assert json.loads(to_json(value)) == value


def test_text_is_written_as_utf_8() -> None:
    assert to_json({"Groß": "ß"}) == '{"Groß":"ß"}'.encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (numpy.int64(3), 3),
        (numpy.float32(0.5), 0.5),
        (numpy.bool_(True), True),
        ({"a": numpy.array([[1, 2], [3, 4]])}, {"a": [[1, 2], [3, 4]]}),
        (({1: "x"},), [{"1": "x"}]),
    ],
)
def test_what_the_numeric_libraries_give_is_understood(value: object, expected: object) -> None:
    assert json.loads(to_json(value)) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"mean": [1.0, float("nan")]}, r"result\['mean'\]\[1\] is nan; JSON has no such number, return None"),
        ({"max": float("-inf")}, r"result\['max'\] is -inf"),
        (numpy.array([1.0, numpy.nan]), r"result\[1\] is nan"),
        ({"a": {"b": {1, 2}}}, r"result\['a'\]\['b'\] is a set, which is not JSON; use sorted\(\)"),
        ({"t": pandas.DataFrame()}, r"result\['t'\] is a pandas.DataFrame, which is not JSON; use its to_dict\(\)"),
        ([object()], r"result\[0\] is a object, which is not JSON"),
        ({(1, 2): 3}, r"result has a key that is a tuple"),
        ({"a": {float("nan"): 3}}, r"result\['a'\] has the key nan"),
        (["\ud800"], r"result\[0\] is text that is not valid Unicode"),
        ({"\ud800": 1}, r"result has a key that is not valid Unicode"),
        (b"bytes", "result is a bytes"),
    ],
)
def test_the_path_to_what_is_not_json_is_named(value: object, message: str) -> None:
    with pytest.raises(ResultError, match=message):
        to_json(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[Any] = [1]
    value.append({"again": value})
    with pytest.raises(ResultError, match=r"result\[1\]\['again'\] contains itself"):
        to_json(value)


def test_a_value_that_is_nested_too_deep_is_refused() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ResultError, match="nested too deep"):
        to_json(value)


def test_the_text_of_a_value_is_never_quoted() -> None:
    with pytest.raises(ResultError) as caught:
        to_json({"rows": [Patient()]})
    assert "Anna" not in str(caught.value)


class Patient:
    def __repr__(self) -> str:
        return "Anna, born 1950"
