"""Strangers do not make this server a nuisance to a provider."""

from datetime import UTC, datetime, timedelta

import pytest

from hanse_core.errors import Unavailable
from hanse_server.sso.pacing import WINDOW, Pacing, Patience
from hanse_web.clock import FixedClock


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 1, tzinfo=UTC))


def test_a_code_is_asked_about_as_often_as_the_provider_wants(clock: FixedClock) -> None:
    pacing = Pacing(clock)
    assert pacing.may_go("a", 5)
    assert not pacing.may_go("a", 5)
    assert pacing.may_go("b", 5)
    clock.moment += timedelta(seconds=5)
    assert pacing.may_go("a", 5)


def test_only_the_newest_codes_are_remembered(clock: FixedClock) -> None:
    pacing = Pacing(clock, remembered=2)
    for code in "abc":
        assert pacing.may_go(code, 5)
    assert not pacing.may_go("c", 5)
    assert pacing.may_go("a", 5)


def test_a_network_that_causes_too_much_must_pause_and_others_need_not(clock: FixedClock) -> None:
    patience = Patience(clock, most=2)
    for _ in range(2):
        patience.require("192.0.2.1")
        patience.note("192.0.2.1")
    with pytest.raises(Unavailable) as refused:
        patience.require("192.0.2.1")
    assert refused.value.retry_after == WINDOW.total_seconds() + 1
    patience.require("192.0.2.2")
    clock.moment += WINDOW
    patience.require("192.0.2.1")


def test_only_the_newest_networks_are_remembered(clock: FixedClock) -> None:
    patience = Patience(clock, most=1, remembered=2)
    for number in range(3):
        patience.note(f"192.0.2.{number}")
    patience.require("192.0.2.0")
    with pytest.raises(Unavailable):
        patience.require("192.0.2.2")
