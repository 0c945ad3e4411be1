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
        collaboration_id: int | None = None,
        only_open: bool = False,
        started_from: str | None = None,
        started_till: str | None = None,
        finished_from: str | None = None,
        finished_till: str | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Run]:
        """Go through the runs that you may see, newest first.

        Args:
            task_id, organization_id, node_id, collaboration_id: only runs of it.
            only_open: only runs that are not finished.
            started_from, started_till, finished_from, finished_till: dates, such as `"2026-03-01"`.
            sort: field to sort by; with `-` before it, the greatest first.
            limit: at most so many (default: all).
        """
        query = {"task_id": task_id, "organization_id": organization_id, "node_id": node_id}
        times = {"started_from": started_from, "started_till": started_till}
        times |= {"finished_from": finished_from, "finished_till": finished_till}
        more = {"collaboration_id": collaboration_id, "state": "open" if only_open else None, "sort": sort}
        async for item in self._each(Run, "run", limit, **query, **times, **more):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> Run:
        """Get one run, with its log. Raises `NotFound`, `Denied`."""
        return await self._one(Run, "GET", f"run/{id}")
