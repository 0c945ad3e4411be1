"""What a central function sees of the other stations: it asks, waits, and gets one answer per organization."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hanse_algorithm.errors import FederationError, InputError
from hanse_algorithm.registry import bind, method_of


class Organization(NamedTuple):
    """A member of the collaboration (or of the study, when the task belongs to one)."""

    id: int
    name: str


class Answer(NamedTuple):
    """What one organization's station computed."""

    organization_id: int
    organization: str
    result: Any


class Failure(NamedTuple):
    """Why one organization gave no answer: the run's status, and the cause as far as its log tells."""

    organization_id: int
    organization: str
    status: str
    cause: str

    def __str__(self) -> str:
        return f"{self.organization}: {self.status}{f' ({self.cause})' if self.cause else ''}"


class SubtaskFailed(FederationError):
    """At least one organization gave no answer.

    Attributes:
        failures: one `Failure` for each organization that failed.
        answers: the answers of the others that had finished by then.
    """

    def __init__(self, method: str, failures: Sequence[Failure], answers: Sequence[Answer] = ()) -> None:
        self.method = method
        self.failures = list(failures)
        self.answers = list(answers)
        super().__init__(f"subtask '{method}' failed at " + "; ".join(map(str, failures)))


class Subtask(NamedTuple):
    """A subtask that was started and may be waited for."""

    id: int
    method: str
    organization_ids: tuple[int, ...]


class Federation(ABC):
    """The stations that take part. Annotate a parameter of a central function with it, and it is given.

    Example:
        @central
        def total(federation: Federation) -> int:
            return sum(answer.result for answer in federation.run(count))
    """

    @property
    @abstractmethod
    def organizations(self) -> list[Organization]:
        """List the organizations of the task's study, or else of its collaboration."""

    @abstractmethod
    def start(
        self,
        function: Callable[..., Any] | str,
        /,
        *,
        organizations: Sequence[int] | None = None,
        **arguments: Any,
    ) -> Subtask:
        """Send a subtask and go on; collect it with `wait`.

        Args:
            function: a federated function, or the name of one.
            organizations: ids of those to ask; all when not given.
            **arguments: the function's arguments, the same for all; they must be JSON.
        """

    @abstractmethod
    def wait(self, subtask: Subtask) -> list[Answer]:
        """Wait until a subtask has ended; give the answers in the order of its organizations.

        Raises:
            SubtaskFailed: naming organization, status and cause, when any of them failed.
        """

    def run(
        self,
        function: Callable[..., Any] | str,
        /,
        *,
        organizations: Sequence[int] | None = None,
        **arguments: Any,
    ) -> list[Answer]:
        """Run a federated function at the stations and wait for all answers; see `start` and `wait`.

        Example:
            answers = federation.run(partial, columns=["age"])
            total = sum(answer.result["count"] for answer in answers)
        """
        return self.wait(self.start(function, organizations=organizations, **arguments))

    def _asked(self, organizations: Sequence[int] | None) -> tuple[int, ...]:
        known = {organization.id: organization.name for organization in self.organizations}
        asked = tuple(known) if organizations is None else tuple(organizations)
        if not asked:
            raise InputError("no organizations to ask")
        for each in asked:
            if each not in known:
                listed = ", ".join(f"{identity} ({name})" for identity, name in known.items())
                raise InputError(f"organization {each} takes no part; there are: {listed}")
        if len(set(asked)) < len(asked):
            raise InputError("an organization is named twice")
        return asked


def named(function: Callable[..., Any] | str, arguments: dict[str, Any]) -> str:
    """Name the method for the wire; where the function itself is at hand, check its arguments before they are sent."""
    if isinstance(function, str):
        return function
    method = method_of(function)
    if method.mark.type != "federated":
        raise InputError(f"'{method.name}' is not a federated function")
    bind(method, (), arguments)
    return method.name
