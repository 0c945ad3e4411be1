"""Runs: one task at one organization."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hanse._modes import M, iteration, operation
from hanse._resource import Resource
from hanse_core.wire.tasks import Run


class Runs(Resource[M]):
    """`client.runs`"""

    @iteration
    async def iterate(
        self,
        *,
        task_id: int | None = None,
        organization_id: int | None = None,
        node_id: int | None = None,
        only_open: bool = False,
        limit: int | None = None,
    ) -> AsyncIterator[Run]:
        """Go through the runs that you may see, newest first.

        Args:
            task_id, organization_id, node_id: only runs of it.
            only_open: only runs that are not finished.
            limit: at most so many (default: all).
        """
        query = {"task_id": task_id, "organization_id": organization_id, "node_id": node_id}
        async for item in self._each(Run, "run", limit, **query, state="open" if only_open else None):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> Run:
        """Get one run, with its log. Raises `NotFound`, `Denied`."""
        return await self._one(Run, "GET", f"run/{id}")
