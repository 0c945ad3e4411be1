"""Stock packages, unmodified, each in an environment of its own: built once into the user's cache."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

VERSION = "4.15.2"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hanse" / "environments"


@pytest.fixture(scope="session")
def environment(uv: str) -> Callable[..., Path]:
    """Give the Python of an environment with exactly these requirements; builds it when it is not cached yet."""

    def build(*requirements: str, python: str = sys.executable) -> Path:
        key = hashlib.sha256("\n".join([os.path.realpath(python), *requirements]).encode()).hexdigest()[:16]
        folder = _cache() / key
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run([uv, "venv", "--quiet", "--python", python, folder], check=True, timeout=120)
            install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", folder / "bin/python"]
            subprocess.run([*install, *requirements], check=True, timeout=300)
            (folder / "complete").write_text("\n".join(requirements))
        return folder / "bin" / "python"

    return build


@pytest.fixture(scope="session")
def stock_client(environment: Callable[..., Path]) -> Path:
    """Python with the unmodified v4 client."""
    return environment(f"vantage6-client=={VERSION}")


@pytest.fixture(scope="session")
def stock_tools(environment: Callable[..., Path], python310: str) -> Path:
    """Python 3.10, as in the stock base image, with the unmodified v4 algorithm tools."""
    return environment(f"vantage6-algorithm-tools=={VERSION}", python=python310)
