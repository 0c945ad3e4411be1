"""Guards refuse what is too small, and say which column is wrong."""

from __future__ import annotations

from base64 import b32encode

import pandas
import pytest

from hanse_algorithm import AlgorithmError, PrivacyViolation, guards
from hanse_algorithm.errors import EnvironmentFault


@pytest.fixture(autouse=True)
def _no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(guards.MINIMUM_COUNT, raising=False)


def test_ten_is_enough_unless_the_station_says_otherwise() -> None:
    assert guards.minimum_count(10) == 10
    with pytest.raises(guards.TooFew, match="too few rows: this station reports on at least 10"):
        guards.minimum_count(9)


def test_the_station_sets_the_minimum_encoded_or_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (b32encode(b"25").decode().replace("=", "!"), "25"):
        monkeypatch.setenv(guards.MINIMUM_COUNT, value)
        with pytest.raises(guards.TooFew, match="too few events: this station reports on at least 25"):
            guards.minimum_count(24, "events")


def test_an_algorithm_can_be_stricter_than_the_station_but_not_laxer() -> None:
    with pytest.raises(guards.TooFew, match="at least 50"):
        guards.minimum_count(49, minimum=50)
    with pytest.raises(guards.TooFew, match="at least 10"):
        guards.minimum_count(9, minimum=3)


@pytest.mark.parametrize("value", ["", "-1", "ten", "1.5", "²"])
def test_a_setting_that_is_no_number_stops_the_run_instead_of_guessing(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(guards.MINIMUM_COUNT, value)
    with pytest.raises(EnvironmentFault, match="HANSE_MINIMUM_COUNT must be a whole number"):
        guards.minimum_count(1000)


def test_the_count_itself_is_not_told() -> None:
    with pytest.raises(guards.TooFew) as caught:
        guards.minimum_count(7)
    assert "7" not in str(caught.value)
    assert isinstance(caught.value, PrivacyViolation)


def test_missing_columns_are_named_with_the_available_ones() -> None:
    data = pandas.DataFrame({"age": [1], "sex": [2]})
    assert guards.columns_exist(data, iter(["age"])) == ["age"]
    with pytest.raises(guards.UnknownColumn, match="unknown column 'agee'; the table has: age, sex"):
        guards.columns_exist(data, ["age", "agee"])
    with pytest.raises(guards.UnknownColumn, match="unknown columns 'a', 'b'"):
        guards.columns_exist(data, ["a", "b"])


def test_a_guard_error_may_leave_the_station() -> None:
    assert issubclass(guards.TooFew, AlgorithmError)
    assert issubclass(guards.UnknownColumn, AlgorithmError)
