"""The number-at-risk table has a handful of round times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanse_kaplan_meier.pooling import TICKS, ticks


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (0.0, [0]),
        (6.0, [0, 1, 2, 3, 4, 5, 6]),
        (883.0, [0, 200, 400, 600, 800]),
        (0.3, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]),
    ],
)
def test_ticks_are_round(last: float, expected: list[float]) -> None:
    assert ticks(last) == pytest.approx(expected)


@given(st.floats(1e-6, 1e9))
def test_ticks_start_at_zero_and_do_not_pass_the_end(last: float) -> None:
    found = ticks(last)
    assert found[0] == 0.0
    assert 2 <= len(found) <= TICKS + 1
    assert found[-1] <= last * (1 + 1e-6)
