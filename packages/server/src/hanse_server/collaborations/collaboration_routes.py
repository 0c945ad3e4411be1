"""Endpoints for collaborations and their members."""

from typing import Any

from fastapi import APIRouter, Request, Response

from hanse_core.wire.accounts import Organization
from hanse_core.wire.base import Identified, Message, Page
from hanse_core.wire.collaborations import Collaboration, CollaborationCreate, CollaborationPatch
from hanse_server.accounts.items import organization_items
from hanse_server.accounts.queries import visible_organizations
from hanse_server.collaborations.collaboration_service import Collaborations
from hanse_server.collaborations.items import collaboration_items, member_node_items
from hanse_web.auth import AnyActor, AnyUser, UserOrNode
from hanse_web.listing import Listing, page
from hanse_web.query import Parameters, documented, parameter
from hanse_web.work import RequestWork

router = APIRouter(tags=["collaborations"])


@router.get(
    "/collaboration",
    response_model=Page[Collaboration],
    openapi_extra=documented(text="name include", integers="organization_id algorithm_store_id", flags="encrypted"),
)
def list_collaborations(request: Request, work: RequestWork, actor: UserOrNode) -> Response:
    """List collaborations."""
    parameters = Parameters(request)
    nested = visible_organizations(actor) if parameters.includes("organizations") else None
    return page(
        work.session,
        Listing(Collaborations(work, actor).selection(parameters)),
        parameters,
        lambda rows: collaboration_items(work.session, work.links, [row[0] for row in rows], organizations=nested),
    )


@router.post("/collaboration")
def create_collaboration(work: RequestWork, actor: AnyUser, body: CollaborationCreate) -> Collaboration:
    """Found a collaboration."""
    made = Collaborations(work, actor).create(body)
    return collaboration_items(work.session, work.links, [made])[0]


@router.get("/collaboration/{collaboration_id:int}", openapi_extra={"parameters": [parameter("include", "string")]})
def get_collaboration(request: Request, work: RequestWork, actor: AnyActor, collaboration_id: int) -> Collaboration:
    """Give one collaboration."""
    found = Collaborations(work, actor).get(collaboration_id)
    nested = visible_organizations(actor) if Parameters(request).includes("organizations") else None
    return collaboration_items(work.session, work.links, [found], organizations=nested)[0]


@router.patch("/collaboration/{collaboration_id:int}")
def patch_collaboration(
    work: RequestWork, actor: AnyUser, collaboration_id: int, body: CollaborationPatch
) -> Collaboration:
    """Change a collaboration."""
    changed = Collaborations(work, actor).patch(collaboration_id, body)
    return collaboration_items(work.session, work.links, [changed])[0]


@router.delete(
    "/collaboration/{collaboration_id:int}", openapi_extra={"parameters": [parameter("delete_dependents", "boolean")]}
)
def delete_collaboration(request: Request, work: RequestWork, actor: AnyUser, collaboration_id: int) -> Message:
    """Dissolve a collaboration."""
    with_dependents = Parameters(request).flag("delete_dependents")
    Collaborations(work, actor).delete(collaboration_id, delete_dependents=with_dependents)
    return Message(msg=f"collaboration {collaboration_id} is deleted")


@router.post("/collaboration/{collaboration_id:int}/organization")
def add_organization(work: RequestWork, actor: AnyUser, collaboration_id: int, body: Identified) -> list[Organization]:
    """Make an organization a member; gives all members."""
    members = Collaborations(work, actor).add_organization(collaboration_id, body.id)
    return organization_items(work.links, work.session.scalars(members).all())


@router.delete("/collaboration/{collaboration_id:int}/organization")
def remove_organization(
    work: RequestWork, actor: AnyUser, collaboration_id: int, body: Identified
) -> list[Organization]:
    """End a membership; gives the remaining members."""
    members = Collaborations(work, actor).remove_organization(collaboration_id, body.id)
    return organization_items(work.links, work.session.scalars(members).all())


@router.post("/collaboration/{collaboration_id:int}/node", status_code=201)
def add_node(work: RequestWork, actor: AnyUser, collaboration_id: int, body: Identified) -> list[dict[str, Any]]:
    """Put a node into a collaboration; gives all its nodes."""
    nodes = Collaborations(work, actor).add_node(collaboration_id, body.id)
    return member_node_items(work.links, work.session.scalars(nodes).all())


@router.delete("/collaboration/{collaboration_id:int}/node")
def remove_node(work: RequestWork, actor: AnyUser, collaboration_id: int, body: Identified) -> Message:
    """Take a node out of a collaboration."""
    Collaborations(work, actor).remove_node(collaboration_id, body.id)
    return Message(msg=f"node {body.id} is no longer in collaboration {collaboration_id}")
