"""The central function starts fast: it imports no table library."""

import subprocess
import sys


def test_the_package_imports_neither_pandas_nor_scipy() -> None:
    code = "import sys, hanse_glm; print({'pandas', 'scipy'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert answer.stdout.strip() == "set()"
