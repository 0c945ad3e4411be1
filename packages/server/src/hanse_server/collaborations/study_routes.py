"""Endpoints for studies and their members."""

from fastapi import APIRouter, Request, Response

from hanse_core.wire.accounts import Organization
from hanse_core.wire.base import Identified, Message, Page
from hanse_core.wire.collaborations import Study, StudyCreate, StudyPatch
from hanse_server.accounts.items import organization_items
from hanse_server.accounts.queries import visible_organizations
from hanse_server.collaborations.items import study_items
from hanse_server.collaborations.study_service import Studies
from hanse_web.auth import AnyActor, AnyUser
from hanse_web.listing import Listing, page
from hanse_web.query import Parameters, documented, parameter
from hanse_web.work import RequestWork

router = APIRouter(tags=["studies"])


@router.get(
    "/study",
    response_model=Page[Study],
    openapi_extra=documented(text="name include", integers="organization_id collaboration_id"),
)
def list_studies(request: Request, work: RequestWork, actor: AnyActor) -> Response:
    """List studies; open to containers too, whose client asks for it."""
    parameters = Parameters(request)
    nested = visible_organizations(actor) if parameters.includes("organizations") else None
    return page(
        work.session,
        Listing(Studies(work, actor).selection(parameters)),
        parameters,
        lambda rows: study_items(work.session, work.links, [row[0] for row in rows], organizations=nested),
    )


@router.post("/study", status_code=201)
def create_study(work: RequestWork, actor: AnyUser, body: StudyCreate) -> Study:
    """Make a study of some members of a collaboration."""
    made = Studies(work, actor).create(body)
    return study_items(work.session, work.links, [made], organizations=visible_organizations(actor))[0]


@router.get("/study/{study_id:int}", openapi_extra={"parameters": [parameter("include", "string")]})
def get_study(request: Request, work: RequestWork, actor: AnyActor, study_id: int) -> Study:
    """Give one study."""
    found = Studies(work, actor).get(study_id)
    nested = visible_organizations(actor) if Parameters(request).includes("organizations") else None
    return study_items(work.session, work.links, [found], organizations=nested)[0]


@router.patch("/study/{study_id:int}")
def patch_study(work: RequestWork, actor: AnyUser, study_id: int, body: StudyPatch) -> Study:
    """Change a study."""
    changed = Studies(work, actor).patch(study_id, body)
    return study_items(work.session, work.links, [changed], organizations=visible_organizations(actor))[0]


@router.delete("/study/{study_id:int}", openapi_extra={"parameters": [parameter("delete_dependents", "boolean")]})
def delete_study(request: Request, work: RequestWork, actor: AnyUser, study_id: int) -> Message:
    """Remove a study."""
    with_dependents = Parameters(request).flag("delete_dependents")
    Studies(work, actor).delete(study_id, delete_dependents=with_dependents)
    return Message(msg=f"study {study_id} is deleted")


@router.post("/study/{study_id:int}/organization")
def add_organization(work: RequestWork, actor: AnyUser, study_id: int, body: Identified) -> list[Organization]:
    """Make an organization a member; gives all members."""
    members = Studies(work, actor).add_organization(study_id, body.id)
    return organization_items(work.links, work.session.scalars(members).all())


@router.delete("/study/{study_id:int}/organization")
def remove_organization(work: RequestWork, actor: AnyUser, study_id: int, body: Identified) -> list[Organization]:
    """End a membership; gives the remaining members."""
    members = Studies(work, actor).remove_organization(study_id, body.id)
    return organization_items(work.links, work.session.scalars(members).all())
