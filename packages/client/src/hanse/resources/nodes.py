"""Nodes: the data stations."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hanse._modes import M, iteration, operation
from hanse._resource import Resource, body
from hanse_core.wire.collaborations import Node, NodeCreate, NodePatch


class Nodes(Resource[M]):
    """`client.nodes`"""

    @iteration
    async def iterate(
        self,
        *,
        name: str | None = None,
        organization_id: int | None = None,
        collaboration_id: int | None = None,
        study_id: int | None = None,
        status: str | None = None,
        ip: str | None = None,
        last_seen_from: str | None = None,
        last_seen_till: str | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Node]:
        """Go through the nodes that you may see.

        Args:
            name: pattern; `%` stands for any text, `_` for any character.
            organization_id, collaboration_id, study_id: only nodes of it.
            status: `"online"` or `"offline"`.
            ip: address in the VPN.
            last_seen_from, last_seen_till: dates, such as `"2026-03-01"`.
            sort: field to sort by; with `-` before it, the greatest first.
            limit: at most so many (default: all).
        """
        query = {"organization_id": organization_id, "collaboration_id": collaboration_id, "study_id": study_id}
        more = {"name": name, "status": status, "ip": ip, "sort": sort}
        seen = {"last_seen_from": last_seen_from, "last_seen_till": last_seen_till}
        async for item in self._each(Node, "node", limit, **more, **query, **seen):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> Node:
        """Get one node; `config` is what it shares while it is online. Raises `NotFound`, `Denied`."""
        return await self._one(Node, "GET", f"node/{id}")

    @operation
    async def create(
        self, collaboration_id: int, *, organization_id: int | None = None, name: str | None = None
    ) -> Node:
        """Register the node of an organization (default: your own) in a collaboration.

        The attribute `api_key` of the answer is what the node logs in with. It is shown only now; keep it safe.
        """
        fields = body(NodeCreate, collaboration_id=collaboration_id, organization_id=organization_id, name=name)
        return await self._one(Node, "POST", "node", fields)

    @operation
    async def update(self, id: int, *, name: str | None = None, clear_ip: bool = False) -> Node:
        """Rename a node, or forget its address in the VPN."""
        return await self._one(Node, "PATCH", f"node/{id}", body(NodePatch, name=name, clear_ip=clear_ip or None))

    @operation
    async def delete(self, id: int) -> None:
        """Delete a node; its runs stay."""
        await self._send("DELETE", f"node/{id}")

    @operation
    async def new_key(self, id: int) -> str:
        """Replace the API key of a node, e.g. because it was lost, and give the new one; the old one ends at once."""
        answer = await self._send("POST", "recover/node", {"id": id})
        return str(answer["api_key"])

    @operation
    async def kill_tasks(self, id: int) -> None:
        """Stop everything that runs at a node. Raises `Invalid` when the node is not online."""
        await self._send("POST", "kill/node/tasks", {"id": id})
