"""Stock packages, unmodified, each in an environment of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

VERSION = "4.15.2"


@pytest.fixture(scope="session")
def stock_client(environment: Callable[..., Path]) -> Path:
    """Python with the unmodified v4 client."""
    return environment(f"vantage6-client=={VERSION}")
