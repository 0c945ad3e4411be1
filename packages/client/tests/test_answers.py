"""What comes back: how it looks, and as pandas tables."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from hanse import Answer, Answers, RunFailure, TaskFailed
from hanse.frames import framed
from hanse_core.errors import HanseError
from hanse_core.states import RunStatus


def answers(*results: Any) -> Answers:
    names = ["alpha", "beta", "gamma"]
    return Answers([Answer(names[i], i + 2, i + 10, result) for i, result in enumerate(results)], task_id=1)


def test_answers_are_the_list_of_results_and_know_whom_they_come_from() -> None:
    some = answers(1, 2)
    assert some == [1, 2]
    assert [each.organization for each in some.sources] == ["alpha", "beta"]
    (only,) = answers({"n": 3})
    assert only == {"n": 3} == answers({"n": 3}).result


def test_answers_show_what_they_hold() -> None:
    assert repr(answers({"n": 3}, None)) == "<answers to task 1\n  alpha: {'n': 3}\n  beta: None>"
    assert repr(answers()) == "<answers to task 1: none>"
    html = answers("<script>", pd.DataFrame({"n": [1]}))._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<th>alpha</th>" in html
    assert "dataframe" in html


def test_records_columns_and_mappings_of_records_become_tables() -> None:
    records = framed([{"sex": 1, "n": 10}, {"sex": 2, "n": None}])
    assert list(records.columns) == ["sex", "n"]
    assert math.isnan(records["n"][1])
    columns = framed({"time": [1.0, 2.0], "survival": [0.9, 0.8]})
    assert columns["survival"].tolist() == [0.9, 0.8]
    rows = framed({"age": {"mean": 62.0}, "ph.ecog": {"mean": 0.9}})
    assert rows.loc["ph.ecog", "mean"] == 0.9


def test_tables_within_a_mapping_become_tables_and_the_rest_stays() -> None:
    result = framed({"curves": {"1": {"time": [1], "n": [2]}}, "p": 0.001, "columns": ["a"], "terms": [{"b": 1}]})
    assert isinstance(result["curves"]["1"], pd.DataFrame)
    assert isinstance(result["terms"], pd.DataFrame)
    assert (result["p"], result["columns"]) == (0.001, ["a"])


@pytest.mark.parametrize("value", [None, 3, "text", [], {}, [1, 2], {"a": 1, "b": [1]}, {"a": [1], "b": [1, 2]}, [{}]])
def test_what_is_no_table_is_left_as_it_is(value: Any) -> None:
    assert framed(value) == value


def test_as_pandas_keeps_who_answered() -> None:
    tables = answers([{"n": 1}], 5).as_pandas()
    assert isinstance(tables[0], pd.DataFrame)
    assert (tables.sources[0].organization, tables[1]) == ("alpha", 5)


def test_a_failure_is_an_error_of_hanse_with_everything_on_it() -> None:
    failure = RunFailure("beta", 3, 1, 11, RunStatus.CRASHED, "Traceback\nUnknownColumn: 'agee'")
    error = TaskFailed(1, [failure], answers(1))
    assert isinstance(error, HanseError)
    assert str(error) == "task 1 failed:\n  beta: crashed\n    | Traceback\n    | UnknownColumn: 'agee'"
    assert error.partial_results.result == 1
    assert str(TaskFailed(2, [], answers())) == "task 2 failed"
