"""A run as the server offers it: what is asked, by whom, on which data."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hanse_core.errors import Invalid


@dataclass(frozen=True, slots=True)
class DatabaseChoice:
    """One database that the task selects."""

    label: str
    query: str | None = None
    sheet_name: str | None = None
    preprocessing: str | None = None
    """JSON text of the list of steps."""
    arguments: str | None = None
    """JSON text of what the selection tells tools that read `run_context.json`; no variable has it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The facts of one open run that stay the same for its whole life; the input is read only once, at its start."""

    run_id: int
    task_id: int
    job_id: int
    image: str
    input: str
    init_org: int | None
    init_user: int | None
    parent: int | None
    databases: tuple[DatabaseChoice, ...] = ()
    in_blob_store: bool = False
    collaboration_id: int | None = None
    store_id: int | None = None

    def facts(self) -> dict[str, Any]:
        """Give what the journal keeps; the input is not among it."""
        return {**asdict(self), "input": ""}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Offer":
        choices = tuple(DatabaseChoice(**choice) for choice in facts["databases"])
        return cls(**{**facts, "databases": choices})

    @classmethod
    def from_wire(cls, item: Mapping[str, Any]) -> "Offer":
        """Read one element of `GET /run?include=task`. Raises `Invalid` when it lacks what a node needs."""
        try:
            task = item["task"]
            return cls(
                run_id=int(item["id"]),
                task_id=int(task["id"]),
                job_id=int(task["job_id"]),
                image=str(task["image"]),
                input=str(item.get("input") or ""),
                init_org=_linked(task.get("init_org")),
                init_user=_linked(task.get("init_user")),
                parent=_linked(task.get("parent")),
                databases=tuple(_choice(entry) for entry in task.get("databases") or ()),
                in_blob_store=bool(item.get("blob_storage_used")),
                collaboration_id=_linked(task.get("collaboration")),
                store_id=_linked(task.get("algorithm_store")),
            )
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise Invalid(f"the server sent a run that cannot be read: {type(error).__name__} {error}") from error


def _linked(link: Mapping[str, Any] | None) -> int | None:
    return int(link["id"]) if link else None


def _choice(entry: Mapping[str, Any]) -> DatabaseChoice:
    parameters = json.loads(entry.get("parameters") or "{}")
    steps, arguments = parameters.get("preprocessing"), parameters.get("arguments")
    return DatabaseChoice(
        label=str(entry["label"]),
        query=parameters.get("query"),
        sheet_name=parameters.get("sheet_name"),
        preprocessing=None if steps is None else json.dumps(steps),
        arguments=json.dumps(arguments) if isinstance(arguments, dict) else None,
    )
