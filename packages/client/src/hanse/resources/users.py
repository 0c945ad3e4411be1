"""Users: the people of an organization."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from hanse._modes import Awaiting, M, iteration, operation
from hanse._resource import Listed, Resource, body, pick
from hanse_core.wire.accounts import User, UserCreate, UserPatch, UserWithPermissions
from hanse_core.wire.sso import ExternalIdentity, ExternalIdentityCreate

if TYPE_CHECKING:
    from hanse.client import Api


class Users(Resource[M]):
    """`client.users`"""

    @iteration
    async def iterate(
        self,
        *,
        username: str | None = None,
        firstname: str | None = None,
        lastname: str | None = None,
        email: str | None = None,
        organization_id: int | None = None,
        collaboration_id: int | None = None,
        role_id: int | None = None,
        rule_id: int | None = None,
        last_seen_from: str | None = None,
        last_seen_till: str | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[User]:
        """Go through the users that you may see.

        Args:
            username, firstname, lastname, email: patterns; `%` stands for any text, `_` for any character.
            organization_id, collaboration_id: only users of it.
            role_id: only holders of this role.
            rule_id: only who was given this rule directly.
            last_seen_from, last_seen_till: dates, such as `"2026-03-01"`.
            sort: field to sort by; with `-` before it, the greatest first.
            limit: at most so many (default: all).
        """
        query = {"organization_id": organization_id, "collaboration_id": collaboration_id, "role_id": role_id}
        names = {"username": username, "firstname": firstname, "lastname": lastname, "email": email}
        seen = {"last_seen_from": last_seen_from, "last_seen_till": last_seen_till}
        async for item in self._each(User, "user", limit, **names, **query, **seen, rule_id=rule_id, sort=sort):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> User:
        """Get one user. Raises `NotFound`, `Denied`."""
        return await self._one(User, "GET", f"user/{id}")

    @operation
    async def permissions(self, id: int) -> UserWithPermissions:
        """Get one user with what it may do: ids of roles and rules, and of the organizations it works with."""
        return await self._one(UserWithPermissions, "GET", f"user/{id}", include_permissions=1)

    @operation
    async def create(
        self,
        username: str,
        password: str,
        email: str,
        *,
        firstname: str = "",
        lastname: str = "",
        organization_id: int | None = None,
        roles: Sequence[int | str] = (),
        rules: Sequence[int] = (),
    ) -> User:
        """Create a user.

        Args:
            password: 8 to 128 characters, with a digit, upper and lower case, and a character that is neither.
            organization_id: default is your own organization.
            roles: ids or names, such as `"Researcher"`.
            rules: ids of rules given directly, beyond those of the roles.

        Raises:
            Invalid: the name or e-mail address is taken, or the password is too weak.
            Denied: you may not create users there, or a role holds a rule that you do not hold.
        """
        fields = body(
            UserCreate,
            username=username,
            password=password,
            email=email,
            firstname=firstname,
            lastname=lastname,
            organization_id=organization_id,
            roles=await role_ids(self._all, roles),
            rules=[*rules],
        )
        return await self._one(User, "POST", "user", fields)

    @operation
    async def update(
        self,
        id: int,
        *,
        username: str | None = None,
        email: str | None = None,
        firstname: str | None = None,
        lastname: str | None = None,
        roles: Sequence[int | str] | None = None,
        rules: Sequence[int] | None = None,
    ) -> User:
        """Change what is given; the rest stays. `roles` and `rules` replace those that the user has."""
        changes = body(
            UserPatch,
            username=username,
            email=email,
            firstname=firstname,
            lastname=lastname,
            roles=None if roles is None else await role_ids(self._all, roles),
            rules=None if rules is None else [*rules],
        )
        return await self._one(User, "PATCH", f"user/{id}", changes)

    @operation
    async def delete(self, id: int, *, delete_dependents: bool = False) -> None:
        """Delete a user; with `delete_dependents` also the tasks that the user created."""
        await self._send("DELETE", f"user/{id}", delete_dependents=delete_dependents)

    @operation
    async def remove_second_factor(self, id: int) -> None:
        """Forget the second factor of a user who lost it; the user must log in again."""
        await self._send("DELETE", f"user/{id}/second_factor")

    @operation
    async def identities(self, id: int) -> Listed[ExternalIdentity]:
        """List as whom providers know a user (single sign-on)."""
        listed = await self._send("GET", f"user/{id}/identity")
        return [ExternalIdentity.model_validate(item) for item in listed["data"]]

    @operation
    async def add_identity(self, id: int, provider: str, subject: str) -> ExternalIdentity:
        """Say beforehand who of a provider may log in as a user; for yourself see `client.link_with`.

        Args:
            provider: name of the provider, see `client.providers`.
            subject: how the provider identifies the person; never an e-mail address.
        """
        fields = body(ExternalIdentityCreate, provider=provider, subject=subject)
        return await self._one(ExternalIdentity, "POST", f"user/{id}/identity", fields)

    @operation
    async def remove_identity(self, id: int, identity_id: int) -> None:
        """Let a user no longer log in through a provider."""
        await self._send("DELETE", f"user/{id}/identity/{identity_id}")


async def role_ids(api: Api[Awaiting], roles: Sequence[int | str]) -> list[int]:
    """Give the ids of roles that are named by id or name. Raises `NotFound`, naming those that there are."""
    if all(isinstance(role, int) for role in roles):
        return [role for role in roles if isinstance(role, int)]
    there = await api.roles.list()
    return [pick("role", role, there).id for role in roles]
