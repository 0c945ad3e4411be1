"""The entry for the algorithm store comes from signatures and docstrings."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import pytest

from hanse_algorithm import Column, Federation, OrganizationId, central, federated
from hanse_algorithm.describe import describe

if TYPE_CHECKING:
    import pandas as pd


@central
def survival_curve(
    federation: Federation,
    time_column: Column,
    group: Column | None = None,
    method: Literal["breslow", "efron"] = "efron",
    levels: list[float] = [0.5, 0.9],  # noqa: B006
    rounds: int = 10,
    verbose: bool = False,
    only: list[OrganizationId] | None = None,
    options: dict[str, int] | None = None,
) -> dict[str, object]:
    """Estimate survival
    over time.

    A second paragraph.

    Args:
        time_column: days until the event,
            or until the last visit.
        group (str): compare these groups.

    Returns:
        Curves.
    """
    return {}


@federated(standalone=True)
def count_rows(registry_data: pd.DataFrame, lab_values: pd.DataFrame) -> int:
    """Count.

    Args:
        registry_data: one row per patient.
    """
    return 1


def hidden() -> None:
    """Nothing that a user may call."""


@pytest.fixture
def module() -> ModuleType:
    package = ModuleType("hanse_little_one", "Little numbers.\n\nMore about it.")
    vars(package).update(survival_curve=survival_curve, count_rows=count_rows, hidden=hidden)
    return package


def test_the_top_level_has_what_a_store_requires(module: ModuleType) -> None:
    entry = describe(module, image="registry.example/little:1", code_url="https://code.example")
    assert {name: entry[name] for name in entry if name != "functions"} == {
        "name": "little-one",
        "description": "Little numbers.\n\nMore about it.",
        "image": "registry.example/little:1",
        "partitioning": "horizontal",
        "vantage6_version": "4.15",
        "code_url": "https://code.example",
        "documentation_url": "",
    }
    assert [function["name"] for function in entry["functions"]] == ["survival_curve", "count_rows"]


def test_arguments_come_with_type_default_and_description(module: ModuleType) -> None:
    function = describe(module)["functions"][0]
    rows = [(a["name"], a["type"], a["has_default_value"], a["default_value"]) for a in function["arguments"]]
    assert rows == [
        ("time_column", "column", False, None),
        ("group", "column", True, None),
        ("method", "string", True, "efron"),
        ("levels", "float_list", True, "[0.5, 0.9]"),
        ("rounds", "integer", True, "10"),
        ("verbose", "boolean", True, "false"),
        ("only", "organization_list", True, None),
        ("options", "json", True, None),
    ]
    assert function["description"] == "Estimate survival over time.\n\nA second paragraph."
    assert function["arguments"][0]["description"] == "days until the event, or until the last visit."
    assert function["arguments"][1]["description"] == "compare these groups."
    assert function["arguments"][2]["allowed_values"] == ["breslow", "efron"]
    assert function["arguments"][2]["default_value"] in function["arguments"][2]["allowed_values"]


def test_table_parameters_become_databases_and_injected_ones_no_arguments(module: ModuleType) -> None:
    function = describe(module)["functions"][1]
    assert function["databases"] == [
        {"name": "Registry data", "description": "one row per patient."},
        {"name": "Lab values", "description": ""},
    ]
    assert (function["arguments"], function["type"], function["standalone"]) == ([], "federated", True)


def test_a_central_function_asks_for_the_databases_that_its_subtasks_inherit(module: ModuleType) -> None:
    central_entry, federated_entry = describe(module)["functions"]
    assert central_entry["databases"] == federated_entry["databases"]
    del vars(module)["count_rows"]
    assert describe(module)["functions"][0]["databases"] == []


def test_no_field_is_unknown_to_a_v4_store(module: ModuleType) -> None:
    known = {"name", "display_name", "description", "type", "standalone", "databases", "arguments", "ui_visualizations"}
    of_argument = {
        "name", "display_name", "description", "type", "allowed_values", "has_default_value", "default_value",
        "conditional_on", "conditional_operator", "conditional_value", "is_frontend_only",
    }  # fmt: skip
    for function in describe(module)["functions"]:
        assert set(function) <= known
        assert all(set(argument) <= of_argument for argument in function["arguments"])


def run_command(*arguments: str) -> int:
    import argparse

    from hanse_algorithm.cli import register

    parser = argparse.ArgumentParser()
    register(parser)
    options: Any = parser.parse_args(["describe", *arguments])
    return int(options.run(options))


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


def test_the_command_describes_a_package_in_the_current_folder(
    in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = 'from hanse_algorithm import central\n@central\ndef one() -> int:\n    "Give one."\n    return 1\n'
    (in_folder / "described_package.py").write_text(source)
    assert run_command("described_package", "--image", "registry.example/one:1", "--name", "One") == 0
    entry = json.loads(capsys.readouterr().out)
    assert (entry["name"], entry["functions"][0]["description"]) == ("One", "Give one.")
    sys.modules.pop("described_package")


def test_the_command_says_what_is_wrong_with_a_package(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command("no_such_package_here") == 1
    assert "'no_such_package_here' cannot be imported" in capsys.readouterr().err
    assert run_command("json") == 1
    assert "'json' has no function with @central or @federated" in capsys.readouterr().err
