"""The same three questions on the pooled data, by established packages: the referee of the demo.

Needs `hanse-sandbox[reference]` (pandas, lifelines, statsmodels). Runs as a process of its own
(`python -m hanse_sandbox.pooled FILE`), because importing these packages takes seconds.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

LANDMARK_DAYS = 365
SUMMARISED = ["age", "ph.karno", "wt.loss"]
PREDICTORS = ["age", "sex", "ph.ecog"]


def summary(data: Any, columns: list[str]) -> dict[str, dict[str, dict[str, float]]]:
    """By sex and column: count, mean and standard deviation (ddof = 1), by pandas."""
    return {
        str(sex): {
            column: {"count": int(group[column].count()), "mean": group[column].mean(), "std": group[column].std()}
            for column in columns
        }
        for sex, group in data.groupby("sex")
    }


def survival(data: Any) -> dict[str, Any]:
    """By sex: the Kaplan-Meier curve and median, and the log-rank test between the sexes, by lifelines."""
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import multivariate_logrank_test

    groups: dict[str, Any] = {}
    for sex, group in data.groupby("sex"):
        fit = KaplanMeierFitter().fit(group["time"], group["status"])
        curve = fit.survival_function_.iloc[:, 0]
        groups[str(sex)] = {
            "median": float(fit.median_survival_time_),
            "curve": [[float(time), float(value)] for time, value in curve.items()],
        }
    test = multivariate_logrank_test(data["time"], data["sex"], data["status"])
    return {"groups": groups, "statistic": float(test.test_statistic), "p_value": float(test.p_value)}


def one_year_survival(data: Any, predictors: list[str]) -> dict[str, Any]:
    """Fit a logistic regression of surviving the landmark, without patients censored before it, by statsmodels."""
    import statsmodels.api as sm

    known = data[(data["time"] >= LANDMARK_DAYS) | (data["status"] == 1)].dropna(subset=predictors)
    design = sm.add_constant(known[predictors].astype(float))
    fit = sm.GLM((known["time"] >= LANDMARK_DAYS).astype(float), design, family=sm.families.Binomial()).fit(tol=1e-12)
    names = {"const": "intercept"}
    return {
        "rows": int(fit.nobs),
        "coefficients": {names.get(name, name): float(value) for name, value in fit.params.items()},
        "standard_errors": {names.get(name, name): float(value) for name, value in fit.bse.items()},
        "deviance": float(fit.deviance),
    }


def main(path: Path) -> None:
    """Print all three answers as JSON."""
    warnings.simplefilter("ignore")
    os.nice(10)  # the referee may be late; the federation is what people wait for
    import pandas as pd

    data = pd.read_csv(path)
    answers = {
        "summary": summary(data, SUMMARISED),
        "survival": survival(data),
        "one_year_survival": one_year_survival(data, PREDICTORS),
    }
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
