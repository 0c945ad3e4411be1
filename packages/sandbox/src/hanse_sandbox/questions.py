"""The three questions of the demo: what is asked, and which numbers of the answer are held against the pooled ones."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hanse_sandbox.compare import Comparison
from hanse_sandbox.plot import survival_at
from hanse_sandbox.pooled import LANDMARK_DAYS, PREDICTORS, SUMMARISED

SEXES = {"1": "men", "2": "women"}
MOMENTS = (90, 180, 365, 730)
"""Days at which the survival curves are compared."""


@dataclass(frozen=True, slots=True)
class Question:
    """One analysis: the call that answers it, and how its numbers pair with the pooled ones."""

    name: str
    title: str
    image: str
    method: str
    arguments: Mapping[str, Any]
    pairs: Callable[[Any, Any], Iterator[tuple[str, float, float]]]

    def compare(self, federated: Any, pooled: Any) -> list[Comparison]:
        """Pair the federated numbers with the pooled ones."""
        return [Comparison(self.name, name, *numbers) for name, *numbers in self.pairs(federated, pooled)]


def _summary(federated: Any, pooled: Any) -> Iterator[tuple[str, float, float]]:
    for sex, columns in pooled.items():
        for column, expected in columns.items():
            found = federated["groups"][sex]["numeric"][column]
            for statistic, value in expected.items():
                yield f"{column}, {SEXES[sex]}: {statistic}", found[statistic], value


def _survival(federated: Any, pooled: Any) -> Iterator[tuple[str, float, float]]:
    for sex, expected in pooled["groups"].items():
        curve = curves(federated)[SEXES[sex]]
        for day in MOMENTS:
            yield f"survival at {day} days, {SEXES[sex]}", survival_at(curve, day), survival_at(expected["curve"], day)
        yield f"median survival, {SEXES[sex]}", federated["groups"][sex]["median"], expected["median"]
    yield "log-rank statistic", federated["log_rank"]["statistic"], pooled["statistic"]
    yield "log-rank p-value", federated["log_rank"]["p_value"], pooled["p_value"]


def _regression(federated: Any, pooled: Any) -> Iterator[tuple[str, float, float]]:
    found = {coefficient["name"]: coefficient for coefficient in federated["coefficients"]}
    for name, value in pooled["coefficients"].items():
        yield f"{name}: coefficient", found[name]["estimate"], value
        yield f"{name}: standard error", found[name]["std_error"], pooled["standard_errors"][name]
    yield "deviance", federated["deviance"], pooled["deviance"]
    yield "patients", federated["rows"], pooled["rows"]


def curves(survival: Any) -> dict[str, list[tuple[float, float]]]:
    """Give the survival curves of an answer as steps, by the name of the sex."""
    return {
        SEXES[sex]: list(zip(group["curve"]["times"], group["curve"]["survival"], strict=True))
        for sex, group in sorted(survival["groups"].items())
    }


QUESTIONS = (
    Question(
        "summary",
        "What are men and women in the trial like?  (summary by sex)",
        "hanse/summary",
        "summary",
        {"columns": SUMMARISED, "by": "sex"},
        _summary,
    ),
    Question(
        "survival",
        "Who survives longer?  (Kaplan-Meier by sex, log-rank test)",
        "hanse/kaplan-meier",
        "kaplan_meier",
        {"time": "time", "event": "status", "by": "sex"},
        _survival,
    ),
    Question(
        "one_year_survival",
        "What goes with surviving the first year?  (logistic regression)",
        "hanse/glm",
        "glm",
        {
            "outcome": "time",
            "at_least": LANDMARK_DAYS,
            "status": "status",
            "event": 1,
            "family": "binomial",
            "predictors": PREDICTORS,
        },
        _regression,
    ),
)
