"""Collaborations: organizations that analyse together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from hanse._modes import M, iteration, operation
from hanse._resource import Listed, Resource, body, flag, pick
from hanse.columns import Asked, columns
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
        algorithm_store_id: int | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Collaboration]:
        """Go through the collaborations that you may see.

        Args:
            name: pattern; `%` stands for any text, `_` for any character.
            encrypted: only those with, or only those without, end-to-end encryption.
            organization_id: only those that this organization is a member of.
            algorithm_store_id: only those that this store is coupled to.
            sort: field to sort by; with `-` before it, the greatest first.
            limit: at most so many (default: all).
        """
        query = {"name": name, "encrypted": flag(encrypted), "organization_id": organization_id}
        more = {"algorithm_store_id": algorithm_store_id, "sort": sort}
        async for item in self._each(Collaboration, "collaboration", limit, **query, **more):
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
    async def create(
        self,
        name: str,
        organization_ids: Sequence[int],
        *,
        encrypted: bool = True,
        keep_inputs_days: int | None = None,
        keep_results_days: int | None = None,
        keep_logs_days: int | None = None,
        keep_blobs_days: int | None = None,
    ) -> Collaboration:
        """Create a collaboration of these organizations, by default with end-to-end encryption.

        Args:
            keep_inputs_days, keep_results_days, keep_logs_days: how long these are kept after a run has ended; 0 is as
                long as the task, not given is what the server does elsewhere too.
            keep_blobs_days: the same for inputs and results that are too large for the database.
        """
        keep = {"keep_inputs_days": keep_inputs_days, "keep_results_days": keep_results_days}
        keep |= {"keep_logs_days": keep_logs_days, "keep_blobs_days": keep_blobs_days}
        fields = body(CollaborationCreate, name=name, organization_ids=[*organization_ids], encrypted=encrypted, **keep)
        return await self._one(Collaboration, "POST", "collaboration", fields)

    @operation
    async def update(
        self,
        id: int,
        *,
        name: str | None = None,
        organization_ids: Sequence[int] | None = None,
        encrypted: bool | None = None,
        keep_inputs_days: int | None = None,
        keep_results_days: int | None = None,
        keep_logs_days: int | None = None,
        keep_blobs_days: int | None = None,
    ) -> Collaboration:
        """Change what is given; `organization_ids` replaces the members. For `keep_…` see `create`."""
        members = None if organization_ids is None else [*organization_ids]
        keep = {"keep_inputs_days": keep_inputs_days, "keep_results_days": keep_results_days}
        keep |= {"keep_logs_days": keep_logs_days, "keep_blobs_days": keep_blobs_days}
        changes = body(CollaborationPatch, name=name, organization_ids=members, encrypted=encrypted, **keep)
        return await self._one(Collaboration, "PATCH", f"collaboration/{id}", changes)

    @operation
    async def delete(self, id: int, *, delete_dependents: bool = False) -> None:
        """Delete a collaboration; with `delete_dependents` also its tasks, nodes and studies."""
        await self._send("DELETE", f"collaboration/{id}", delete_dependents=delete_dependents)

    @operation
    async def add_organization(self, id: int, organization_id: int) -> Listed[Organization]:
        """Add a member, if you may change every collaboration; gives all members. Others use `client.invitations`."""
        members = await self._send("POST", f"collaboration/{id}/organization", {"id": organization_id})
        return [Organization.model_validate(item) for item in members]

    @operation
    async def remove_organization(self, id: int, organization_id: int) -> Listed[Organization]:
        """Take a member out; gives the members that remain."""
        members = await self._send("DELETE", f"collaboration/{id}/organization", {"id": organization_id})
        return [Organization.model_validate(item) for item in members]

    @operation
    async def add_node(self, id: int, node_id: int) -> Listed[int]:
        """Let a node that belongs to no collaboration work for this one; gives the ids of all its nodes."""
        return [int(item["id"]) for item in await self._send("POST", f"collaboration/{id}/node", {"id": node_id})]

    @operation
    async def remove_node(self, id: int, node_id: int) -> None:
        """Take a node out of a collaboration; it goes on to exist."""
        await self._send("DELETE", f"collaboration/{id}/node", {"id": node_id})

    @operation
    async def columns(
        self,
        collaboration: int | str,
        database: str = "default",
        *,
        organizations: Sequence[int | str] | None = None,
        query: str | None = None,
        sheet_name: str | None = None,
        timeout: float | None = 60.0,
    ) -> Listed[str]:
        """Give the names of the columns of a database.

        Where a node shares them, they are there at once; else a task at the stations reads them.

        Args:
            collaboration: id or name.
            database: its label at the stations.
            organizations: ids or names of those to ask; default is every one that has a node.
            query, sheet_name: for databases that need one.
            timeout: seconds to wait for such a task.

        Raises:
            TaskFailed: no station could read them.
            WaitTimeout: the stations did not answer in time.
        """
        asked = Asked(collaboration, database, organizations, query, sheet_name)
        return await columns(self._all, asked, timeout=timeout)
