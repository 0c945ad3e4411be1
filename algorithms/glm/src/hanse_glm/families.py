"""The three families with their canonical links, as functions of the linear predictor η.

Source: McCullagh and Nelder (1989), "Generalized Linear Models", second edition, chapter 2. With the canonical link the
score is X'(y − μ) and the information X'VX, where V is the variance function; Fisher scoring is then Newton's method.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import fsum, lgamma, log

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

LARGEST_ETA = 300.0
"""Where exp(η) is cut off, so that a step which is far too long still has a finite (huge) deviance and is halved."""


class Family(ABC):
    """A distribution of the outcome, with its canonical link."""

    has_free_dispersion = False

    @abstractmethod
    def complaint(self, y: Vector) -> str | None:
        """Say what the outcome must be, when it is not."""

    @abstractmethod
    def start(self, y: Vector) -> Vector:
        """Guess η from the outcome alone, for the first iteration."""

    @abstractmethod
    def mean(self, eta: Vector) -> Vector:
        """Give μ, the inverse of the link."""

    @abstractmethod
    def weight(self, eta: Vector) -> Vector:
        """Give V(μ), the weight in the information."""

    @abstractmethod
    def deviance(self, y: Vector, eta: Vector) -> float:
        """Give twice the distance of the log-likelihood from that of a perfect fit."""

    def saturated(self, y: Vector) -> float:
        """Give the log-likelihood of a perfect fit."""
        return 0.0


class Gaussian(Family):
    """Normal outcome, identity link."""

    has_free_dispersion = True

    def complaint(self, y: Vector) -> str | None:
        return None

    def start(self, y: Vector) -> Vector:
        return y

    def mean(self, eta: Vector) -> Vector:
        return eta

    def weight(self, eta: Vector) -> Vector:
        return np.ones_like(eta)

    def deviance(self, y: Vector, eta: Vector) -> float:
        return float(np.sum((y - eta) ** 2))


class Binomial(Family):
    """Outcome 0 or 1, logit link."""

    def complaint(self, y: Vector) -> str | None:
        return None if np.isin(y, (0.0, 1.0)).all() else "0 or 1"

    def start(self, y: Vector) -> Vector:
        return (2.0 * y - 1.0) * log(3.0)

    def mean(self, eta: Vector) -> Vector:
        return np.exp(-np.logaddexp(0.0, -eta))

    def weight(self, eta: Vector) -> Vector:
        return self.mean(eta) * self.mean(-eta)

    def deviance(self, y: Vector, eta: Vector) -> float:
        return float(2.0 * np.sum(np.logaddexp(0.0, np.where(y > 0.5, -eta, eta))))


class Poisson(Family):
    """Counts, logarithmic link."""

    def complaint(self, y: Vector) -> str | None:
        return None if (y >= 0.0).all() else "at least 0"

    def start(self, y: Vector) -> Vector:
        return np.log(y + 0.1)

    def mean(self, eta: Vector) -> Vector:
        return np.asarray(np.exp(np.minimum(eta, LARGEST_ETA)), dtype=np.float64)

    def weight(self, eta: Vector) -> Vector:
        return self.mean(eta)

    def deviance(self, y: Vector, eta: Vector) -> float:
        return float(2.0 * np.sum(_times_log(y) - y * eta - y + self.mean(eta)))

    def saturated(self, y: Vector) -> float:
        return float(np.sum(_times_log(y) - y)) - fsum(lgamma(value + 1.0) for value in y.tolist())


def _times_log(y: Vector) -> Vector:
    """Give y·log y, which is 0 at 0."""
    return y * np.log(np.where(y > 0.0, y, 1.0))


FAMILIES: dict[str, Family] = {"gaussian": Gaussian(), "binomial": Binomial(), "poisson": Poisson()}
