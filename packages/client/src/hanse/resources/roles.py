"""Roles: named sets of rules that users hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from hanse._modes import M, iteration, operation
from hanse._resource import Listed, Resource, body, flag, pick
from hanse_core.wire.accounts import Role, RoleCreate, RolePatch, Rule


class Roles(Resource[M]):
    """`client.roles`"""

    @iteration
    async def iterate(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        organization_id: int | None = None,
        collaboration_id: int | None = None,
        rule_id: int | None = None,
        user_id: int | None = None,
        include_root: bool | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Role]:
        """Go through the roles that you may see.

        Args:
            name, description: patterns; `%` stands for any text, `_` for any character.
            organization_id: only roles of this organization.
            collaboration_id: only roles of its members.
            rule_id: only roles with this rule.
            user_id: only roles that this user holds.
            include_root: with the two first of these, also the roles that belong to no organization.
            sort: field to sort by; with `-` before it, the greatest first.
            limit: at most so many (default: all).
        """
        texts = {"name": name, "description": description, "sort": sort}
        query = {"organization_id": organization_id, "collaboration_id": collaboration_id, "user_id": user_id}
        more = {"rule_id": rule_id, "include_root": flag(include_root)}
        async for item in self._each(Role, "role", limit, **texts, **query, **more):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> Role:
        """Get one role. Raises `NotFound`, `Denied`."""
        return await self._one(Role, "GET", f"role/{id}")

    @operation
    async def find(self, key: int | str) -> Role:
        """Get the role with this id or name. Raises `NotFound`, naming those that you may see."""
        return pick("role", key, await self.list())

    @operation
    async def create(
        self, name: str, rules: Sequence[int], *, description: str = "", organization_id: int | None = None
    ) -> Role:
        """Create a role from ids of rules that you hold yourself, by default for your own organization."""
        fields = body(RoleCreate, name=name, rules=[*rules], description=description, organization_id=organization_id)
        return await self._one(Role, "POST", "role", fields)

    @operation
    async def update(
        self,
        id: int,
        *,
        name: str | None = None,
        rules: Sequence[int] | None = None,
        description: str | None = None,
    ) -> Role:
        """Change what is given; `rules` replaces those of the role. Built-in roles cannot be changed."""
        changes = body(RolePatch, name=name, rules=None if rules is None else [*rules], description=description)
        return await self._one(Role, "PATCH", f"role/{id}", changes)

    @operation
    async def delete(self, id: int, *, delete_dependents: bool = False) -> None:
        """Delete a role; with `delete_dependents` even while users hold it."""
        await self._send("DELETE", f"role/{id}", delete_dependents=delete_dependents)

    @operation
    async def add_rule(self, id: int, rule_id: int) -> Listed[Rule]:
        """Add a rule to a role; gives all rules that it then has."""
        return [Rule.model_validate(item) for item in await self._send("POST", f"role/{id}/rule/{rule_id}")]

    @operation
    async def remove_rule(self, id: int, rule_id: int) -> Listed[Rule]:
        """Take a rule out of a role; gives the rules that remain."""
        return [Rule.model_validate(item) for item in await self._send("DELETE", f"role/{id}/rule/{rule_id}")]
