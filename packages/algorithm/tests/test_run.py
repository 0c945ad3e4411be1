"""`python -m hanse_algorithm` from end to end, in a child process, with every bad input."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas
import pytest

from hanse_algorithm.errors import EnvironmentFault
from hanse_algorithm.run import write_output

SOURCE = """
from __future__ import annotations
from typing import TYPE_CHECKING
from hanse_algorithm import AlgorithmError, Federation, central, federated, guards, info
if TYPE_CHECKING:
    import pandas as pd

def secret():
    raise SystemExit("must never run")

@federated
def mean(data: pd.DataFrame, column: str) -> float:
    info("counting")
    guards.columns_exist(data, [column])
    guards.minimum_count(len(data))
    return data[column].mean()

@federated
def second_first(left: pd.DataFrame, right: pd.DataFrame) -> list[int]:
    return [len(left), len(right)]

@federated
def careless(data: pd.DataFrame) -> int:
    return int(data["name"][0])

@central
def total(federation: Federation, column: str = "age") -> float:
    return sum(answer.result for answer in federation.run(mean, column=column))

@central
def echo(value: object, more: object = None):
    return [value, more]

@central
def raises(text: str):
    raise ValueError(text)

@central
def refuses(text: str):
    raise AlgorithmError(text)

@central
def leaves(code: int):
    raise SystemExit(code)

@central
def unwritable():
    return {"mean": {"age": float("nan")}}

@central
def looks_around():
    import os, sys
    return [os.environ["HTTP_PROXY"], "pandas" in sys.modules, "http.client" in sys.modules]
