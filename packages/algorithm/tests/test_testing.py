"""The harness runs an algorithm as the network would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas
import pytest

from hanse_algorithm import Answer, Column, Federation, SubtaskFailed, central, federated, guards
from hanse_algorithm.errors import DataError, InputError, ResultError
from hanse_algorithm.testing import simulate

if TYPE_CHECKING:
    import pandas as pd

TABLES = {
    "north": pandas.DataFrame({"age": [float(n) for n in range(20, 32)]}),
    "south": pandas.DataFrame({"age": [float(n) for n in range(40, 60)]}),
}
seen: list[list[Answer]] = []


@federated
def partial(data: pd.DataFrame, column: Column) -> dict[str, float]:
    guards.columns_exist(data, [column])
    guards.minimum_count(len(data))
    outcome = {"sum": float(data[column].sum()), "n": len(data)}
    data[column] = 0.0
    return outcome


@central
def mean(federation: Federation, column: Column, organizations: list[int] | None = None) -> float:
    answers = federation.run(partial, column=column, organizations=organizations)
    seen.append(answers)
    return float(sum(answer.result["sum"] for answer in answers) / sum(answer.result["n"] for answer in answers))


@central
def by_name(federation: Federation) -> list[object]:
    return [answer.result for answer in federation.run("keys_of", value={"1": [1, 2]})]


@federated
def keys_of(data: pd.DataFrame, value: dict[str, object]) -> dict[object, object]:
    return {1: list(value), "rows": (len(data),)}


@federated
def join(left: pd.DataFrame, right: pd.DataFrame) -> list[int]:
    return [len(left), len(right)]


@federated
def not_json(data: pd.DataFrame) -> object:
    return {"groups": [{"a"}]}


def test_a_central_function_gives_the_pooled_number_over_all_tables() -> None:
    pooled = pandas.concat(TABLES.values())["age"].mean()
    assert simulate(mean, TABLES, column="age") == pytest.approx(pooled)


def test_answers_carry_the_organization_and_come_in_the_order_of_the_organizations() -> None:
    simulate(mean, TABLES, column="age", organizations=[2, 1])
    assert [(answer.organization_id, answer.organization) for answer in seen[-1]] == [(2, "south"), (1, "north")]


def test_a_federated_function_gives_one_result_per_organization() -> None:
    results = simulate(partial, TABLES, column="age")
    assert {name: result["n"] for name, result in results.items()} == {"north": 12, "south": 20}


def test_a_function_cannot_change_the_tables_of_the_caller() -> None:
    simulate(partial, TABLES, column="age")
    assert TABLES["north"]["age"].sum() > 0


def test_results_and_inputs_pass_through_json_as_in_reality() -> None:
    assert simulate(by_name, TABLES)[0] == {"1": ["1"], "rows": [12]}


def test_a_station_with_several_databases_fills_the_parameters_in_their_order() -> None:
    two = {name: [table, table.head(3)] for name, table in TABLES.items()}
    assert simulate(join, two) == {"north": [12, 3], "south": [20, 3]}


def test_a_station_with_too_few_databases_is_named() -> None:
    with pytest.raises(DataError, match="'join' takes 2 tables, north has 1"):
        simulate(join, TABLES)


def test_a_failing_station_is_named_with_its_cause_and_the_other_answers_are_kept() -> None:
    tables = {**TABLES, "tiny": TABLES["north"].head(2)}
    with pytest.raises(SubtaskFailed, match=r"'partial' failed at tiny: crashed \(too few rows") as caught:
        simulate(mean, tables, column="age")
    assert isinstance(caught.value.__cause__, guards.TooFew)
    assert [failure.organization_id for failure in caught.value.failures] == [3]
    assert [answer.organization for answer in caught.value.answers] == ["north", "south"]


def test_a_result_that_is_not_json_is_refused_as_in_reality() -> None:
    with pytest.raises(ResultError, match=r"result\['groups'\]\[0\] is a set"):
        simulate(not_json, TABLES)


def test_an_argument_that_json_changes_arrives_changed() -> None:
    assert simulate(keys_of, TABLES, value={7: ()})["north"] == json.loads('{"1": ["7"], "rows": [12]}')


def test_an_organization_that_takes_no_part_is_named() -> None:
    with pytest.raises(InputError, match=r"organization 9 takes no part; there are: 1 \(north\), 2 \(south\)"):
        simulate(mean, TABLES, column="age", organizations=[9])


def test_no_tables_at_all_is_an_error() -> None:
    with pytest.raises(InputError, match="empty"):
        simulate(mean, {}, column="age")
