"""The names of the columns of a database: shared by a node, or read by a task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hanse._modes import Awaiting
from hanse._resource import body
from hanse.composition import choose
from hanse.encryption import believed, sealer_for
from hanse.values import place_input
from hanse_core.errors import Unavailable
from hanse_core.wire.tasks import ColumnRequest

if TYPE_CHECKING:
    from hanse.client import Api

_INPUT = json.dumps({"method": "column_headers", "args": [], "kwargs": {}}).encode()
"""The function that nodes run for this on the v4 wire."""


@dataclass(frozen=True)
class Asked:
    """Whose columns of which database."""

    collaboration: int | str
    database: str
    organizations: Sequence[int | str] | None
    query: str | None
    sheet_name: str | None


async def columns(api: Api[Awaiting], asked: Asked, *, timeout: float | None) -> list[str]:
    """Ask, and wait for the task if it takes one."""
    collaboration = await api.collaborations.find(asked.collaboration)
    organizations = await choose(api, asked.organizations, collaboration, None)
    sealer = sealer_for(collaboration.encrypted, api.sealer, plain=True)
    recipients = believed(api.known_keys, organizations, sealer)
    inputs = [await place_input(api, _INPUT, each, sealer) for each in recipients]
    request = body(
        ColumnRequest,
        collaboration_id=collaboration.id,
        db_label=asked.database,
        organizations=[{"id": each.id, "input": text} for each, text in zip(recipients, inputs, strict=True)],
        query=asked.query,
        sheet_name=asked.sheet_name,
    )
    answer = await api.session.request("POST", "column", body=request)
    if "columns" in answer:
        return [str(name) for name in answer["columns"]]
    answers = await api.tasks.wait(int(answer["id"]), timeout=timeout, progress=False)
    return _names(answers[0]) if answers else []


def _names(result: Any) -> list[str]:
    found = result.get("columns") if isinstance(result, dict) else result
    if not isinstance(found, list):
        raise Unavailable("the station did not answer with names of columns")
    return [str(name) for name in found]
