"""When an account is blocked."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hanse_server.identity.rules import Attempts
from hanse_server.settings import PasswordPolicy

NOW = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = PasswordPolicy()


@given(st.integers(0, 4))
def test_fewer_than_the_allowed_attempts_never_block(failed: int) -> None:
    assert not Attempts(failed, NOW).is_blocked(POLICY, NOW)


def test_a_block_ends_on_time_and_the_count_starts_again() -> None:
    blocked = Attempts(5, NOW)
    assert blocked.is_blocked(POLICY, NOW + timedelta(minutes=14, seconds=59))
    assert not blocked.is_blocked(POLICY, NOW + timedelta(minutes=15))
    assert blocked.after_failure(POLICY, NOW).failed == 1


@given(st.integers(1, 10))
def test_exactly_the_allowed_number_of_failures_leads_to_a_block(allowed: int) -> None:
    policy = PasswordPolicy(max_failed_attempts=allowed)
    attempts = Attempts(0, None)
    for number in range(1, allowed + 1):
        attempts = attempts.after_failure(policy, NOW)
        assert attempts.is_blocked(policy, NOW) == (number == allowed)
