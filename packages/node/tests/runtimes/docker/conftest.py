"""Runs as containers of a real engine."""

from typing import Any

import pytest


@pytest.fixture
def bench(in_containers: Any) -> Any:
    return in_containers
