"""Climb to the maximum of the likelihood, one federated round per step, and notice when there is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hanse_algorithm import AlgorithmError
from hanse_algorithm.errors import InputError
from hanse_glm.families import Vector

Matrix = npt.NDArray[np.float64]

SINGULAR = 1e-10
"""The smallest eigenvalue, as a share of 1, that the scaled information of independent predictors may have."""


class Dependent(InputError):
    """A predictor follows from the others, so that their coefficients cannot be told apart."""


class Separated(InputError):
    """A predictor decides the outcome in some rows completely, so that its coefficient would be infinite."""


class NotConverged(AlgorithmError):
    """The coefficients still changed in the last iteration allowed."""


class Ascent:
    """Fisher scoring for one model: takes the stations' sums at its coefficients, and moves them.

    A step that makes the deviance larger is halved. The coefficients have converged when the next step changes the
    linear predictor by less than the tolerance; that last step is still taken.
    """

    def __init__(self, names: Sequence[str], tolerance: float) -> None:
        self.names = names
        self.coefficients: Vector | None = None
        self.deviance = np.inf
        self.covariance: Matrix = np.empty((0, 0))
        self.has_converged = False
        self.last_change = np.inf
        self._step: Vector = np.empty(0)
        self._scale: Vector = np.empty(0)
        self._tolerance = tolerance

    def asked(self) -> list[float] | None:
        """Give the coefficients to evaluate next; None for the start."""
        return None if self.coefficients is None else [float(value) for value in self.coefficients]

    def advance(self, answers: Iterable[dict[str, Any]], weight: float) -> None:
        """Add the stations' sums up and take the next step.

        Args:
            answers: what `partials.sums` gave at each station.
            weight: the total weight, for the scale of the predictors; used at the start only.
        """
        if self.has_converged:
            return
        parts = list(answers)
        information = np.sum([part["information"] for part in parts], axis=0)
        score = np.sum([part["score"] for part in parts], axis=0)
        if self.coefficients is None:
            self._scale = np.sqrt(np.diag(information) / weight)
            self.covariance = self._inverse(information)
            self.coefficients = self.covariance @ score
            return
        deviance = float(np.sum([part["deviance"] for part in parts]))
        if deviance > self.deviance * (1.0 + 1e-10):
            self._step = self._step / 2.0
            self.coefficients = self.coefficients - self._step
            return
        self.last_change = (self.deviance - deviance) / (deviance + 0.1)
        self.deviance = deviance
        self.covariance = self._inverse(information)
        self._step = self.covariance @ score
        size = np.max(np.abs(self._step) * self._scale)
        self.has_converged = bool(size <= self._tolerance * (1.0 + np.max(np.abs(self.coefficients) * self._scale)))
        self.coefficients = self.coefficients + self._step

    def diverging(self) -> list[str]:
        """Name the predictors whose coefficients keep growing although the fit hardly improves any more.

        Each step then moves them by about 1 on the scale of the linear predictor while the deviance has settled.
        Source: Albert and Anderson (1984), "On the existence of maximum likelihood estimates in logistic regression
        models", Biometrika 71(1), 1-10.
        """
        if self.has_converged or not 0.0 <= self.last_change < 1e-5:
            return []
        moves = np.abs(self._step) * self._scale
        if moves.max() < 0.05:
            return []
        return [name for name, move in zip(self.names, moves, strict=True) if move > moves.max() / 10.0]

    def _inverse(self, information: Matrix) -> Matrix:
        """Invert after scaling each predictor to a diagonal of 1; name the dependent predictors when that fails."""
        diagonal = np.sqrt(np.diag(information))
        divisor = np.where(diagonal > 0.0, diagonal, 1.0)
        values, vectors = np.linalg.eigh(information / np.outer(divisor, divisor))
        if values[0] < SINGULAR * values[-1]:
            involved = [name for name, part in zip(self.names, vectors[:, 0], strict=True) if abs(part) > 0.1]
            if self.coefficients is None:
                raise Dependent(f"the predictors are linearly dependent: {', '.join(involved)}; leave one out")
            raise Separated(separation(involved))
        return np.asarray((vectors / values) @ vectors.T / np.outer(divisor, divisor))


def separation(names: Sequence[str]) -> str:
    """Explain that the maximum of the likelihood lies at infinity."""
    return (
        f"perfect separation: {', '.join(names)} decide the outcome completely in some or all rows, "
        "so that there are no finite estimates; leave them out or merge levels"
    )
