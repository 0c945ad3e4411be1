"""Waiting for a task: look, and look again whenever the doorbell rings, until it is finished."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from hanse._modes import Awaiting
from hanse.answers import Answers, RunFailure, TaskFailed, last_lines
from hanse.events import Doorbell
from hanse.progress import Display, StationRun
from hanse_core.errors import HanseError, Unavailable
from hanse_core.wire.tasks import Run, Task

if TYPE_CHECKING:
    from hanse.client import Api

_PATIENCE_SECONDS = 600.0
"""How long a server may be away before waiting for a task on it ends."""
_SUBTASKS = 10
"""Progress shows the newest subtasks; more would only be those of rounds long past."""


class WaitTimeout(HanseError, TimeoutError):
    """The time given to wait is over; the task itself goes on. Attribute: `task_id`."""

    code = "wait-timeout"

    def __init__(self, task: Task, seconds: float) -> None:
        super().__init__(f"task {task.id} is still {task.status} after {seconds:g} s; it goes on, unattended")
        self.task_id = task.id


async def until_finished(api: Api[Awaiting], task: Task, *, timeout: float | None, display: Display) -> Task:
    """Wait until a task is finished; also across restarts of the server."""
    ends = math.inf if timeout is None else time.monotonic() + timeout
    names = await names_in(api, task) if display.is_watched else {}
    bell = Doorbell(api.session, task, live=api.live)
    last_met = time.monotonic()
    try:
        await bell.open()
        while True:
            try:
                task = await _look(api, task, names, display)
                last_met = time.monotonic()
            except Unavailable:
                if time.monotonic() - last_met > _PATIENCE_SECONDS:
                    raise
                display.note("the server does not answer; waiting for it to come back")
            if task.status.is_finished:
                return task
            if (left := ends - time.monotonic()) <= 0:
                raise WaitTimeout(task, timeout or 0)
            await bell.ring(left)
    finally:
        await bell.close()


async def _look(api: Api[Awaiting], task: Task, names: dict[int, str], display: Display) -> Task:
    current = await api.tasks.get(task.id)
    if display.is_watched:
        runs = await api.runs.list(task_id=task.id)
        subtasks = [subtask async for subtask in api.tasks.iterate(parent_id=task.id, include="runs", limit=_SUBTASKS)]
        newest: dict[int, StationRun] = {}
        for subtask in subtasks:
            for run in nested_runs(subtask):
                newest.setdefault(run.organization.id, _station(run, names, f" (subtask {subtask.id})"))
        display.show([_station(run, names) for run in reversed(runs)] + [newest[key] for key in sorted(newest)])
    return current


def _station(run: Run, names: dict[int, str], suffix: str = "") -> StationRun:
    label = names.get(run.organization.id, f"organization {run.organization.id}") + suffix
    return StationRun(run.id, label, run.status, run.started_at, run.finished_at)


def nested_runs(task: Task) -> list[Run]:
    """Give the runs that were included in a task."""
    return [] if isinstance(task.runs, str) or task.runs is None else task.runs


async def names_in(api: Api[Awaiting], task: Task) -> dict[int, str]:
    """Give the names of the organizations that a task may run at."""
    members = await api.organizations.list(collaboration_id=task.collaboration.id)
    return {member.id: member.name for member in members}


async def failure_of(api: Api[Awaiting], task: Task, partial_results: Answers) -> TaskFailed:
    """Collect why a task failed: its own failed runs, then those of its subtasks."""
    names = await names_in(api, task)
    runs = list(reversed(await api.runs.list(task_id=task.id)))
    async for subtask in api.tasks.iterate(parent_id=task.id, include="runs", limit=_SUBTASKS):
        runs += reversed(nested_runs(subtask))
    failures = [
        RunFailure(
            organization=names.get(run.organization.id, f"organization {run.organization.id}"),
            organization_id=run.organization.id,
            task_id=run.task.id,
            run_id=run.id,
            status=run.status,
            log=last_lines(run.log),
        )
        for run in runs
        if run.status.is_failed
    ]
    return TaskFailed(task.id, failures, partial_results)
