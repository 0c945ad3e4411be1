"""No recording of the stock server is left out: each one is replayed by a test."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
RECORDED = {
    *range(1, 64), *range(70, 77), *range(80, 84), *range(90, 97),
}  # fmt: skip
"""Numbers of the recordings of 4.15.2 and its algorithm store."""
ELSEWHERE = {74}
"""The vectors of the envelope are kept, and checked, in `hanse_core`."""
USE = re.compile(r"recording(?:_data)?\(\s*f?[\"'](\d\d)")
NAMED = re.compile(r"[\"'](\d\d)[\"']|test_(\d\d)_")


def test_every_recording_is_here() -> None:
    assert {int(path.name[:2]) for path in (TESTS / "recordings").glob("*.json")} == RECORDED - ELSEWHERE


def test_every_recording_is_used_by_a_test() -> None:
    used: set[int] = set()
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text()
        used |= {int(number) for number in USE.findall(text)}
        if "recording" in text:
            used |= {int(first or second) for first, second in NAMED.findall(text)}
    assert RECORDED - ELSEWHERE - used == set()
