"""Collaborations: organizations that analyse together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from hanse._modes import M, iteration, operation
from hanse._resource import Listed, Resource, body, pick
from hanse_core.wire.accounts import Organization
from hanse_core.wire.collaborations import Collaboration, CollaborationCreate, CollaborationPatch


class Collaborations(Resource[M]):
    """`client.collaborations`"""

    @iteration
    async def iterate(
        self,
        *,
        name: str | None = None,
        encrypted: bool | None = None,
        organization_id: int | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Collaboration]:
        """Go through the collaborations that you may see.

        Args:
            name: pattern; `%` stands for any text, `_` for any character.
            encrypted: only those with, or only those without, end-to-end encryption.
            organization_id: only those that this organization is a member of.
            limit: at most so many (default: all).
        """
        query = {"name": name, "encrypted": _flag(encrypted), "organization_id": organization_id}
        async for item in self._each(Collaboration, "collaboration", limit, **query):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> Collaboration:
        """Get one collaboration. Raises `NotFound`, `Denied`."""
        return await self._one(Collaboration, "GET", f"collaboration/{id}")

    @operation
    async def find(self, key: int | str) -> Collaboration:
        """Get the collaboration with this id or name. Raises `NotFound`, naming those that you may see."""
        return pick("collaboration", key, await self.list())

    @operation
    async def create(self, name: str, organization_ids: Sequence[int], *, encrypted: bool = True) -> Collaboration:
        """Create a collaboration of these organizations, by default with end-to-end encryption."""
        fields = body(CollaborationCreate, name=name, organization_ids=[*organization_ids], encrypted=encrypted)
        return await self._one(Collaboration, "POST", "collaboration", fields)

    @operation
    async def update(
        self,
        id: int,
        *,
        name: str | None = None,
        organization_ids: Sequence[int] | None = None,
        encrypted: bool | None = None,
    ) -> Collaboration:
        """Change what is given; `organization_ids` replaces the members."""
        members = None if organization_ids is None else [*organization_ids]
        changes = body(CollaborationPatch, name=name, organization_ids=members, encrypted=encrypted)
        return await self._one(Collaboration, "PATCH", f"collaboration/{id}", changes)

    @operation
    async def delete(self, id: int, *, delete_dependents: bool = False) -> None:
        """Delete a collaboration; with `delete_dependents` also its tasks, nodes and studies."""
        await self._send("DELETE", f"collaboration/{id}", delete_dependents=delete_dependents)

    @operation
    async def add_organization(self, id: int, organization_id: int) -> Listed[Organization]:
        """Add a member; gives all members."""
        members = await self._send("POST", f"collaboration/{id}/organization", {"id": organization_id})
        return [Organization.model_validate(item) for item in members]

    @operation
    async def remove_organization(self, id: int, organization_id: int) -> Listed[Organization]:
        """Take a member out; gives the members that remain."""
        members = await self._send("DELETE", f"collaboration/{id}/organization", {"id": organization_id})
        return [Organization.model_validate(item) for item in members]


def _flag(value: bool | None) -> int | None:
    """Write a truth value as 1 or 0, the only form that every v4 server reads."""
    return None if value is None else int(value)
