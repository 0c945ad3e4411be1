"""Composing a task: names become ids, the input is written once and sealed per organization."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hanse._modes import Awaiting
from hanse._resource import body, pick
from hanse.encryption import believed, sealer_for
from hanse.values import place_input
from hanse_core.errors import Invalid
from hanse_core.wire.accounts import Organization
from hanse_core.wire.collaborations import Collaboration
from hanse_core.wire.tasks import TaskCreate

if TYPE_CHECKING:
    from hanse.client import Api

Database = str | Mapping[str, Any]


@dataclass(frozen=True)
class Order:
    """A task as the user describes it."""

    collaboration: int | str
    image: str
    method: str
    arguments: Mapping[str, Any]
    organizations: Sequence[int | str] | None
    study: int | str | None
    store: int | str | None
    databases: Sequence[Database]
    name: str
    description: str
    plain: bool

    @property
    def input(self) -> bytes:
        """The bytes that the algorithm reads. Raises `Invalid` when an argument cannot be written as JSON."""
        try:
            return json.dumps({"method": self.method, "args": [], "kwargs": dict(self.arguments)}).encode()
        except (TypeError, ValueError) as error:
            raise Invalid(f"the arguments cannot be written as JSON: {error}") from error


async def compose(api: Api[Awaiting], order: Order) -> dict[str, Any]:
    """Write the request that creates a task.

    Raises:
        NotFound: there is no such collaboration, study or organization; names those that there are.
        Invalid: an argument is no JSON, or the collaboration is encrypted and a key is missing.
    """
    plain = order.input
    collaboration = await api.collaborations.find(order.collaboration)
    study_id = None
    if order.study is not None:
        study_id = (await api.studies.find(order.study, collaboration_id=collaboration.id)).id
    store_id = None
    if order.store is not None:
        store_id = (await api.algorithm_stores.find(order.store, collaboration_id=collaboration.id)).id
    organizations = await choose(api, order.organizations, collaboration, study_id)
    sealer = sealer_for(collaboration.encrypted, api.sealer, plain=order.plain)
    recipients = believed(api.known_keys, organizations, sealer)
    inputs = [await place_input(api, plain, each, sealer) for each in recipients]
    return body(
        TaskCreate,
        name=order.name or None,
        description=order.description,
        image=order.image,
        collaboration_id=collaboration.id,
        study_id=study_id,
        store_id=store_id,
        server_url=None if store_id is None else api.url,
        organizations=[{"id": each.id, "input": text} for each, text in zip(recipients, inputs, strict=True)],
        databases=[{"label": item} if isinstance(item, str) else dict(item) for item in order.databases],
    )


async def choose(
    api: Api[Awaiting], wanted: Sequence[int | str] | None, collaboration: Collaboration, study_id: int | None
) -> list[Organization]:
    """Find those who are named among the members, or else all that have a node."""
    where = f" in {collaboration.name}"
    if study_id is None:
        members = await api.organizations.list(collaboration_id=collaboration.id)
    else:
        members = await api.organizations.list(study_id=study_id)
    if wanted is not None:
        if isinstance(wanted, str):
            raise Invalid("organizations is a list of names or ids, such as ['alpha', 'beta']")
        return [pick("organization", key, members, where=where) for key in wanted]
    with_node = {node.organization.id for node in await api.nodes.list(collaboration_id=collaboration.id)}
    chosen = [member for member in members if member.id in with_node]
    if not chosen:
        raise Invalid(f"no organization{where} has a node that could run the task")
    return chosen
