"""What comes back from the stations: one answer per run, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from hanse_core.errors import HanseError, Invalid
from hanse_core.states import RunStatus

_LOG_LINES = 8


@dataclass(frozen=True)
class Answer:
    """The result of one organization, and where it comes from."""

    organization: str
    organization_id: int
    run_id: int
    result: Any


class Answers(list[Any]):
    """The results of a task as Python objects, in the order of its organizations; knows whom they come from.

    Attributes:
        task_id: the task.
        sources: an `Answer` for each result, with the organization and the run.

    >>> (result,) = client.tasks.run(...)   # of a task that ran at a single organization
    >>> client.tasks.run(...).by_organization["alpha"]
    """

    def __init__(self, answers: Iterable[Answer], *, task_id: int) -> None:
        self.task_id = task_id
        self.sources = tuple(answers)
        super().__init__(answer.result for answer in self.sources)

    @property
    def result(self) -> Any:
        """The only result. Raises `Invalid` when there are none or several."""
        if len(self.sources) != 1:
            names = ", ".join(answer.organization for answer in self.sources) or "nobody"
            raise Invalid(f"task {self.task_id} has not one result but {len(self)} (from {names}); use by_organization")
        return self.sources[0].result

    @property
    def by_organization(self) -> dict[str, Any]:
        """The results by name of the organization."""
        return {answer.organization: answer.result for answer in self.sources}

    def as_pandas(self) -> Answers:
        """Give the same answers with every result that has the shape of a table, or tables within it, as `DataFrame`.

        Tables are: a list of records, columns of equal length, and a mapping of records (one row each).
        Needs the extra `notebook`.
        """
        from hanse.frames import framed

        tables = [replace(answer, result=framed(answer.result)) for answer in self.sources]
        return Answers(tables, task_id=self.task_id)

    def __repr__(self) -> str:
        lines = "".join(f"\n  {answer.organization}: {answer.result!r}" for answer in self.sources)
        return f"<answers to task {self.task_id}{lines or ': none'}>"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{escape(a.organization)}</th><td>{_html(a.result)}</td></tr>" for a in self.sources)
        return f"<table><caption>task {self.task_id}</caption>{rows}</table>"


@dataclass(frozen=True)
class RunFailure:
    """Why one organization gave no result; `log` holds the last lines of the run's log."""

    organization: str
    organization_id: int
    task_id: int
    run_id: int
    status: RunStatus
    log: str = field(repr=False)

    def __str__(self) -> str:
        lines = "".join(f"\n    | {line}" for line in self.log.splitlines())
        return f"{self.organization}: {self.status}{lines}"


class TaskFailed(HanseError):
    """A task ended without a result of every organization.

    Attributes:
        task_id: the task that was waited for.
        failures: what went wrong where; includes failed runs of its subtasks.
        partial_results: the answers that did arrive.
    """

    code = "task-failed"

    def __init__(self, task_id: int, failures: Sequence[RunFailure], partial_results: Answers) -> None:
        lines = "".join(
            f"\n  {'' if failure.task_id == task_id else f'in subtask {failure.task_id}, '}{failure}"
            for failure in failures
        )
        super().__init__(f"task {task_id} failed{lines and ':'}{lines}")
        self.task_id = task_id
        self.failures = tuple(failures)
        self.partial_results = partial_results


def last_lines(log: str | None) -> str:
    """Cut a log to its last lines that say something."""
    return "\n".join([line for line in (log or "").splitlines() if line.strip()][-_LOG_LINES:])


def _html(result: Any) -> str:
    render = getattr(result, "_repr_html_", None)
    return str(render()) if render is not None else f"<pre>{escape(repr(result))}</pre>"