"""


@pytest.fixture
def little(container: Any) -> Any:
    container.module(SOURCE)
    return container


@pytest.fixture
def ages(little: Any, tmp_path: Path) -> Path:
    path = tmp_path / "ages.csv"
    pandas.DataFrame({"age": range(12), "name": ["Anna"] * 12}).to_csv(path, index=False)
    little.database("default", path)
    return path


def last_line(outcome: Any) -> str:
    return str(outcome.stdout.splitlines()[-1])


def test_a_federated_function_reads_its_database_and_writes_its_result(little: Any, ages: Path) -> None:
    outcome = little.run({"method": "mean", "kwargs": {"column": "age"}})
    assert (outcome.code, outcome.result) == (0, 5.5)
    assert outcome.stdout == "info > counting\n"


def test_positional_arguments_are_accepted(little: Any, ages: Path) -> None:
    assert little.run({"method": "mean", "args": ["age"], "kwargs": {}, "master": True}).result == 5.5


def test_several_databases_come_in_the_order_of_the_task(little: Any, ages: Path, tmp_path: Path) -> None:
    path = tmp_path / "few.parquet"
    pandas.DataFrame({"age": [1, 2]}).to_parquet(path)
    little.database("few", path, "parquet")
    assert little.run({"method": "second_first"}).result == [12, 2]


def test_a_central_function_asks_the_stations_through_the_proxy(little: Any, proxy: Any) -> None:
    little.variables["PORT"] = proxy.port
    outcome = little.run({"method": "total", "args": [], "kwargs": {"column": "age"}})
    assert (outcome.code, outcome.result) == (0, 5)
    assert proxy.input_of(1, 2) == {"method": "mean", "args": [], "kwargs": {"column": "age"}}


def test_a_failed_subtask_is_the_cause_of_the_central_failure(little: Any, proxy: Any) -> None:
    little.variables["PORT"] = proxy.port
    proxy.failed = {3: ("crashed", "error > unknown column 'age'; the table has: sex\n")}
    outcome = little.run({"method": "total"})
    cause = "subtask 'mean' failed at beta: crashed (unknown column 'age'; the table has: sex)"
    assert (outcome.code, outcome.output) == (1, b"")
    assert last_line(outcome) == f"error > {cause}"


def test_a_central_function_imports_no_table_library_and_sees_decoded_proxy_settings(little: Any) -> None:
    little.variables["HTTP_PROXY"] = "http://squid:3128"
    assert little.run({"method": "looks_around"}).result == ["http://squid:3128", False, False]


@pytest.mark.parametrize(
    ("task_input", "cause"),
    [
        (b"", "the input is not JSON"),
        (b"{", "the input is not JSON"),
        (b"\xff\xfe", "the input is not JSON"),
        (b"[" * 100_000, "the input is not JSON"),
        ([], "the input must be a JSON object with 'method'"),
        ({}, "the input names no method; little offers: careless, echo, leaves, looks_around, mean"),
        ({"method": 3}, "the input names no method"),
        ({"method": "median"}, "unknown method 'median'; little offers: careless, echo"),
        ({"method": "secret"}, "unknown method 'secret'"),
        ({"method": "guards.minimum_count"}, "unknown method"),
        ({"method": "info", "args": ["hello"]}, "unknown method 'info'"),
        ({"method": "echo", "args": {}, "kwargs": []}, "missing argument 'value'"),
        ({"method": "echo", "args": {"value": 1}}, "'args' must be a list"),
        ({"method": "echo", "kwargs": [1]}, "'kwargs' an object"),
        ({"method": "echo", "args": [1, 2, 3]}, "takes the arguments value, more (optional), but 3 were given"),
        ({"method": "echo", "kwargs": {"valeu": 1}}, "unexpected argument 'valeu'"),
        ({"method": "total", "kwargs": {"federation": 1}}, "unexpected argument 'federation'"),
        ({"method": "raises", "args": [1]}, "argument 'text' of 'raises' must be text, not a whole number"),
        ({"method": "mean", "args": ["age"]}, "no database selected; 'mean' reads 1"),
        ({"method": "raises", "args": ["why"]}, "'raises' raised ValueError at little.py:36: why"),
        ({"method": "refuses", "args": ["because"]}, "error > because"),
        ({"method": "leaves", "args": [0]}, "'leaves' raised SystemExit"),
        ({"method": "unwritable"}, "result['mean']['age'] is nan; JSON has no such number"),
    ],
)
def test_bad_input_ends_with_its_cause_and_writes_nothing(little: Any, task_input: object, cause: str) -> None:
    outcome = little.run(task_input)
    assert (outcome.code, outcome.output) == (1, b"")
    assert last_line(outcome).startswith("error > ")
    assert cause in last_line(outcome)


@pytest.mark.parametrize(
    ("column", "rows", "cause"),
    [
        ("agee", 12, "error > unknown column 'agee'; the table has: age"),
        ("age", 3, "error > too few rows: this station reports on at least 10"),
    ],
)
def test_a_guard_ends_the_run_with_its_text(little: Any, tmp_path: Path, column: str, rows: int, cause: str) -> None:
    path = tmp_path / "d.csv"
    pandas.DataFrame({"age": range(rows)}).to_csv(path, index=False)
    little.database("default", path)
    outcome = little.run({"method": "mean", "kwargs": {"column": column}})
    assert (outcome.code, last_line(outcome)) == (1, cause)


def test_the_station_s_minimum_reaches_the_guard(little: Any, ages: Path) -> None:
    little.variables["HANSE_MINIMUM_COUNT"] = 13
    assert "at least 13" in last_line(little.run({"method": "mean", "args": ["age"]}))


def test_the_text_of_an_exception_next_to_data_stays_at_the_station(little: Any, ages: Path) -> None:
    outcome = little.run({"method": "careless"})
    assert outcome.code == 1
    assert "Anna" not in outcome.stdout + outcome.stderr
    assert "'careless' raised ValueError at little.py:24; its text stays at the station" in last_line(outcome)
    assert "in careless" in outcome.stderr, "the traceback shows the code, which is no data"


def test_the_station_may_allow_that_text(little: Any, ages: Path) -> None:
    little.variables["HANSE_ERROR_TEXT"] = "true"
    assert "Anna" in last_line(little.run({"method": "careless"}))


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import nowhere_to_be_found", "importing 'little' raised ModuleNotFoundError at little.py:1: No module named"),
        ("1/0", "importing 'little' raised ZeroDivisionError at little.py:1: division by zero"),
        ("def f(: pass", "importing 'little' raised SyntaxError"),
        ("raise SystemExit(0)", "importing 'little' raised SystemExit"),
        ("x = 1", "unknown method 'echo'; little offers: none"),
    ],
)
def test_a_package_that_cannot_be_used_says_why(container: Any, source: str, cause: str) -> None:
    container.module(source)
    outcome = container.run({"method": "echo"})
    assert outcome.code == 1
    assert cause in last_line(outcome)


def test_a_package_that_is_not_in_the_image_is_named(container: Any) -> None:
    container.package = "no_such_package"
    expected = "error > the package 'no_such_package' (PKG_NAME) is not installed in the image"
    assert last_line(container.run({"method": "echo"})) == expected


@pytest.mark.parametrize("name", ["INPUT_FILE", "OUTPUT_FILE", "USER_REQUESTED_DATABASE_LABELS", "TOKEN_FILE", "HOST"])
def test_a_variable_that_the_node_forgot_is_named_or_not_needed(little: Any, name: str) -> None:
    del little.variables[name]
    method = {"TOKEN_FILE": "total", "HOST": "total"}.get(name, "echo")
    outcome = little.run({"method": method, "kwargs": {"value": 1} if method == "echo" else {}})
    if name == "USER_REQUESTED_DATABASE_LABELS":
        assert outcome.result == [1, None]
    else:
        assert f"the variable {name} is not set" in last_line(outcome)


def test_a_missing_input_file_is_an_error(little: Any, tmp_path: Path) -> None:
    little.variables["INPUT_FILE"] = tmp_path / "elsewhere"
    assert "the input file cannot be read: No such file" in last_line(little.run({"method": "echo"}))


def test_the_output_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_output(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["output"]


def test_an_output_that_can_be_written_but_not_replaced_is_written(tmp_path: Path) -> None:
    path = tmp_path / "output"
    (tmp_path / "output.partial").mkdir()
    write_output(path, b"new")
    assert path.read_bytes() == b"new"


def test_an_output_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="the output file cannot be written: No such file"):
        write_output(tmp_path / "nowhere" / "output", b"new")


def test_large_and_unusual_values_pass_unchanged(little: Any) -> None:
    value = {"ä": "漢\u0000\n", "list": list(range(100_000)), "big": 10**30, "small": 1e-300}
    outcome = little.run({"method": "echo", "kwargs": {"value": value}})
    assert outcome.result == [value, None]


def test_a_cause_survives_an_image_whose_locale_lacks_its_letters(little: Any) -> None:
    little.plain["PYTHONIOENCODING"] = "ascii"
    assert "unknown method 'm\\xe9dian'" in last_line(little.run({"method": "médian"}))


@pytest.mark.needs("python3.10")
def test_the_oldest_python_runs_central_functions_and_explains_bad_input(
    little: Any, proxy: Any, python310: str
) -> None:
    little.python = python310
    little.variables["PORT"] = proxy.port
    assert little.run({"method": "total", "kwargs": {"column": "age"}}).result == 5
    assert "unknown method 'median'" in last_line(little.run({"method": "median"}))
    assert "result['mean']['age'] is nan" in last_line(little.run({"method": "unwritable"}))
