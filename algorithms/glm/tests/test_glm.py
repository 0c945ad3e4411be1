"""The federated fit equals statsmodels on the pooled rows."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hanse_algorithm.testing import simulate
from hanse_glm import glm

Tables = dict[str, pd.DataFrame]
FAMILIES = {"gaussian": sm.families.Gaussian, "binomial": sm.families.Binomial, "poisson": sm.families.Poisson}


def design(pooled: pd.DataFrame, predictors: list[str], categorical: dict[str, object]) -> pd.DataFrame:
    """Build the design matrix with pandas; `categorical` gives each reference level."""
    x = pd.DataFrame({"intercept": 1.0}, index=pooled.index)
    for name in predictors:
        if name in categorical:
            for level in sorted(set(pooled[name]) - {categorical[name]}):
                x[f"{name}[{level:g}]"] = (pooled[name] == level).astype(float)
        else:
            x[name] = pooled[name].astype(float)
    return x


def assert_equals_statsmodels(
    result: dict[str, Any], y: pd.Series, x: pd.DataFrame, family: str, alpha: float = 0.05, **more: Any
) -> None:
    fitted = sm.GLM(y.astype(float), x, family=FAMILIES[family](), **more).fit(tol=1e-14, maxiter=300)
    found = pd.DataFrame(result["coefficients"]).set_index("name")
    assert found.index.tolist() == x.columns.tolist()
    interval = fitted.conf_int(alpha=alpha)
    for name, expected in {
        "estimate": fitted.params,
        "std_error": fitted.bse,
        "z": fitted.tvalues,
        "p_value": fitted.pvalues,
        "lower": interval[0],
        "upper": interval[1],
    }.items():
        assert found[name].tolist() == pytest.approx(expected.tolist(), rel=1e-6, abs=1e-11), name
    covariance = fitted.cov_params().to_numpy()
    assert np.array(result["covariance"]) == pytest.approx(covariance, rel=1e-6, abs=1e-9 * np.abs(covariance).max())
    for name, value in {
        "deviance": fitted.deviance,
        "null_deviance": fitted.null_deviance,
        "log_likelihood": fitted.llf,
        "aic": fitted.aic,
        "dispersion": fitted.scale,
        "rows": fitted.nobs,
        "df_residual": fitted.df_resid,
    }.items():
        assert result[name] == pytest.approx(value, rel=1e-8), name


def landmark(lung: pd.DataFrame, day: float) -> pd.DataFrame:
    """Derive survival at a day from the pooled rows; those censored before are left out."""
    known = lung[(lung["time"] >= day) | (lung["status"] == 1)]
    return known.assign(alive=(known["time"] >= day).astype(int))


def test_logistic_regression_of_one_year_survival_equals_statsmodels(lung: pd.DataFrame, tables: Tables) -> None:
    result = simulate(
        glm,
        tables,
        outcome="time",
        at_least=365,
        status="status",
        family="binomial",
        predictors=["age", "sex"],
        categorical=["sex"],
    )
    pooled = landmark(lung, 365)
    assert_equals_statsmodels(result, pooled["alive"], design(pooled, ["age", "sex"], {"sex": 1}), "binomial")
    assert result["levels"] == {"sex": ["1", "2"]}
    assert sum(station["rows"] for station in result["stations"]) == len(pooled) < len(lung)
    assert result["iterations"] < 10


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
@pytest.mark.parametrize("reference", [0, 2])
def test_each_family_with_numbers_and_categories_equals_statsmodels(
    lung: pd.DataFrame, tables: Tables, no_minimum: None, family: str, reference: int
) -> None:
    outcome = {"gaussian": "wt.loss", "binomial": "status", "poisson": "time"}[family]
    predictors = ["age", "sex", "ph.ecog"]
    tables = {name: table[table["ph.ecog"] != 3] for name, table in tables.items()}
    result = simulate(
        glm,
        tables,
        outcome=outcome,
        family=family,
        predictors=predictors,
        categorical=["ph.ecog"],
        reference={"ph.ecog": reference},
    )
    pooled = pd.concat(tables.values())[[outcome, *predictors]].dropna()
    x = design(pooled, predictors, {"ph.ecog": reference})
    assert_equals_statsmodels(result, pooled[outcome], x, family)


def test_another_confidence_and_no_intercept_equal_statsmodels(lung: pd.DataFrame, tables: Tables) -> None:
    result = simulate(
        glm,
        tables,
        outcome="status",
        family="binomial",
        predictors=["age", "sex"],
        intercept=False,
        confidence=0.8,
    )
    x = lung[["age", "sex"]].astype(float)
    assert_equals_statsmodels(result, lung["status"], x, "binomial", alpha=0.2)


def test_a_model_of_the_intercept_alone_equals_statsmodels(lung: pd.DataFrame, tables: Tables) -> None:
    result = simulate(glm, tables, outcome="status", family="binomial", predictors=[])
    assert_equals_statsmodels(result, lung["status"], design(lung, [], {}), "binomial")
    assert result["deviance"] == pytest.approx(result["null_deviance"], rel=1e-12)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
def test_an_offset_equals_statsmodels(lung: pd.DataFrame, tables: Tables, family: str) -> None:
    tables = {name: table.assign(known=table["age"] / 100) for name, table in tables.items()}
    result = simulate(glm, tables, outcome="status", family=family, predictors=["sex"], offset="known")
    offset = lung["age"] / 100
    assert_equals_statsmodels(result, lung["status"], design(lung, ["sex"], {}), family, offset=offset)


def test_rates_by_exposure_equal_statsmodels(lung: pd.DataFrame, tables: Tables) -> None:
    result = simulate(
        glm, tables, outcome="status", family="poisson", predictors=["age", "sex"], categorical=["sex"], exposure="time"
    )
    x = design(lung, ["age", "sex"], {"sex": 1})
    assert_equals_statsmodels(result, lung["status"], x, "poisson", exposure=lung["time"])


def test_predictors_on_very_different_scales_equal_statsmodels(lung: pd.DataFrame, tables: Tables) -> None:
    def scale(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(tiny=table["meal.cal"] / 1e6, born=1994 - table["age"])

    pooled = scale(lung).dropna(subset=["tiny"])
    result = simulate(
        glm,
        {name: scale(table) for name, table in tables.items()},
        outcome="status",
        family="binomial",
        predictors=["tiny", "born"],
    )
    assert_equals_statsmodels(result, pooled["status"], design(pooled, ["tiny", "born"], {}), "binomial")


def test_the_event_may_be_coded_in_any_way(tables: Tables) -> None:
    plain = simulate(glm, tables, outcome="status", family="binomial", predictors=["age"])
    codings = {2: lambda s: s + 1.0, "dead": lambda s: s.map({0: "alive", 1: "dead"}), 1: lambda s: s == 1}
    for event, code in codings.items():
        coded = {name: table.assign(status=code(table["status"])) for name, table in tables.items()}
        other = simulate(glm, coded, outcome="status", event=event, family="binomial", predictors=["age"])
        assert other["coefficients"] == plain["coefficients"]


def test_a_threshold_without_a_status_uses_every_row(lung: pd.DataFrame, tables: Tables) -> None:
    result = simulate(glm, tables, outcome="ph.karno", at_least=90, family="binomial", predictors=["age"])
    pooled = lung.dropna(subset=["ph.karno"])
    good = (pooled["ph.karno"] >= 90).astype(int)
    assert_equals_statsmodels(result, good, design(pooled, ["age"], {}), "binomial")


def test_rows_left_out_are_told_unless_they_are_few(tables: Tables) -> None:
    tables["bremen"].loc[:14, "age"] = None
    tables["hamburg"].loc[:2, "age"] = None
    result = simulate(glm, tables, outcome="time", at_least=365, status="status", family="binomial", predictors=["age"])
    assert [station["excluded"] for station in result["stations"]] == [15, None, 0]
    luebeck = tables["luebeck"].query("time < 365 and status == 0")
    assert result["stations"][2]["censored"] == len(luebeck) >= 10


def test_a_station_may_have_no_events(tables: Tables) -> None:
    tables["hamburg"]["status"] = 0
    pooled = pd.concat(tables.values())
    result = simulate(glm, tables, outcome="status", family="binomial", predictors=["age"])
    assert_equals_statsmodels(result, pooled["status"], design(pooled, ["age"], {}), "binomial")


def test_a_level_may_be_missing_at_a_station(tables: Tables) -> None:
    tables["bremen"] = tables["bremen"].query("sex == 2")
    pooled = pd.concat(tables.values())
    result = simulate(glm, tables, outcome="age", family="gaussian", predictors=["sex", "time"], categorical=["sex"])
    x = design(pooled, ["sex", "time"], {"sex": 1})
    assert_equals_statsmodels(result, pooled["age"], x, "gaussian")


def test_a_single_station_is_a_federation(lung: pd.DataFrame) -> None:
    result = simulate(glm, {"only": lung}, outcome="age", family="gaussian", predictors=["time"])
    assert_equals_statsmodels(result, lung["age"], design(lung, ["time"], {}), "gaussian")


def test_a_perfect_gaussian_fit_has_no_likelihood_but_estimates(no_minimum: None) -> None:
    table = pd.DataFrame({"x": range(20), "y": [0.0] * 20})
    result = simulate(glm, {"only": table}, outcome="y", family="gaussian", predictors=["x"])
    assert [row["estimate"] for row in result["coefficients"]] == [0.0, 0.0]
    assert [row["p_value"] for row in result["coefficients"]] == [None, None]
    assert (result["log_likelihood"], result["aic"]) == (None, None)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), stations=st.integers(1, 4), family=st.sampled_from(list(FAMILIES)))
def test_any_data_and_split_give_the_pooled_fit(no_minimum: None, seed: int, stations: int, family: str) -> None:
    random = np.random.default_rng(seed)
    count = 300
    pooled = pd.DataFrame({"a": random.normal(3, 2, count), "g": random.integers(0, 3, count).astype(float)})
    eta = 0.4 * (pooled["a"] - 3) * random.normal() + 0.5 * pooled["g"]
    draws = {
        "gaussian": lambda: random.normal(eta, 2),
        "binomial": lambda: random.binomial(1, 1 / (1 + np.exp(-eta))),
        "poisson": lambda: random.poisson(np.exp(eta)),
    }
    pooled["y"] = draws[family]()
    place = random.integers(0, stations, count)
    tables = {f"station {i}": pooled[place == i] for i in range(stations)}
    result = simulate(glm, tables, outcome="y", family=family, predictors=["a", "g"], categorical=["g"])
    assert_equals_statsmodels(result, pooled["y"], design(pooled, ["a", "g"], {"g": 0}), family)
    json.dumps(result, allow_nan=False)
