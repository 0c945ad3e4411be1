"""Users: the people of an organization."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from hanse._modes import M, iteration, operation
from hanse._resource import Listed, Resource, body, pick
from hanse_core.wire.accounts import User, UserCreate, UserPatch


class Users(Resource[M]):
    """`client.users`"""

    @iteration
    async def iterate(
        self,
        *,
        username: str | None = None,
        organization_id: int | None = None,
        collaboration_id: int | None = None,
        role_id: int | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[User]:
        """Go through the users that you may see.

        Args:
            username: pattern; `%` stands for any text, `_` for any character.
            organization_id, collaboration_id: only users of it.
            role_id: only holders of this role.
            limit: at most so many (default: all).
        """
        query = {"organization_id": organization_id, "collaboration_id": collaboration_id, "role_id": role_id}
        async for item in self._each(User, "user", limit, username=username, **query):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> User:
        """Get one user. Raises `NotFound`, `Denied`."""
        return await self._one(User, "GET", f"user/{id}")

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
            roles=await self._role_ids(roles),
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
            roles=None if roles is None else await self._role_ids(roles),
            rules=None if rules is None else [*rules],
        )
        return await self._one(User, "PATCH", f"user/{id}", changes)

    @operation
    async def delete(self, id: int, *, delete_dependents: bool = False) -> None:
        """Delete a user; with `delete_dependents` also the tasks that the user created."""
        await self._send("DELETE", f"user/{id}", delete_dependents=delete_dependents)

    async def _role_ids(self, roles: Sequence[int | str]) -> Listed[int]:
        if all(isinstance(role, int) for role in roles):
            return [role for role in roles if isinstance(role, int)]
        there = await self._all.roles.list()
        return [pick("role", role, there).id for role in roles]
