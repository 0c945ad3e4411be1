"""No recording of the stock server is left out: each exchange is compared by a test that is marked with it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ...recorded import RECORDINGS, read

TESTS = Path(__file__).parents[2]
RECORDED = {
    *range(1, 64), *range(70, 77), *range(80, 84), *range(90, 97),
}  # fmt: skip
"""Numbers of the recordings of 4.15.2 and its algorithm store."""
ELSEWHERE = {74}
"""The vectors of the envelope are kept, and checked, in `hanse_core`."""
OF_OTHERS = {
    ("75", 1): "a stock node's proxy answers its container: packages/node/tests/proxy/test_recorded.py",
    ("75", 3): "likewise",
    ("75", 5): "likewise",
    ("75", 10): "likewise",
    ("76", 1): "likewise",
    ("76", 3): "likewise",
    ("94", 1): "an algorithm store answers a node",
}
"""Recorded exchanges in which no server takes part, and who does."""


def test_every_recording_is_here() -> None:
    assert {int(path.name[:2]) for path in RECORDINGS.glob("*.json")} == RECORDED - ELSEWHERE


def test_every_exchange_is_compared_by_a_test() -> None:
    """That a test compares what it is marked with is seen to when it runs: `recorded.pytest_runtest_call`."""
    recorded = {
        (path.name[:2], index)
        for path in RECORDINGS.glob("*.json")
        for index in range(len(read(path.name[:2]).get("exchanges", ())))
    }
    compared = {promise for path in TESTS.rglob("test_*.py") for promise in _promised(path)}

    assert compared | OF_OTHERS.keys() == recorded
    assert not compared & OF_OTHERS.keys()


def _promised(path: Path) -> Iterator[tuple[str, int]]:
    """Read the marks `replays` and `each` of a file's tests, which narrow runs do not load."""
    for node in ast.walk(ast.parse(path.read_text())):
        for mark in node.decorator_list if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ():
            called = ast.unparse(mark.func) if isinstance(mark, ast.Call) else ""
            if isinstance(mark, ast.Call) and called in ("pytest.mark.replays", "each"):
                beginning, *indexes = eval(ast.unparse(ast.Tuple(mark.args, ast.Load())))
                yield from ((beginning, index) for index in indexes or range(len(read(beginning)["exchanges"])))


def test_every_recording_without_exchanges_is_read_by_a_test() -> None:
    """What sockets received, and what tokens hold."""
    told = {path.name[:2] for path in RECORDINGS.glob("*.json") if "exchanges" not in read(path.name[:2])}
    texts = [path.read_text() for path in TESTS.rglob("test_*.py")]
    used = {number for text in texts if "recording_data" in text for number in re.findall(r"[\"'](\d\d)[\"']", text)}

    assert told <= used
