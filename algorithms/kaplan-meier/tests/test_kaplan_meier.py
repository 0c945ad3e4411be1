"""The federated curves and test equal lifelines on the pooled rows."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_lung
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import median_survival_times

from hanse_algorithm.testing import simulate
from hanse_kaplan_meier import kaplan_meier

Tables = dict[str, pd.DataFrame]

pytestmark = pytest.mark.filterwarnings("ignore:Starting with pandas version 4")  # inside lifelines' log-rank test


def assert_equals_lifelines(found: dict[str, Any], times: pd.Series, died: pd.Series, confidence: float = 0.95) -> None:
    fitted = KaplanMeierFitter(alpha=1 - confidence).fit(times, died)
    curve = pd.DataFrame(found["curve"]).set_index("times")
    steps = fitted.event_table.query("observed > 0 or index == 0").index
    assert curve.index.tolist() == steps.tolist()
    assert curve["at_risk"].tolist() == fitted.event_table.loc[steps, "at_risk"].tolist()
    assert curve["events"].tolist() == fitted.event_table.loc[steps, "observed"].tolist()
    survival = fitted.survival_function_.loc[steps].squeeze(axis=1)
    assert curve["survival"].tolist() == pytest.approx(survival.tolist(), rel=1e-9, abs=1e-12)
    interval = fitted.confidence_interval_.loc[steps]
    assert curve["lower"].tolist() == pytest.approx(interval.iloc[:, 0].tolist(), rel=1e-6, abs=1e-12)
    assert curve["upper"].tolist() == pytest.approx(interval.iloc[:, 1].tolist(), rel=1e-6, abs=1e-12)
    is_defined = curve["survival"] > 0
    greenwood = survival * np.sqrt(fitted._cumulative_sq_.loc[steps].squeeze())
    assert curve["std_error"][is_defined].tolist() == pytest.approx(greenwood[is_defined].tolist(), rel=1e-6)
    assert curve["std_error"][~is_defined].isna().all()
    assert (found["rows"], found["events"], found["censored"]) == (len(times), died.sum(), len(times) - died.sum())


def test_the_curve_of_everybody_equals_lifelines(lung: pd.DataFrame, tables: Tables) -> None:
    result = simulate(kaplan_meier, tables, time="time", event="status")
    assert list(result["groups"]) == ["all"]
    assert_equals_lifelines(result["groups"]["all"], lung["time"], lung["status"])
    assert result["log_rank"] is None


@pytest.mark.parametrize("confidence", [0.95, 0.9])
def test_the_curves_by_sex_equal_lifelines(lung: pd.DataFrame, tables: Tables, confidence: float) -> None:
    result = simulate(kaplan_meier, tables, time="time", event="status", by="sex", confidence=confidence)
    for label, group in lung.groupby("sex"):
        found = result["groups"][str(label)]
        assert_equals_lifelines(found, group["time"], group["status"], confidence)
        fitted = KaplanMeierFitter(alpha=1 - confidence).fit(group["time"], group["status"])
        limits = median_survival_times(fitted.confidence_interval_).to_numpy()[0]
        assert (found["median"], found["median_lower"], found["median_upper"]) == (
            fitted.median_survival_time_,
            *limits,
        )


def test_the_known_medians_of_the_trial_are_found(tables: Tables) -> None:
    groups = simulate(kaplan_meier, tables, time="time", event="status", by="sex")["groups"]
    assert {label: group["median"] for label, group in groups.items()} == {"1": 270.0, "2": 426.0}


@pytest.mark.parametrize("by", ["sex", "ph.ecog", "ph.karno"])
def test_the_log_rank_test_equals_lifelines(lung: pd.DataFrame, tables: Tables, no_minimum: None, by: str) -> None:
    result = simulate(kaplan_meier, tables, time="time", event="status", by=by)
    complete = lung.dropna(subset=[by])
    expected = multivariate_logrank_test(complete["time"], complete[by], complete["status"])
    found = result["log_rank"]
    assert found["statistic"] == pytest.approx(expected.test_statistic, rel=1e-8)
    assert found["p_value"] == pytest.approx(expected.p_value, rel=1e-8)
    assert found["dof"] == complete[by].nunique() - 1
    assert found["observed"] == {label: group["events"] for label, group in result["groups"].items()}
    assert sum(found["expected"].values()) == pytest.approx(complete["status"].sum(), rel=1e-12)


def test_the_number_at_risk_is_shown_at_round_times(lung: pd.DataFrame, tables: Tables) -> None:
    shown = simulate(kaplan_meier, tables, time="time", event="status", by="sex")["at_risk"]
    assert shown["times"] == [0, 200, 400, 600, 800]
    for label, group in lung.groupby("sex"):
        assert shown["groups"][str(label)] == [(group["time"] >= at).sum() for at in shown["times"]]


def test_the_number_at_risk_is_shown_at_chosen_times(lung: pd.DataFrame, tables: Tables) -> None:
    shown = simulate(kaplan_meier, tables, time="time", event="status", at_risk_at=[365, 90.5])["at_risk"]
    assert shown["times"] == [90.5, 365]
    assert shown["groups"] == {"all": [(lung["time"] >= 90.5).sum(), (lung["time"] >= 365).sum()]}


def test_binned_times_equal_the_pooled_analysis_of_binned_times(lung: pd.DataFrame, tables: Tables) -> None:
    result = simulate(kaplan_meier, tables, time="time", event="status", by="sex", bin_width=30)
    binned = lung.assign(time=np.ceil(lung["time"] / 30) * 30)
    for label, group in binned.groupby("sex"):
        assert_equals_lifelines(result["groups"][str(label)], group["time"], group["status"])
    expected = multivariate_logrank_test(binned["time"], binned["sex"], binned["status"])
    assert result["log_rank"]["statistic"] == pytest.approx(expected.test_statistic, rel=1e-9)


def test_the_event_may_be_coded_in_any_way(tables: Tables) -> None:
    plain = simulate(kaplan_meier, tables, time="time", event="status")
    two = {name: table.assign(status=table["status"] + 1.0) for name, table in tables.items()}
    text = {name: table.assign(status=table["status"].map({0: "alive", 1: "dead"})) for name, table in tables.items()}
    yes = {name: table.assign(status=table["status"] == 1) for name, table in tables.items()}
    assert simulate(kaplan_meier, two, time="time", event="status", event_value=2)["groups"] == plain["groups"]
    assert simulate(kaplan_meier, text, time="time", event="status", event_value="dead")["groups"] == plain["groups"]
    assert simulate(kaplan_meier, yes, time="time", event="status")["groups"] == plain["groups"]


def test_a_station_may_have_no_events(lung: pd.DataFrame, tables: Tables) -> None:
    tables["hamburg"]["status"] = 0
    pooled = pd.concat(tables.values())
    result = simulate(kaplan_meier, tables, time="time", event="status")
    assert_equals_lifelines(result["groups"]["all"], pooled["time"], pooled["status"])


def test_without_any_event_survival_stays_at_one(tables: Tables) -> None:
    alive = {name: table.assign(status=0) for name, table in tables.items()}
    result = simulate(kaplan_meier, alive, time="time", event="status", by="sex")
    curve = result["groups"]["1"]["curve"]
    assert (curve["times"], curve["survival"], curve["std_error"], curve["lower"]) == ([0.0], [1.0], [0.0], [1.0])
    assert (result["groups"]["1"]["median"], result["log_rank"]) == (None, None)


def test_when_everybody_dies_the_standard_error_ends(tables: Tables, lung: pd.DataFrame) -> None:
    dead = {name: table.assign(status=1) for name, table in tables.items()}
    result = simulate(kaplan_meier, dead, time="time", event="status")
    assert_equals_lifelines(result["groups"]["all"], lung["time"], lung["status"] * 0 + 1)
    assert result["groups"]["all"]["curve"]["survival"][-1] == 0.0


def test_a_group_may_be_missing_at_a_station(tables: Tables) -> None:
    tables["hamburg"] = tables["hamburg"].query("sex == 2")
    pooled = pd.concat(tables.values())
    result = simulate(kaplan_meier, tables, time="time", event="status", by="sex")
    for label, group in pooled.groupby("sex"):
        assert_equals_lifelines(result["groups"][str(label)], group["time"], group["status"])
    expected = multivariate_logrank_test(pooled["time"], pooled["sex"], pooled["status"])
    assert result["log_rank"]["statistic"] == pytest.approx(expected.test_statistic, rel=1e-9)


def test_a_single_station_is_a_federation(lung: pd.DataFrame) -> None:
    result = simulate(kaplan_meier, {"only": lung}, time="time", event="status")
    assert_equals_lifelines(result["groups"]["all"], lung["time"], lung["status"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), stations=st.integers(1, 5))
def test_any_split_gives_the_pooled_curves(no_minimum: None, seed: int, stations: int) -> None:
    lung = load_lung()
    place = np.random.default_rng(seed).integers(0, stations, len(lung))
    tables = {f"station {i}": lung[place == i] for i in range(stations)}
    result = simulate(kaplan_meier, tables, time="time", event="status", by="ph.ecog")
    for label, group in lung.groupby("ph.ecog"):
        assert_equals_lifelines(result["groups"][str(int(label))], group["time"], group["status"])
    json.dumps(result, allow_nan=False)
