"""Endpoints for invitations of organizations."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from hanse_core.wire import invitations as wire
from hanse_core.wire.base import Message, Page
from hanse_server.collaborations.invitations import OrganizationInvitations, state_of
from hanse_server.collaborations.models import OrganizationInvitation
from hanse_web.auth import AnyUser
from hanse_web.db import wire_time
from hanse_web.links import Links
from hanse_web.listing import Listing, page
from hanse_web.query import Key, Query, documented
from hanse_web.work import RequestWork

router = APIRouter(prefix="/invitation/organization", tags=["invitations"])


async def _invitations(request: Request, work: RequestWork, actor: AnyUser) -> OrganizationInvitations:
    return OrganizationInvitations(work, actor, request.app.state.letters, request.app.state.settings)


Invitations = Annotated[OrganizationInvitations, Depends(_invitations)]


def items(links: Links, now: datetime, rows: Iterable[OrganizationInvitation]) -> list[wire.OrganizationInvitation]:
    """Write invitations. The organization is named as the inviter named it, whether or not there is one."""
    return [
        wire.OrganizationInvitation(
            id=row.id,
            collaboration=links.one("collaboration", row.collaboration_id),
            collaboration_name=row.collaboration.name,
            organization_name=row.organization_name,
            state=state_of(row, now),
            created_at=wire_time(row.created_at),
            expires_at=wire_time(row.expires_at),
        )
        for row in rows
    ]


@router.get(
    "",
    response_model=Page[wire.OrganizationInvitation],
    openapi_extra=documented(text="state", integers="collaboration_id"),
)
def list_organization_invitations(work: RequestWork, invitations: Invitations, query: Query) -> Response:
    """List invitations to one's organization, and into collaborations that one may edit."""
    now = work.clock.now()
    statement = invitations.list(query)
    return page(work.session, Listing(statement), query, lambda rows: items(work.links, now, (row[0] for row in rows)))


@router.post("", status_code=201)
def invite_organization(
    work: RequestWork, invitations: Invitations, body: wire.OrganizationInvitationCreate
) -> wire.OrganizationInvitation:
    """Invite an organization into a collaboration."""
    return items(work.links, work.clock.now(), [invitations.invite(body)])[0]


@router.get("/{key}")
def get_organization_invitation(work: RequestWork, invitations: Invitations, key: Key) -> wire.OrganizationInvitation:
    """Give one invitation."""
    return items(work.links, work.clock.now(), [invitations.get(key)])[0]


@router.post("/{key}/accept")
def accept_organization_invitation(
    work: RequestWork, invitations: Invitations, key: Key
) -> wire.OrganizationInvitation:
    """Have one's organization join the collaboration."""
    return items(work.links, work.clock.now(), [invitations.accept(key)])[0]


@router.post("/{key}/decline")
def decline_organization_invitation(
    work: RequestWork, invitations: Invitations, key: Key
) -> wire.OrganizationInvitation:
    """Have one's organization stay out."""
    return items(work.links, work.clock.now(), [invitations.decline(key)])[0]


@router.delete("/{key}")
def withdraw_organization_invitation(invitations: Invitations, key: Key) -> Message:
    """Withdraw an invitation that was not answered yet."""
    invitations.withdraw(key)
    return Message(msg=f"invitation {key} is withdrawn")
