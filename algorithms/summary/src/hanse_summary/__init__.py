"""Federated summary statistics: two rounds, so that the variance is as sound as on the pooled rows."""

from hanse_summary.central import summary
from hanse_summary.partials import squares, totals

__all__ = ["squares", "summary", "totals"]
