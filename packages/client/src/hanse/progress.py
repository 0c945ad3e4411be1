"""Progress of a task for a person: one line per station."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from hanse_core.states import RunStatus


@dataclass(frozen=True)
class StationRun:
    """What one station does for a task."""

    run_id: int
    label: str
    status: RunStatus
    started_at: str | None
    finished_at: str | None

    @property
    def seconds(self) -> float | None:
        """How long it took, once finished."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (datetime.fromisoformat(self.finished_at) - datetime.fromisoformat(self.started_at)).total_seconds()


class Display(Protocol):
    """Where progress is shown."""

    is_watched: bool

    def show(self, runs: Sequence[StationRun]) -> None:
        """Show the state of the runs."""

    def note(self, text: str) -> None:
        """Say something that a person who waits should know."""

    def close(self) -> None:
        """Leave the screen in order."""


class Silent:
    """Shows nothing."""

    is_watched = False

    def show(self, runs: Sequence[StationRun]) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class PlainLines:
    """Prints a line for every change: for log files, pipes and notebooks."""

    is_watched = True

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: dict[int, RunStatus] = {}

    def show(self, runs: Sequence[StationRun]) -> None:
        for run in runs:
            if self._shown.get(run.run_id) is not run.status:
                self._shown[run.run_id] = run.status
                self._print(f"{run.label}: {run.status}{_took(run.seconds)}")

    def note(self, text: str) -> None:
        self._print(text)

    def close(self) -> None: ...

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveTable:
    """Redraws a line per station in place."""

    is_watched = True

    def __init__(self, console: Console) -> None:
        self._runs: Sequence[StationRun] = ()
        self._active_since: dict[int, float] = {}
        self._spinner = Spinner("dots")
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=10)
        self._live.start()

    def show(self, runs: Sequence[StationRun]) -> None:
        for run in runs:
            if run.status is RunStatus.ACTIVE:
                self._active_since.setdefault(run.run_id, time.monotonic())
        self._runs = list(runs)
        self._live.refresh()

    def note(self, text: str) -> None:
        self._live.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        self._live.stop()

    def _render(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for run in self._runs:
            table.add_row(self._mark(run), Text(run.label), Text(str(run.status)), Text(_took(self._seconds(run))))
        return table

    def _mark(self, run: StationRun) -> RenderableType:
        if run.status.is_failed:
            return Text("✗", style="red")
        if run.status.is_finished:
            return Text("✓", style="green")
        return self._spinner if run.status is RunStatus.ACTIVE else Text("·", style="dim")

    def _seconds(self, run: StationRun) -> float | None:
        """Time an active run by our own clock, since that of the server may differ."""
        since = self._active_since.get(run.run_id)
        if run.status.is_finished or since is None:
            return run.seconds
        return time.monotonic() - since


def display(progress: bool, console: Console | None = None) -> Display:
    """Choose the display that suits the place: a live table on a terminal, plain lines elsewhere."""
    if not progress:
        return Silent()
    console = console or Console(stderr=True)
    return LiveTable(console) if console.is_terminal and not console.is_jupyter else PlainLines(console)


def _took(seconds: float | None) -> str:
    return "" if seconds is None else f" ({seconds:.1f} s)"
