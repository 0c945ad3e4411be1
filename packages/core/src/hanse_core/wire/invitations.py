"""Invitations of people and of organizations on the wire."""

from typing import Annotated

from pydantic import StringConstraints, model_validator
from typing_extensions import Self

from hanse_core.wire.accounts import Email, NewPassword, Username
from hanse_core.wire.base import Body, Id, Ids, Item, Link, Secret, Text128

InvitationToken = Annotated[Secret, StringConstraints(min_length=1, max_length=1024)]


class UserInvitationCreate(Body):
    """Invite somebody by mail to become a user."""

    email: Email
    organization_id: Id | None = None
    roles: Ids | None = None
    rules: Ids | None = None


class UserInvitation(Item):
    """An open invitation of a person."""

    id: int
    email: str
    organization: Link | None
    inviter: Link | None
    roles: list[int]
    rules: list[int]
    created_at: str | None
    expires_at: str | None


class InvitationProof(Body):
    """The token that was mailed."""

    token: InvitationToken


class UserInvitationAccept(InvitationProof):
    """Become a user."""

    username: Username
    password: NewPassword
    firstname: Text128 = ""
    lastname: Text128 = ""


class UserInvitationView(Item):
    """What the invited person is told."""

    email: str
    organization_name: str
    server_name: str
    expires_at: str | None


class AcceptedUser(Item):
    """Who somebody is now."""

    msg: str
    id: int
    username: str


class OrganizationInvitationCreate(Body):
    """Invite an organization, by its id where the caller may view it, or by its exact name."""

    collaboration_id: Id
    organization_id: Id | None = None
    organization_name: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.organization_id is None) == (self.organization_name is None):
            raise ValueError("give either organization_id or organization_name")
        return self


class OrganizationInvitation(Item):
    """An invitation of an organization into a collaboration."""

    id: int
    collaboration: Link | None
    collaboration_name: str
    organization_name: str
    state: str
    """`pending`, `accepted`, `declined`, `withdrawn` or `expired`."""
    created_at: str | None
    expires_at: str | None
