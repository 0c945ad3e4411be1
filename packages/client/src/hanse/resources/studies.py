"""Studies: named subsets of a collaboration's organizations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from hanse._modes import M, iteration, operation
from hanse._resource import Listed, Resource, body, pick
from hanse_core.wire.accounts import Organization
from hanse_core.wire.collaborations import Study, StudyCreate, StudyPatch


class Studies(Resource[M]):
    """`client.studies`"""

    @iteration
    async def iterate(
        self,
        *,
        name: str | None = None,
        collaboration_id: int | None = None,
        organization_id: int | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Study]:
        """Go through the studies that you may see.

        Args:
            name: pattern; `%` stands for any text, `_` for any character.
            collaboration_id: only studies within it.
            organization_id: only studies that it takes part in.
            sort: field to sort by; with `-` before it, the greatest first.
            limit: at most so many (default: all).
        """
        query = {"name": name, "collaboration_id": collaboration_id, "organization_id": organization_id}
        async for item in self._each(Study, "study", limit, **query, sort=sort):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> Study:
        """Get one study. Raises `NotFound`, `Denied`."""
        return await self._one(Study, "GET", f"study/{id}")

    @operation
    async def find(self, key: int | str, *, collaboration_id: int | None = None) -> Study:
        """Get the study with this id or name. Raises `NotFound`, naming those that you may see."""
        return pick("study", key, await self.list(collaboration_id=collaboration_id))

    @operation
    async def create(self, name: str, collaboration_id: int, organization_ids: Sequence[int]) -> Study:
        """Create a study of these members of a collaboration."""
        fields = body(StudyCreate, name=name, collaboration_id=collaboration_id, organization_ids=[*organization_ids])
        return await self._one(Study, "POST", "study", fields)

    @operation
    async def update(
        self,
        id: int,
        *,
        name: str | None = None,
        organization_ids: Sequence[int] | None = None,
        collaboration_id: int | None = None,
    ) -> Study:
        """Change what is given; `organization_ids` replaces the members."""
        members = None if organization_ids is None else [*organization_ids]
        changes = body(StudyPatch, name=name, organization_ids=members, collaboration_id=collaboration_id)
        return await self._one(Study, "PATCH", f"study/{id}", changes)

    @operation
    async def delete(self, id: int, *, delete_dependents: bool = False) -> None:
        """Delete a study; with `delete_dependents` also its tasks."""
        await self._send("DELETE", f"study/{id}", delete_dependents=delete_dependents)

    @operation
    async def add_organization(self, id: int, organization_id: int) -> Listed[Organization]:
        """Add a member; gives all members."""
        members = await self._send("POST", f"study/{id}/organization", {"id": organization_id})
        return [Organization.model_validate(item) for item in members]

    @operation
    async def remove_organization(self, id: int, organization_id: int) -> Listed[Organization]:
        """Take a member out; gives the members that remain."""
        members = await self._send("DELETE", f"study/{id}/organization", {"id": organization_id})
        return [Organization.model_validate(item) for item in members]
