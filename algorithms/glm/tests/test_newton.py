"""The ascent reaches the maximum from a bad step, and tells why there is none."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hanse_algorithm.errors import InputError
from hanse_algorithm.testing import simulate
from hanse_glm import glm
from hanse_glm.families import FAMILIES
from hanse_glm.newton import Ascent, Dependent, NotConverged, Separated
from hanse_glm.partials import sums

Tables = dict[str, pd.DataFrame]


def fit(tables: Tables, **more: Any) -> Any:
    return simulate(glm, tables, **({"outcome": "status", "family": "binomial", "predictors": ["age"]} | more))


def test_complete_separation_is_explained(tables: Tables) -> None:
    tables = {name: table.assign(sign=table["status"] * 2.0 - 1) for name, table in tables.items()}
    with pytest.raises(Separated, match=r"perfect separation: .*sign"):
        fit(tables, predictors=["sign"])


def test_complete_separation_by_a_number_is_explained(tables: Tables) -> None:
    tables = {name: table.assign(days=table["time"]) for name, table in tables.items()}
    with pytest.raises(Separated, match="perfect separation"):
        fit(tables, outcome="time", at_least=365, predictors=["days"])


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_a_level_without_any_event_is_named(tables: Tables, family: str) -> None:
    for table in tables.values():
        table.loc[table["sex"] == 2, "status"] = 0
    with pytest.raises(Separated, match=r"perfect separation: .*sex\[2\]") as caught:
        fit(tables, family=family, predictors=["age", "sex"], categorical=["sex"])
    assert "age" not in str(caught.value)


def test_dependent_predictors_are_named(tables: Tables) -> None:
    tables = {name: table.assign(months=table["age"] * 12) for name, table in tables.items()}
    with pytest.raises(Dependent, match="linearly dependent: age, months"):
        fit(tables, predictors=["age", "months", "sex"])


def test_a_constant_predictor_depends_on_the_intercept(tables: Tables) -> None:
    tables = {name: table.assign(same=3.0) for name, table in tables.items()}
    with pytest.raises(Dependent, match="intercept, same"):
        fit(tables, predictors=["same"])


def test_too_few_iterations_are_an_error(tables: Tables) -> None:
    with pytest.raises(NotConverged, match="after 2 iterations"):
        fit(tables, max_iterations=2)


@pytest.mark.parametrize(("value", "text"), [(0, "is 0 in every row"), (1, "is 1 in every row")])
def test_a_constant_outcome_is_an_error(tables: Tables, value: int, text: str) -> None:
    with pytest.raises(InputError, match=f"'status' {text}"):
        fit({name: table.assign(status=value) for name, table in tables.items()})


def test_a_step_that_is_too_long_is_halved() -> None:
    family = FAMILIES["poisson"]
    x = np.column_stack([np.ones(200), np.linspace(-1, 1, 200)])
    y = np.round(np.exp(x @ [0.5, 1.0]))
    ascent = Ascent(["intercept", "x"], 1e-10)
    ascent.advance([sums(x, y, np.zeros(200), family, None)], float(np.sum(y + 0.1)))
    start = np.array(ascent.coefficients)
    ascent.advance([sums(x, y, np.zeros(200), family, ascent.asked())], 1.0)
    reached = ascent.deviance
    ascent.coefficients = start + 50.0
    ascent._step = ascent.coefficients - start
    for _ in range(60):
        ascent.advance([sums(x, y, np.zeros(200), family, ascent.asked())], 1.0)
        assert ascent.deviance <= reached * (1 + 1e-9)
    assert ascent.has_converged
    residual = y - np.exp(x @ np.array(ascent.coefficients))
    assert x.T @ residual == pytest.approx([0.0, 0.0], abs=1e-6)
