"""Invitations: of organizations into collaborations, and of people to become users."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from hanse._modes import M, iteration, operation
from hanse._resource import Resource, body
from hanse.resources.users import role_ids
from hanse_core.wire.invitations import (
    AcceptedUser,
    InvitationProof,
    OrganizationInvitation,
    OrganizationInvitationCreate,
    UserInvitation,
    UserInvitationAccept,
    UserInvitationCreate,
    UserInvitationView,
)


class Invitations(Resource[M]):
    """`client.invitations`: of organizations into collaborations"""

    @iteration
    async def iterate(
        self,
        *,
        collaboration_id: int | None = None,
        state: str | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[OrganizationInvitation]:
        """Go through the invitations to your organization, and into collaborations that you may change.

        Args:
            collaboration_id: only into this one.
            state: `"pending"`, `"accepted"`, `"declined"`, `"withdrawn"` or `"expired"`.
            sort: field to sort by; with `-` before it, the greatest first.
            limit: at most so many (default: all).
        """
        query = {"collaboration_id": collaboration_id, "state": state, "sort": sort}
        async for item in self._each(OrganizationInvitation, "invitation/organization", limit, **query):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> OrganizationInvitation:
        """Get one invitation. Raises `NotFound`."""
        return await self._one(OrganizationInvitation, "GET", f"invitation/organization/{id}")

    @operation
    async def send(self, collaboration: int | str, organization: int | str) -> OrganizationInvitation:
        """Invite an organization into a collaboration; it is a member once somebody there accepts.

        Args:
            collaboration: id or name.
            organization: id, or the exact name; you need not be able to see it. Whether there is one is not told.
        """
        found = await self._all.collaborations.find(collaboration)
        whom = {"organization_id" if isinstance(organization, int) else "organization_name": organization}
        fields = body(OrganizationInvitationCreate, collaboration_id=found.id, **whom)
        return await self._one(OrganizationInvitation, "POST", "invitation/organization", fields)

    @operation
    async def accept(self, id: int) -> OrganizationInvitation:
        """Have your organization join the collaboration. Raises `Conflict` when the invitation is no longer open."""
        return await self._one(OrganizationInvitation, "POST", f"invitation/organization/{id}/accept")

    @operation
    async def decline(self, id: int) -> OrganizationInvitation:
        """Have your organization stay out."""
        return await self._one(OrganizationInvitation, "POST", f"invitation/organization/{id}/decline")

    @operation
    async def withdraw(self, id: int) -> None:
        """Take back an invitation that was not answered yet."""
        await self._send("DELETE", f"invitation/organization/{id}")


class UserInvitations(Resource[M]):
    """`client.user_invitations`: of people, by mail"""

    @iteration
    async def iterate(self, *, sort: str | None = None, limit: int | None = None) -> AsyncIterator[UserInvitation]:
        """Go through the open invitations that you may see.

        Args:
            sort: field to sort by; with `-` before it, the greatest first.
            limit: at most so many (default: all).
        """
        async for item in self._each(UserInvitation, "invitation/user", limit, sort=sort):
            yield item

    list = iterate.collected()

    @operation
    async def send(
        self,
        email: str,
        *,
        organization_id: int | None = None,
        roles: Sequence[int | str] = (),
        rules: Sequence[int] = (),
    ) -> UserInvitation:
        """Invite somebody by mail to become a user; the person chooses name and password.

        Args:
            email: where the invitation is sent.
            organization_id: default is your own organization.
            roles: ids or names that the user will have, such as `"Researcher"`.
            rules: ids of rules beyond those of the roles.

        Raises:
            Denied: you may not create such a user.
            Unsupported: the server sends no mail.
        """
        fields = body(
            UserInvitationCreate,
            email=email,
            organization_id=organization_id,
            roles=await role_ids(self._all, roles),
            rules=[*rules],
        )
        return await self._one(UserInvitation, "POST", "invitation/user", fields)

    @operation
    async def withdraw(self, id: int) -> None:
        """Take back an invitation; its token stops working."""
        await self._send("DELETE", f"invitation/user/{id}")

    @operation
    async def view(self, token: str) -> UserInvitationView:
        """Tell what the token of an invitation invites to. Needs no login; raises `Invalid` for an old token."""
        answer = await self._ask("POST", "invitation/user/view", body(InvitationProof, token=token))
        return UserInvitationView.model_validate(answer)

    @operation
    async def accept(
        self, token: str, username: str, password: str, *, firstname: str = "", lastname: str = ""
    ) -> AcceptedUser:
        """Become a user, with the token that was mailed. Needs no login; log in afterwards.

        Args:
            token: from the mail.
            username: 3 to 128 letters, digits, `.`, `_` and `-`, beginning with a letter.
            password: 8 to 128 characters, with a digit, upper and lower case, and a character that is neither.

        Raises:
            Invalid: the token is old or used, the name is taken, or the password is too weak.
        """
        fields = body(
            UserInvitationAccept,
            token=token,
            username=username,
            password=password,
            firstname=firstname,
            lastname=lastname,
        )
        return AcceptedUser.model_validate(await self._ask("POST", "invitation/user/accept", fields))

    @operation
    async def decline(self, token: str) -> None:
        """Decline an invitation, with the token that was mailed. Needs no login."""
        await self._ask("POST", "invitation/user/decline", body(InvitationProof, token=token))
