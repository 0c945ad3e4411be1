"""Federated contingency tables with the chi-squared test, in one round."""

from hanse_crosstab.central import crosstab
from hanse_crosstab.partials import cells

__all__ = ["cells", "crosstab"]
