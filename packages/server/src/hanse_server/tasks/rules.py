"""Decisions about tasks and runs that need no database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hanse_core.errors import Invalid
from hanse_core.permissions import Operation, Resource, Scope
from hanse_core.states import RunStatus, may_move
from hanse_core.wire.tasks import RunPatch
from hanse_server.stores.calls import Approved
from hanse_server.tasks.forms import Form
from hanse_web.access import Actor, UserActor
from hanse_web.texts import storable

LOG_LIMIT = 1_000_000
"""Characters of a run's log that are kept."""
LOG_BYTES = 4 * LOG_LIMIT
"""Bytes that so many characters can take."""
CUT = "\n[… the log was longer; this part of it is not kept …]\n"
_HEAD = LOG_LIMIT // 4


@dataclass(frozen=True, slots=True)
class TaskPolicy:
    """What the operator decided about tasks."""

    max_open_subtasks: int = 10_000
    require_approved_images: bool = False


def require_digest(approved: Approved, policy: TaskPolicy) -> None:
    """Refuse an image that its store does not pin, where only approved images may run."""
    if policy.require_approved_images and approved.digest is None:
        raise Invalid(f"the algorithm store gives no digest for {approved.image}, so nobody can know what would run")


def require_input(form: Form, *, is_encrypted: bool, organization_id: int) -> None:
    """Refuse an input that its node could not open: it must be sealed exactly where the collaboration says so."""
    if is_encrypted and not form.is_sealed():
        problem = "the collaboration is encrypted, but this input is not"
    elif not is_encrypted and not form.is_readable():
        problem = "must be base64 of UTF-8 text; it must not be encrypted in this collaboration"
    else:
        return
    message = f"the input for organization {organization_id} cannot be accepted: {problem}"
    raise Invalid(message, errors={"organizations": [message]})


@dataclass(frozen=True, slots=True)
class RunState:
    """What is stored of a run, as far as the next report on it depends on that."""

    status: RunStatus
    started_at: datetime | None
    finished_at: datetime | None
    log: str | None = None
    result: str | None = None


def changes(state: RunState, report: RunPatch) -> Mapping[str, Any]:
    """Judge a node's report: what it changes (nothing when it repeats the final report). Raises `Invalid`.

    A report may name the end first and bring the details later, as stock nodes do when a container could
    not be started; until `finished_at` is there, only such details are taken, never another end.
    """
    given = _values(report)
    if state.finished_at is not None:
        if _repeats(state, given):
            return {}
        raise Invalid(f"this run has already ended as {state.status.value!r} and cannot be changed")
    following = given.get("status", state.status)
    if following is not state.status and not may_move(state.status, following):
        raise Invalid(f"a run cannot go from {state.status.value!r} to {following.value!r}")
    if "finished_at" in given and not following.is_finished:
        raise Invalid(f"a run that is {following.value!r} has not ended; give the final status with finished_at")
    return given


def _values(report: RunPatch) -> dict[str, Any]:
    given = report.given()
    for name in ("started_at", "finished_at"):
        if name in given and given[name].tzinfo is None:
            given[name] = given[name].replace(tzinfo=UTC)
    if "log" in given:
        # What a container prints is no reason to lose its result.
        given["log"] = storable(shortened(given["log"]))
    return given


def _repeats(state: RunState, given: Mapping[str, Any]) -> bool:
    return "finished_at" in given and all(getattr(state, name) == value for name, value in given.items())


def shortened(log: str) -> str:
    """Keep the beginning and, more of it, the end of a log that is too long."""
    if len(log) <= LOG_LIMIT:
        return log
    return log[:_HEAD] + CUT + log[-(LOG_LIMIT - _HEAD - len(CUT)) :]


def addition(length: int, ends_line: bool, text: str) -> str:
    """Say what is to be appended to a log of this length; nothing once it is full."""
    if length >= LOG_LIMIT:
        return ""
    text = text if ends_line or not length else "\n" + text
    room = LOG_LIMIT - length
    return text if len(text) <= room else text[: max(room - len(CUT), 0)] + CUT


def may_delete(actor: UserActor, organization_id: int | None, user_id: int | None, collaboration_id: int) -> bool:
    """Decide whether a task may be deleted."""
    is_own = user_id == actor.id and actor.has(Resource.TASK, Operation.DELETE, Scope.OWN)
    return is_own or actor.may_within(Resource.TASK, Operation.DELETE, organization_id, collaboration_id)


def may_kill_in(actor: Actor, collaboration_id: int) -> bool:
    """Decide whether a task in this collaboration may be killed."""
    return actor.may_for_collaboration(Resource.EVENT, Operation.SEND, collaboration_id)


def may_kill_at(actor: Actor, organization_id: int, collaboration_id: int) -> bool:
    """Decide whether everything at a node may be killed."""
    return actor.may_within(Resource.EVENT, Operation.SEND, organization_id, collaboration_id)


def covers_runs(actor: Actor) -> bool:
    """Tell whether runs may be shown along with every task that the actor may view."""
    tasks = actor.permissions.widest(Resource.TASK, Operation.VIEW)
    runs = actor.permissions.widest(Resource.RUN, Operation.VIEW)
    return tasks is not None and runs is not None and runs >= tasks
