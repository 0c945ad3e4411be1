"""Federated generalised linear models by iteratively reweighted least squares."""

from hanse_glm.central import glm
from hanse_glm.partials import prepare, step

__all__ = ["glm", "prepare", "step"]
