"""Results as they travel: sealed or base64, or the name of a blob. `client.tasks.results` gives them opened."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hanse._modes import M, iteration, operation
from hanse._resource import Resource
from hanse_core.wire.tasks import Result


class Results(Resource[M]):
    """`client.results`"""

    @iteration
    async def iterate(
        self,
        *,
        task_id: int | None = None,
        organization_id: int | None = None,
        collaboration_id: int | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Result]:
        """Go through the results that you may see, newest first.

        Args:
            task_id, organization_id, collaboration_id: only results of it.
            sort: field to sort by; with `-` before it, the greatest first.
            limit: at most so many (default: all).
        """
        query = {"task_id": task_id, "organization_id": organization_id, "collaboration_id": collaboration_id}
        async for item in self._each(Result, "result", limit, **query, sort=sort):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> Result:
        """Get the result of one run (it has the run's id). Raises `NotFound`, `Denied`."""
        return await self._one(Result, "GET", f"result/{id}")
