"""Tasks, runs and results."""
