"""What stock servers answered, and how ours compares."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

RECORDINGS = Path(__file__).parent / "recordings"


@pytest.fixture
def recording_data() -> Callable[[str], dict[str, Any]]:
    """Load a whole recording of a stock server by the beginning of its name, for those that hold no exchanges."""

    def load(beginning: str) -> dict[str, Any]:
        (path,) = RECORDINGS.glob(f"{beginning}-*.json")
        data: dict[str, Any] = json.loads(path.read_text())
        return data

    return load


@pytest.fixture
def recording(recording_data: Callable[[str], dict[str, Any]]) -> Callable[[str], list[dict[str, Any]]]:
    """Load the exchanges of a recording: `recording("07")`."""
    return lambda beginning: list(recording_data(beginning)["exchanges"])


@pytest.fixture
def answers_like() -> Callable[..., None]:
    """Compare an answer with a recorded one: status, key sets and types, not values.

    `more` names keys that are ours, beyond the protocol. Where one side has null the type is not compared.
    """

    def compare(answer: httpx.Response, recorded: dict[str, Any], *, more: frozenset[str] = frozenset()) -> None:
        assert answer.status_code == recorded["response"]["status"], answer.text
        for name in ("jwt-token", "total-count", "Link", "access-control-expose-headers"):
            assert (name in answer.headers) == (name in recorded["response"]["headers"]), name
        body = recorded["response"]["body"]
        if isinstance(body, dict | list):
            _compare(answer.json(), body, more | {"code", "two_factor_required"}, "body")

    return compare


def _compare(ours: Any, theirs: Any, more: frozenset[str], where: str) -> None:
    if ours is None or theirs is None:
        return
    assert type(ours) is type(theirs), f"{where}: {ours!r} is not like {theirs!r}"
    if isinstance(ours, dict):
        assert set(ours) - more == set(theirs) - more, where
        for name in set(ours) & set(theirs):
            _compare(ours[name], theirs[name], more, f"{where}.{name}")
    elif isinstance(ours, list) and where.endswith(".methods"):
        assert set(ours) == set(theirs), where
    elif isinstance(ours, list):
        for mine, other in zip(ours, theirs, strict=False):
            _compare(mine, other, more, f"{where}[]")
