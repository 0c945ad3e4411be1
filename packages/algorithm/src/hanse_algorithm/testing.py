"""Run an algorithm over several tables in one process, as the network would: everything passes through JSON.

    result = simulate(summary, {"north": table_1, "south": table_2}, columns=["age"])

A table may be a list of tables where the function takes several databases. Inputs and results are written to JSON
and read back, each station gets its own copy of its table, and a failing station raises `SubtaskFailed`.
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hanse_algorithm.errors import DataError, InputError
from hanse_algorithm.registry import Method, bind, find, method_of
from hanse_algorithm.result import to_json
from hanse_algorithm.subtasks import Answer, Failure, Federation, Organization, Subtask, SubtaskFailed, named

Tables = Mapping[str, Any]
"""Organization name → its table, or the list of its tables."""


def simulate(function: Callable[..., Any], tables: Tables, /, **arguments: Any) -> Any:
    """Run a central function, or a federated one at every station.

    Args:
        function: a function decorated with `central` or `federated`.
        tables: for each organization (ids 1, 2, … in this order) its table, or a list of tables.
        **arguments: the task's arguments.

    Returns:
        The result of a central function; for a federated one a dict from organization name to result.

    Raises:
        SubtaskFailed: from a central function, when a station failed; the station's own exception is its cause.
        AlgorithmError: what the function itself raises, when it is federated.
    """
    federation = SimulatedFederation(function, tables)
    if method_of(function).mark.type == "central":
        return federation.call(function, next(iter(federation.tables)), arguments)
    return {name: federation.call(function, name, arguments) for name in federation.tables}


class SimulatedFederation(Federation):
    """A federation in this process: `run` calls the function once per organization, one after the other."""

    def __init__(self, function: Callable[..., Any], tables: Tables) -> None:
        if not tables:
            raise InputError("a federation needs at least one organization; 'tables' is empty")
        self.tables = {name: table if isinstance(table, list) else [table] for name, table in tables.items()}
        self._module = sys.modules[function.__module__]
        self._outcomes: list[tuple[list[Answer], list[Failure], Exception | None]] = []

    @property
    def organizations(self) -> list[Organization]:
        return [Organization(index, name) for index, name in enumerate(self.tables, start=1)]

    def start(
        self,
        function: Callable[..., Any] | str,
        /,
        *,
        organizations: Sequence[int] | None = None,
        **arguments: Any,
    ) -> Subtask:
        method = named(function, arguments)
        target = find(self._module, function).function if isinstance(function, str) else function
        asked = self._asked(organizations)
        names = {organization.id: organization.name for organization in self.organizations}
        answers: list[Answer] = []
        failures: list[Failure] = []
        cause: Exception | None = None
        for identity in asked:
            try:
                result = self.call(target, names[identity], arguments)
                answers.append(Answer(identity, names[identity], result))
            except Exception as error:
                cause = cause or error
                failures.append(Failure(identity, names[identity], "crashed", str(error) or type(error).__name__))
        self._outcomes.append((answers, failures, cause))
        return Subtask(len(self._outcomes), method, asked)

    def wait(self, subtask: Subtask) -> list[Answer]:
        answers, failures, cause = self._outcomes[subtask.id - 1]
        if failures:
            raise SubtaskFailed(subtask.method, failures, answers) from cause
        return answers

    def call(self, function: Callable[..., Any], organization: str, arguments: Mapping[str, Any]) -> Any:
        """Call a function as one organization's container would."""
        method = method_of(function)
        received = json.loads(to_json(dict(arguments), "arguments"))
        values = bind(method, (), received)
        values.update(self._injected(method, organization))
        return json.loads(to_json(function(**values)))

    def _injected(self, method: Method, organization: str) -> dict[str, Any]:
        given = self.tables[organization]
        if len(given) < len(method.tables):
            raise DataError(f"'{method.name}' takes {len(method.tables)} tables, {organization} has {len(given)}")
        injected = {place.name: copy.deepcopy(table) for place, table in zip(method.tables, given, strict=False)}
        if method.federation is not None:
            injected[method.federation] = self
        return injected
