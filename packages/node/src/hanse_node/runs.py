"""The life of one run at this node as a state machine without input or output.

`advance(run, event)` gives the following state; an event that does not apply in a state changes nothing,
so events may come late, twice or in any order.
"""

from dataclasses import dataclass, replace
from enum import Enum

from hanse_core.states import RunStatus


class Phase(str, Enum):
    """Where a run stands at this node."""

    QUEUED = "queued"
    """Offered by the server, nothing done yet."""
    CLAIMED = "claimed"
    """In the journal; the engine may have been asked to start it."""
    RUNNING = "running"
    ENDED = "ended"
    """Its final status is known."""
    SEALED = "sealed"
    """What the server is to get lies on disk."""
    DELIVERED = "delivered"
    """The server has it, or has closed the run itself; kept as a tombstone so that it never runs again."""


@dataclass(frozen=True, slots=True)
class LocalRun:
    """What this node knows about one run."""

    run_id: int
    phase: Phase = Phase.QUEUED
    reference: str | None = None
    killed: bool = False
    status: RunStatus | None = None
    """The final status, from `ENDED` on."""
    note: str = ""
    """Why it ended like that, in words for the log of the run."""

    @property
    def is_over(self) -> bool:
        return self.phase is Phase.DELIVERED


@dataclass(frozen=True, slots=True)
class Claimed:
    """The run was entered into the journal and will be handed to the engine."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The run will not be (or could not be) started; the status says which."""

    status: RunStatus
    note: str


@dataclass(frozen=True, slots=True)
class Started:
    reference: str


@dataclass(frozen=True, slots=True)
class Killed:
    """Somebody who may has asked to end the run."""

    note: str = ""
    """Who, if that is worth telling."""


@dataclass(frozen=True, slots=True)
class Exited:
    """The engine says how the run ended; `reason` as in `runtimes.base.Exit`."""

    code: int
    reason: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """The answer for the server is on disk."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The server has acknowledged the answer."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The server has ended the run by itself (killed, deleted, a sibling failed): no answer is wanted."""


Event = Claimed | Refused | Started | Killed | Exited | Sealed | Delivered | Closed

BEFORE_START = frozenset({Phase.QUEUED, Phase.CLAIMED})
UNFINISHED = BEFORE_START | {Phase.RUNNING}
KILL_NOTE = "stopped on request"

_REASONS = {
    "killed": (RunStatus.CRASHED, "was ended from outside the node"),
    "time": (RunStatus.FAILED, "was ended: it reached the time limit of this node"),
    "memory": (RunStatus.CRASHED, "was ended: it used more memory than this node allows"),
    "log": (RunStatus.CRASHED, "was ended: it printed more than this node allows"),
    "processes": (RunStatus.CRASHED, "was ended: it started more processes than this node allows"),
    "output": (RunStatus.FAILED, "left no plain file of allowed size as its result"),
    "lost": (RunStatus.UNKNOWN_ERROR, "disappeared from the engine of this node"),
}


def advance(run: LocalRun, event: Event) -> LocalRun:
    """Give the state that follows; the same state when the event does not apply."""
    match event:
        case Claimed() if run.phase is Phase.QUEUED and not run.killed:
            return replace(run, phase=Phase.CLAIMED)
        case Refused(status, note) if run.phase in BEFORE_START:
            return _ended(run, status, note)
        case Started(reference) if run.phase is Phase.CLAIMED:
            return replace(run, phase=Phase.RUNNING, reference=reference)
        case Exited(code, reason, note) if run.phase is Phase.RUNNING:
            return _ended(run, *_outcome(code, reason, note))
        case Killed(note):
            return _kill(replace(run, note=note or run.note) if run.phase in UNFINISHED and not run.killed else run)
        case Sealed() | Delivered() | Closed():
            return _towards_the_server(run, event)
        case _:
            return run


def recovered(run: LocalRun, reference: str | None) -> LocalRun:
    """Give the state after a restart, when the engine knows the run by `reference` or not at all."""
    if run.phase is not Phase.CLAIMED:
        return run
    if reference is not None:
        return replace(run, phase=Phase.RUNNING, reference=reference)
    queued = replace(run, phase=Phase.QUEUED)
    return _ended(queued, RunStatus.KILLED, KILL_NOTE) if run.killed else queued


def _kill(run: LocalRun) -> LocalRun:
    if run.phase is Phase.QUEUED:
        return _ended(replace(run, killed=True), RunStatus.KILLED, KILL_NOTE)
    return replace(run, killed=True) if run.phase in UNFINISHED else run


def _towards_the_server(run: LocalRun, event: Sealed | Delivered | Closed) -> LocalRun:
    match event:
        case Sealed() if run.phase is Phase.ENDED:
            return replace(run, phase=Phase.SEALED)
        case Delivered() if run.phase is Phase.SEALED:
            return replace(run, phase=Phase.DELIVERED)
        case Closed() if run.phase not in {Phase.CLAIMED, Phase.RUNNING}:
            return replace(run, phase=Phase.DELIVERED)
        case _:
            return run


def _ended(run: LocalRun, status: RunStatus, note: str) -> LocalRun:
    if run.killed:
        status, note = RunStatus.KILLED, run.note or KILL_NOTE
    return replace(run, phase=Phase.ENDED, status=status, note=note)


def _outcome(code: int, reason: str | None, note: str) -> tuple[RunStatus, str]:
    if reason is not None:
        status, text = _REASONS.get(reason, (RunStatus.UNKNOWN_ERROR, f"was ended: {reason}"))
        return status, f"the algorithm {text}"
    return (RunStatus.COMPLETED if code == 0 else RunStatus.CRASHED), note
