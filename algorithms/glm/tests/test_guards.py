"""No sum is about too few persons, and wrong input is explained."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hanse_algorithm.errors import DataError, InputError
from hanse_algorithm.guards import TooFew, UnknownColumn
from hanse_algorithm.rows import UnsuitableColumn
from hanse_algorithm.subtasks import SubtaskFailed
from hanse_algorithm.testing import simulate
from hanse_glm import glm, prepare, step

Tables = dict[str, pd.DataFrame]
ROUNDS = pytest.mark.parametrize(("partial", "more"), [(prepare, {}), (step, {"levels": {"g": ["1", "2"]}})])


def model(**more: Any) -> dict[str, Any]:
    return {"outcome": "status", "family": "binomial", "predictors": ["age"]} | more


@ROUNDS
def test_a_tiny_station_refuses(tables: Tables, partial: Callable[..., Any], more: dict[str, Any]) -> None:
    with pytest.raises(TooFew, match="complete rows"):
        simulate(partial, {"tiny": tables["bremen"][:9]}, model=model(), **more)


@ROUNDS
@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"predictors": ["g"], "categorical": ["g"]}, "rows in each level of 'g'"),
        ({"predictors": ["flag"]}, "rows with a different value of 'flag'"),
        ({"outcome": "flag"}, "rows with each outcome of 'flag'"),
        ({"outcome": "time", "at_least": 1.0, "status": "none"}, "rows with a known outcome"),
    ],
)
def test_few_rows_that_stand_out_are_refused(
    tables: Tables, partial: Callable[..., Any], more: dict[str, Any], fields: dict[str, Any], cause: str
) -> None:
    table = tables["bremen"].assign(g=1, flag=0.0, none=0, time=lambda t: t["time"] * 0)
    table.loc[:2, ["g", "flag"]] = [2, 1.0]
    with pytest.raises(TooFew, match=cause):
        simulate(partial, {"bremen": table}, model=model(**fields), **more)


def test_as_many_coefficients_as_rows_are_refused(tables: Tables) -> None:
    random = np.random.default_rng(7)
    noise = {f"x{i}": random.normal(size=30) for i in range(25)}
    table = tables["bremen"][:30].assign(**noise)
    with pytest.raises(TooFew, match="rows beyond the number of coefficients"):
        simulate(step, {"bremen": table}, model=model(outcome="age", family="gaussian", predictors=[*noise]), levels={})


def test_levels_that_are_names_are_refused_without_telling_them(tables: Tables) -> None:
    table = tables["bremen"].assign(name=[f"person {i}" for i in range(len(tables["bremen"]))])
    with pytest.raises(SubtaskFailed, match="'name'") as caught:
        simulate(glm, {"bremen": table}, **model(predictors=["name"], categorical=["name"]))
    assert "person" not in str(caught.value)


def test_a_level_that_appears_between_rounds_is_an_error(tables: Tables) -> None:
    fields = model(predictors=["sex"], categorical=["sex"])
    with pytest.raises(DataError, match="'sex' has levels"):
        simulate(step, tables, model=fields, levels={"sex": ["1"]})


@pytest.mark.parametrize("column", ["age", "status"])
def test_an_all_missing_column_leaves_too_few_rows(tables: Tables, column: str) -> None:
    tables["hamburg"][column] = np.nan
    with pytest.raises(SubtaskFailed, match=r"hamburg: .*complete rows"):
        simulate(glm, tables, **model())


def test_an_unknown_column_is_named(tables: Tables) -> None:
    with pytest.raises(UnknownColumn, match="'agee'"):
        simulate(prepare, tables, model=model(predictors=["agee"]))


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"outcome": "time"}, "'time' must be 0 or 1 in every row for the binomial family; 'event' or 'at_least'"),
        ({"outcome": "below", "family": "poisson"}, "'below' must be at least 0 in every row for the poisson"),
        ({"predictors": ["text"]}, "'text' must hold numbers"),
        ({"predictors": ["endless"]}, "'endless' holds infinite values"),
        ({"family": "poisson", "exposure": "below"}, "exposure 'below' must be above 0"),
    ],
)
def test_unsuitable_columns_are_explained(tables: Tables, fields: dict[str, Any], cause: str) -> None:
    spoilt = tables["bremen"].assign(below=-1.0 * tables["bremen"]["time"], text="a", endless=np.inf)
    with pytest.raises(UnsuitableColumn, match=cause):
        simulate(
            prepare if "exposure" not in fields else step,
            {"bremen": spoilt},
            model=model(**fields),
            **({} if "exposure" not in fields else {"levels": {}}),
        )


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"predictors": ["age", "age"]}, "names a column twice"),
        ({"predictors": ["status"]}, "'status' is also a predictor"),
        ({"categorical": ["sex"]}, "'categorical' names a column that is not a predictor"),
        ({"predictors": [], "intercept": False}, "needs the intercept"),
        ({"family": "gaussian", "event": 1}, "family must be binomial"),
        ({"status": "status", "outcome": "time"}, "'status' goes with 'at_least'"),
        ({"at_least": 3, "event": 1}, "'event' goes with 'status'"),
        ({"exposure": "time"}, "for the poisson family"),
        ({"family": "gamma"}, "must be one of 'gaussian', 'binomial', 'poisson'"),
        ({"confidence": 95}, "'confidence' must lie between 0 and 1"),
        ({"reference": {"age": 60}}, "'reference' names 'age'"),
        ({"predictors": ["sex"], "categorical": ["sex"], "reference": {"sex": 3}}, "no level '3'.* it has: 1, 2"),
    ],
)
def test_contradictory_arguments_are_explained(tables: Tables, fields: dict[str, Any], cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        simulate(glm, tables, **model(**fields))


def test_a_categorical_predictor_with_one_level_is_explained(tables: Tables) -> None:
    tables = {name: table.assign(arm="same") for name, table in tables.items()}
    with pytest.raises(InputError, match="'arm' has the same level 'same' in every row"):
        simulate(glm, tables, **model(predictors=["arm"], categorical=["arm"]))


@pytest.mark.parametrize("fields", [{"unknown": 1}, {"family": "gamma"}])
def test_a_station_refuses_a_model_it_does_not_understand(tables: Tables, fields: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"model|family"):
        simulate(prepare, tables, model=model(**fields))
