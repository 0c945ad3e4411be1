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


def _key(*parts: str | Path) -> str:
    """Name an environment by all that goes into it; a folder counts with the content of its files."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part}\n".encode())
        for file in sorted(part.rglob("*.*")) if isinstance(part, Path) else ():
            digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()[:16]


@pytest.fixture(scope="session")
def environment(uv: str) -> Callable[..., Path]:
    """Give the Python of an environment with exactly these requirements; builds it when it is not cached yet."""

    def build(*requirements: str | Path, python: str = sys.executable) -> Path:
        key = _key(os.path.realpath(python), *requirements)
        folder = _cache() / key
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run([uv, "venv", "--quiet", "--python", python, folder], check=True, timeout=120)
            install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", folder / "bin/python"]
            subprocess.run([*install, *requirements], check=True, timeout=300)
            (folder / "complete").touch()
        return folder / "bin" / "python"

    return build


@pytest.fixture(scope="session")
def stock_client(environment: Callable[..., Path]) -> Path:
    """Python with the unmodified v4 client."""
    return environment(f"vantage6-client=={VERSION}")
