"""Hiding small categories never leaves a hidden count that follows from the total."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanse_summary.mathematics import hide_small


@pytest.mark.parametrize(
    ("counts", "shown", "hidden"),
    [
        ({"a": 12, "b": 30}, {"a": 12, "b": 30}, 0),
        ({"a": 1, "b": 12, "c": 30}, {"c": 30}, 13),
        ({"a": 6, "b": 7, "c": 30}, {"c": 30}, 13),
        ({"a": 3, "b": 70}, {}, 73),
        ({}, {}, 0),
    ],
)
def test_the_smallest_go_first(counts: dict[str, int], shown: dict[str, int], hidden: int) -> None:
    assert hide_small(counts, 10) == (shown, hidden)


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 50)), st.integers(0, 20))
def test_what_is_hidden_is_nothing_or_enough(counts: dict[str, int], minimum: int) -> None:
    shown, hidden = hide_small(counts, minimum)
    assert sum(shown.values()) + hidden == sum(counts.values())
    assert all(count >= minimum for count in shown.values())
    assert hidden == 0 or hidden >= minimum or not shown
