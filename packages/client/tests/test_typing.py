"""Type checkers must see both modes as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_both_modes_type_as_they_behave(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    file = str(HERE / "typing_of_both_modes.py")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), "--no-error-summary", file]
    checked = subprocess.run(command, capture_output=True, text=True, cwd=HERE, check=False)
    assert checked.stdout == ""
    assert checked.returncode == 0
