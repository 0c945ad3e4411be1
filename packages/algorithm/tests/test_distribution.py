"""The SDK stays small: no dependencies, few imports, the oldest Python."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"

HEAVY = (
    "pandas",
    "numpy",
    "http",
    "ssl",
    "socket",
    "inspect",
    "dataclasses",
    "asyncio",
    "logging",
    "argparse",
    "email",
)


def test_nothing_is_required_outside_the_extras() -> None:
    assert [each for each in requires("hanse-algorithm") or [] if "extra ==" not in each] == []


def imported_by(statement: str) -> list[str]:
    code = (
        f"import sys, json; before = set(sys.modules); {statement}; print(json.dumps(sorted(set(sys.modules)-before)))"
    )
    command = [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(SOURCE)!r}); {code}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return [str(name) for name in json.loads(done.stdout)]


@pytest.mark.parametrize("module", ["hanse_algorithm", "hanse_algorithm.run", "hanse_algorithm.cli"])
def test_importing_it_imports_little(module: str) -> None:
    names = imported_by(f"import {module}")
    roots = {name.partition(".")[0] for name in names}
    heavy = set(HEAVY) - ({"argparse"} if module.endswith("cli") else set())
    assert roots & heavy == set()
    assert len(names) <= 80


def test_no_module_imports_anything_but_the_standard_library_and_the_extras() -> None:
    allowed = set(sys.stdlib_module_names) | {"hanse_algorithm"}
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 10))
        at_import = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        names = {alias.name for node in at_import if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in at_import if isinstance(node, ast.ImportFrom)}
        extras = {"pandas"} if path.name.startswith("pandas_") else set()
        assert {name.partition(".")[0] for name in names} <= allowed | extras, path
