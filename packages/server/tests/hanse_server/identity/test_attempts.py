"""When somebody who failed too often must wait."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hanse_server.identity.rules import Attempts, Limit

NOW = datetime(2026, 3, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
LIMIT = Limit(5, QUARTER, timedelta(days=1))


@given(st.integers(0, 4))
def test_fewer_than_the_allowed_attempts_never_block(failed: int) -> None:
    assert not Attempts(failed, NOW).is_blocked(LIMIT, NOW)


@given(st.integers(1, 10))
def test_exactly_the_allowed_number_of_failures_leads_to_a_block(allowed: int) -> None:
    limit = Limit(allowed, QUARTER, timedelta(days=1))
    attempts = Attempts()
    for number in range(1, allowed + 1):
        attempts = attempts.after_failure(limit, NOW)
        assert attempts.is_blocked(limit, NOW) == (number == allowed)


def test_each_block_is_twice_as_long_as_the_one_before_up_to_the_longest() -> None:
    blocks = [Attempts(5 * series, NOW).blocked_for(LIMIT, NOW) for series in range(1, 10)]
    assert blocks[:4] == [QUARTER, 2 * QUARTER, 4 * QUARTER, 8 * QUARTER]
    assert blocks[6:] == [16 * timedelta(hours=1), timedelta(days=1), timedelta(days=1)]


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_block_ends_whatever_was_counted(failed: int, seconds: int) -> None:
    passed = timedelta(seconds=seconds)
    left = Attempts(failed, NOW).blocked_for(LIMIT, NOW + passed)
    assert timedelta(0) <= left <= timedelta(days=1)
    assert not Attempts(failed, NOW).is_blocked(LIMIT, NOW + passed + left)


def test_what_lies_long_ago_is_forgotten() -> None:
    old = Attempts(9, NOW)
    assert old.after_failure(LIMIT, NOW + timedelta(hours=47)).failed == 10
    assert old.after_failure(LIMIT, NOW + timedelta(hours=48)).failed == 1
