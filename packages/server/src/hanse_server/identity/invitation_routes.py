"""Endpoints for invitations of people."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from hanse_core.wire import invitations as wire
from hanse_core.wire.base import Message, Page
from hanse_server.identity.invitations import Acceptances, UserInvitations
from hanse_server.identity.models import UserInvitation
from hanse_web.auth import AnyUser
from hanse_web.db import wire_time
from hanse_web.links import Links
from hanse_web.listing import Listing, page
from hanse_web.query import Key, Query, documented
from hanse_web.work import RequestWork

router = APIRouter(prefix="/invitation/user", tags=["invitations"])


async def _invitations(request: Request, work: RequestWork, actor: AnyUser) -> UserInvitations:
    return UserInvitations(work, actor, request.app.state.letters, request.app.state.settings)


async def _acceptances(request: Request) -> Acceptances:
    acceptances: Acceptances = request.app.state.acceptances
    return acceptances


Invitations = Annotated[UserInvitations, Depends(_invitations)]
ByToken = Annotated[Acceptances, Depends(_acceptances)]


def items(links: Links, rows: Iterable[UserInvitation]) -> list[wire.UserInvitation]:
    """Write invitations, without their tokens."""
    return [
        wire.UserInvitation(
            id=row.id,
            email=row.email,
            organization=links.one("organization", row.organization_id),
            inviter=links.one("user", row.inviter_id),
            roles=row.roles,
            rules=row.rules,
            created_at=wire_time(row.created_at),
            expires_at=wire_time(row.expires_at),
        )
        for row in rows
    ]


@router.get("", response_model=Page[wire.UserInvitation], openapi_extra=documented())
def list_user_invitations(work: RequestWork, invitations: Invitations, query: Query) -> Response:
    """List the open invitations of people."""
    statement = invitations.list(query)
    return page(work.session, Listing(statement), query, lambda rows: items(work.links, (row[0] for row in rows)))


@router.post("", status_code=201)
def invite_user(work: RequestWork, invitations: Invitations, body: wire.UserInvitationCreate) -> wire.UserInvitation:
    """Invite somebody by mail to become a user."""
    return items(work.links, [invitations.invite(body)])[0]


@router.delete("/{key}")
def withdraw_user_invitation(invitations: Invitations, key: Key) -> Message:
    """Withdraw an invitation."""
    invitations.withdraw(key)
    return Message(msg=f"invitation {key} is withdrawn")


@router.post("/view")
async def view_user_invitation(acceptances: ByToken, body: wire.InvitationProof) -> wire.UserInvitationView:
    """Tell what the mailed token invites to."""
    return await acceptances.view(body.token)


@router.post("/accept", status_code=201)
async def accept_user_invitation(acceptances: ByToken, body: wire.UserInvitationAccept) -> wire.AcceptedUser:
    """Become a user, with the mailed token."""
    user = await acceptances.accept(body)
    return wire.AcceptedUser(msg="welcome; log in with your username and password", id=user.id, username=user.username)


@router.post("/decline")
async def decline_user_invitation(acceptances: ByToken, body: wire.InvitationProof) -> Message:
    """Decline an invitation, with the mailed token."""
    await acceptances.decline(body.token)
    return Message(msg="the invitation is declined")
