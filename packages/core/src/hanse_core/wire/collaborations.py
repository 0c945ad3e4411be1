"""Collaborations, studies and nodes on the wire."""

from typing import Annotated

from pydantic import Field, IPvAnyAddress

from hanse_core.wire.accounts import Organization
from hanse_core.wire.base import MOST_IDS, Body, Id, Item, Link, Name

OrganizationIds = Annotated[list[Id], Field(min_length=1, max_length=MOST_IDS)]


Days = Annotated[int, Field(ge=0, le=36500)]
KeptDays = Annotated[int | None, Field(exclude_if=lambda days: days is None)]
"""Left out where it is not set, as the v4 wire knows nothing of it."""


class Keeping(Body):
    """How long what belongs to a run is kept after its end, in days; 0 for as long as its task."""

    keep_inputs_days: Days | None = None
    keep_results_days: Days | None = None
    keep_logs_days: Days | None = None
    keep_blobs_days: Days | None = None
    """Inputs and results that are too large for the database."""

    def kept_days(self) -> dict[str, int]:
        """Give what is set of these."""
        return {name: days for name in Keeping.model_fields if (days := getattr(self, name)) is not None}


class CollaborationCreate(Keeping):
    name: Name
    organization_ids: OrganizationIds
    encrypted: bool


class CollaborationPatch(Keeping):
    name: Name | None = None
    organization_ids: OrganizationIds | None = None
    encrypted: bool | None = None


class Collaboration(Item):
    id: int
    name: str
    encrypted: bool
    keep_inputs_days: KeptDays = None
    keep_results_days: KeptDays = None
    keep_logs_days: KeptDays = None
    keep_blobs_days: KeptDays = None
    organizations: str | list[Organization]
    nodes: str
    tasks: str
    algorithm_stores: str
    studies: str


class StudyCreate(Body):
    name: Name
    collaboration_id: Id
    organization_ids: OrganizationIds


class StudyPatch(Body):
    name: Name | None = None
    organization_ids: OrganizationIds | None = None
    collaboration_id: Id | None = None


class Study(Item):
    id: int
    name: str
    collaboration: Link
    organizations: str | list[Organization]
    tasks: str


class NodeCreate(Body):
    collaboration_id: Id
    organization_id: Id | None = None
    name: Name | None = None
    ip: str | None = None
    clear_ip: bool | None = None


class NodePatch(Body):
    name: Name | None = None
    ip: IPvAnyAddress | None = None
    clear_ip: bool | None = None
    organization_id: Id | None = None
    collaboration_id: Id | None = None


class NodeSetting(Item):
    key: str
    value: str


class Node(Item):
    id: int
    type: str = "node"
    name: str
    status: str
    ip: str | None
    last_seen: str | None
    organization: Link
    collaboration: Link | None
    config: list[NodeSetting] = []
    api_key: str | None = Field(default=None, repr=False)
