"""Collaborations, studies and nodes on the wire."""

from typing import Annotated

from pydantic import Field, IPvAnyAddress

from hanse_core.wire.accounts import Organization
from hanse_core.wire.base import Body, Id, Item, Link, Name

OrganizationIds = Annotated[list[Id], Field(min_length=1)]


class CollaborationCreate(Body):
    name: Name
    organization_ids: OrganizationIds
    encrypted: bool


class CollaborationPatch(Body):
    name: Name | None = None
    organization_ids: OrganizationIds | None = None
    encrypted: bool | None = None


class Collaboration(Item):
    id: int
    name: str
    encrypted: bool
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
