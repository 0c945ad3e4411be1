"""Federated Kaplan-Meier curves with the log-rank test, in two rounds."""

from hanse_kaplan_meier.central import kaplan_meier
from hanse_kaplan_meier.partials import event_times, risk_table

__all__ = ["event_times", "kaplan_meier", "risk_table"]
