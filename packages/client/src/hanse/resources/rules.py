"""Rules: single permissions, an operation on a kind of object within a scope."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hanse._modes import M, iteration, operation
from hanse._resource import Resource
from hanse_core.wire.accounts import Rule


class Rules(Resource[M]):
    """`client.rules`"""

    @iteration
    async def iterate(
        self,
        *,
        resource: str | None = None,
        operation: str | None = None,
        scope: str | None = None,
        role_id: int | None = None,
        user_id: int | None = None,
        sort: str | None = None,
    ) -> AsyncIterator[Rule]:
        """Go through the rules that there are.

        Args:
            resource: kind of object, such as `"task"` (the attribute `name` of a rule).
            operation: such as `"VIEW"` or `"CREATE"`.
            scope: `"OWN"`, `"ORGANIZATION"`, `"COLLABORATION"` or `"GLOBAL"`.
            role_id: only rules of this role.
            user_id: only rules that this user holds, through roles or directly.
            sort: field to sort by; with `-` before it, the greatest first.
        """
        query = {"name": resource, "operation": operation, "scope": scope, "role_id": role_id, "user_id": user_id}
        async for item in self._each(Rule, "rule", None, **query, sort=sort):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> Rule:
        """Get one rule. Raises `NotFound`."""
        return await self._one(Rule, "GET", f"rule/{id}")
