"""The tail probabilities equal scipy's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hanse_algorithm import tails


@given(st.floats(0, 500), st.integers(1, 200))
def test_chi_squared_equals_scipy(statistic: float, degrees: int) -> None:
    assert tails.chi_squared(statistic, degrees) == pytest.approx(stats.chi2.sf(statistic, degrees), rel=1e-9)


@given(st.floats(-30, 30))
def test_normal_equals_scipy(z: float) -> None:
    assert tails.normal(z) == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-12)


@given(st.floats(0.001, 0.999))
def test_normal_quantile_equals_scipy(probability: float) -> None:
    assert tails.normal_quantile(probability) == pytest.approx(stats.norm.ppf(probability), rel=1e-9, abs=1e-12)


def test_no_deviation_has_probability_one() -> None:
    assert tails.chi_squared(0.0, 1) == 1.0
    assert tails.normal(0.0) == 1.0
