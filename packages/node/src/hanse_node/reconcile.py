"""What to do next, from what the server wants and what is here: one pure function for events, timers and restarts."""

from collections.abc import Mapping
from dataclasses import dataclass

from hanse_node.policy.decision import Verdict
from hanse_node.runs import UNFINISHED, LocalRun, Phase


@dataclass(frozen=True, slots=True)
class Start:
    run_id: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """End the run as not allowed, for this reason."""

    run_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End a run that the server no longer counts as open (to be confirmed for this one run first)."""

    run_id: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """Send what lies on disk for the server, now."""

    run_id: int


@dataclass(frozen=True, slots=True)
class Report:
    """Tell a server that asks again for what it already got (after a restored backup, say) that it runs only once."""

    run_id: int


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop the working state of a run that both sides have closed; its tombstone stays."""

    run_id: int


Action = Start | Refuse | Stop | Deliver | Report | Forget


def plan(wanted: Mapping[int, Verdict], actual: Mapping[int, LocalRun]) -> list[Action]:
    """Give the actions that bring this node in line with the server's open runs, oldest run first.

    `actual` must hold every unfinished run of this node, and the tombstones of those that are wanted.
    """
    actions = (_action(run_id, wanted.get(run_id), actual.get(run_id)) for run_id in sorted({*wanted, *actual}))
    return [action for action in actions if action is not None]


def _action(run_id: int, verdict: Verdict | None, run: LocalRun | None) -> Action | None:
    if run is not None and run.phase is Phase.SEALED:
        return Deliver(run_id)
    if verdict is None:
        return _unwanted(run_id, run)
    if run is None:
        return Start(run_id) if verdict.allowed else Refuse(run_id, str(verdict))
    return Report(run_id) if run.phase is Phase.DELIVERED else None


def _unwanted(run_id: int, run: LocalRun | None) -> Action | None:
    if run is None or run.phase is Phase.ENDED:
        return None
    if run.phase in UNFINISHED:
        return None if run.killed else Stop(run_id)
    return Forget(run_id)
