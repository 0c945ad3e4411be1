"""Run and task states, and which moves between them are legal.

The strings are those of the v4 wire and no others: stock clients take every string they do not know
for a failed, finished run.
"""

from collections.abc import Iterable
from enum import Enum


class RunStatus(str, Enum):
    """State of one run (one task at one organization); the values are the wire strings."""

    PENDING = "pending"
    INITIALIZING = "initializing"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    START_FAILED = "start failed"
    NO_IMAGE = "non-existing Docker image"
    CRASHED = "crashed"
    KILLED = "killed by user"
    NOT_ALLOWED = "not allowed"
    UNKNOWN_ERROR = "unknown error"

    def __str__(self) -> str:
        return self.value

    @property
    def is_finished(self) -> bool:
        return self not in UNFINISHED

    @property
    def is_failed(self) -> bool:
        return self.is_finished and self is not RunStatus.COMPLETED


UNFINISHED = frozenset({RunStatus.PENDING, RunStatus.INITIALIZING, RunStatus.ACTIVE})
FINISHED = frozenset(RunStatus) - UNFINISHED

MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PENDING: frozenset(RunStatus),
    RunStatus.INITIALIZING: frozenset(RunStatus) - {RunStatus.PENDING},
    RunStatus.ACTIVE: frozenset(RunStatus) - {RunStatus.PENDING, RunStatus.INITIALIZING},
    **{status: frozenset() for status in FINISHED},
}
"""From each state, the states it may move to. A finished run never moves; staying in place is no move."""


def may_move(current: RunStatus, following: RunStatus) -> bool:
    """Tell whether a run may go from one state to another (an unfinished run may also report its state again)."""
    return following in MOVES[current]


def task_status(runs: Iterable[RunStatus]) -> RunStatus:
    """Derive the state of a task from its own runs (`data-model` rule: a failure first, then the busiest state)."""
    statuses = set(runs)
    failures = {status for status in statuses if status.is_failed}
    if failures:
        return failures.pop() if len(failures) == 1 else RunStatus.FAILED
    for status in (RunStatus.ACTIVE, RunStatus.INITIALIZING, RunStatus.PENDING):
        if status in statuses:
            return status
    return RunStatus.COMPLETED
