"""What each station computes: first the levels of its categories, then in each iteration the sums of one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hanse_algorithm import federated, rows
from hanse_glm import design
from hanse_glm.families import Family, Vector
from hanse_glm.model import Model

if TYPE_CHECKING:
    import pandas as pd


@federated
def prepare(data: pd.DataFrame, model: dict[str, Any]) -> dict[str, Any]:
    """Count the rows and list the levels of each categorical predictor (first round).

    Returns:
        `rows`; `excluded` and `censored`, the rows left out for a missing value and for an outcome that is not known
        (None when so few that it is not told); `levels`; `total`, the sum of the outcome; `saturated`, the
        log-likelihood of a perfect fit.
    """
    described = Model.from_json(model)
    table, outcome, excluded, censored = design.used_rows(data, described)
    return {
        "rows": len(table),
        "excluded": excluded,
        "censored": censored,
        "levels": {name: rows.in_order(rows.labels(table[name])) for name in described.categorical},
        "total": float(outcome.sum()),
        "saturated": described.distribution.saturated(outcome),
    }


@federated
def step(
    data: pd.DataFrame,
    model: dict[str, Any],
    levels: dict[str, list[str]],
    coefficients: list[float] | None = None,
    null: list[float] | None = None,
) -> dict[str, Any]:
    """Give the sums of one iteration, for the model and for the null model (intercept only).

    Without coefficients the step starts from the outcome itself. See `sums` for what is returned of either.
    """
    described = Model.from_json(model)
    table, outcome, _, _ = design.used_rows(data, described)
    x, offset, family = (
        design.matrix(table, described, levels),
        design.offset(table, described),
        described.distribution,
    )
    return {
        "model": sums(x, outcome, offset, family, coefficients),
        "null": sums(np.ones((len(table), 1)), outcome, offset, family, null),
    }


def sums(
    x: npt.NDArray[np.float64], y: Vector, offset: Vector, family: Family, coefficients: list[float] | None
) -> dict[str, Any]:
    """Compute a station's share of the normal equations of iteratively reweighted least squares.

    The stations' shares add up to those of the pooled rows, since each is a sum over rows. Source: McCullagh and Nelder
    (1989), "Generalized Linear Models", section 2.5.

    Returns:
        `information`: X'VX; `score`: X'(y − μ), to which the start adds X'V(η − offset), so that solving gives the
        coefficients themselves; `deviance`, None at the start.
    """
    is_start = coefficients is None
    eta = family.start(y) if is_start else x @ np.asarray(coefficients, dtype=np.float64) + offset
    weight = family.weight(eta)
    residual = y - family.mean(eta)
    score = x.T @ (residual + weight * (eta - offset) if is_start else residual)
    return {
        "information": (x.T @ (weight[:, np.newaxis] * x)).tolist(),
        "score": score.tolist(),
        "deviance": None if is_start else family.deviance(y, eta),
    }
