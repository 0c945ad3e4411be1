"""What the documentation says about the SDK is true and complete."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import hanse_algorithm
from hanse_algorithm import guards
from hanse_algorithm.annotations import _KINDS, _TABLES
from hanse_algorithm.data import pandas_tables
from hanse_algorithm.describe import describe
from hanse_algorithm.run import ERROR_TEXT
from hanse_algorithm.subtasks import Federation

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs/reference/algorithm-sdk.md").read_text()
GUIDE = (ROOT / "docs/how-to/write-an-algorithm.md").read_text()
README = (Path(__file__).parents[1] / "README.md").read_text()


def documented() -> list[str]:
    members = [name for name in vars(Federation) if not name.startswith("_")]
    of_guards = ["minimum_count", "allowed_minimum", "columns_exist", "TooFew", "UnknownColumn"]
    others = [*pandas_tables.READERS, *pandas_tables.STEPS, *_KINDS, *_KINDS.values(), *_TABLES]
    return [*hanse_algorithm.__all__, *members, *of_guards, *others, ERROR_TEXT, guards.MINIMUM_COUNT]


@pytest.mark.parametrize("name", sorted(set(documented())))
def test_every_public_name_is_in_the_reference(name: str) -> None:
    assert re.search(rf"\b{re.escape(name)}\b", REFERENCE)


def blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def package(source: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("my_mean")
    monkeypatch.setitem(sys.modules, "my_mean", module)
    exec(source, vars(module))
    return module


def test_the_code_of_the_guide_runs_and_gives_the_pooled_number(monkeypatch: pytest.MonkeyPatch) -> None:
    source, trial = blocks(GUIDE)
    package(source, monkeypatch)
    exec(trial, {})


def test_the_readme_shows_the_same_algorithm_as_the_guide(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = describe(package(blocks(README)[0], monkeypatch))
    assert [function["name"] for function in entry["functions"]] == ["partial", "mean"]
    exec(blocks(GUIDE)[1], {})
