"""Algorithm stores: where reviewed algorithms are published."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from hanse._modes import M, iteration, operation
from hanse._resource import Listed, Resource, body, pick
from hanse_core.errors import Invalid
from hanse_core.wire.stores import AlgorithmStore, StoreCreate, StorePatch


class AlgorithmStores(Resource[M]):
    """`client.algorithm_stores`"""

    @iteration
    async def iterate(
        self,
        *,
        name: str | None = None,
        url: str | None = None,
        collaboration_id: int | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[AlgorithmStore]:
        """Go through the stores that are coupled to your collaborations, or to all.

        Args:
            name, url: patterns; `%` stands for any text, `_` for any character.
            collaboration_id: only stores that this collaboration may use.
            sort: field to sort by; with `-` before it, the greatest first.
            limit: at most so many (default: all).
        """
        query = {"name": name, "url": url, "collaboration_id": collaboration_id, "sort": sort}
        async for item in self._each(AlgorithmStore, "algorithmstore", limit, **query):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> AlgorithmStore:
        """Get one store. Raises `NotFound`, `Denied`."""
        return await self._one(AlgorithmStore, "GET", f"algorithmstore/{id}")

    @operation
    async def find(self, key: int | str, *, collaboration_id: int | None = None) -> AlgorithmStore:
        """Get the store with this id or name. Raises `NotFound`, naming those that you may see."""
        return pick("algorithm store", key, await self.list(collaboration_id=collaboration_id))

    @operation
    async def couple(
        self,
        name: str,
        url: str,
        *,
        collaborations: Sequence[int | str] = (),
        for_all: bool = False,
        force: bool = False,
    ) -> AlgorithmStore:
        """Let collaborations run the algorithms of a store.

        Args:
            name: for people.
            url: address of the store, such as `https://store.example.org`.
            collaborations: ids or names of those that may use it.
            for_all: instead, all collaborations of the server may; only for who may change every one of them.
            force: even though the store is on localhost or does not know this server.

        Raises:
            Invalid: the store is coupled already, or neither or both of `collaborations` and `for_all` are given.
            Denied: you may not change a collaboration, or the store refuses this server.
            Unavailable: the store does not answer.

        >>> client.algorithm_stores.couple("Reviewed", "https://store.example.org", collaborations=["lung"])
        """
        if for_all == bool(collaborations):
            raise Invalid("say for which collaborations, or for_all=True")
        fields = body(
            StoreCreate,
            name=name,
            algorithm_store_url=url,
            collaboration_id=await self._collaboration_ids(collaborations),
            server_url=self._api.url,
            force=force or None,
        )
        return await self._one(AlgorithmStore, "POST", "algorithmstore", fields)

    @operation
    async def update(
        self,
        id: int,
        *,
        name: str | None = None,
        collaborations: Sequence[int | str] = (),
        for_all: bool = False,
    ) -> AlgorithmStore:
        """Change what is given; `collaborations` replaces those that may use it, `for_all` lets all of them."""
        if for_all and collaborations:
            raise Invalid("say either for which collaborations, or for_all=True")
        changes: dict[str, Any] = body(
            StorePatch, name=name, collaboration_id=await self._collaboration_ids(collaborations)
        )
        if for_all:
            changes["collaboration_id"] = None
        return await self._one(AlgorithmStore, "PATCH", f"algorithmstore/{id}", changes)

    @operation
    async def uncouple(self, id: int) -> str:
        """Forget a store; tasks that came from it stay. Gives what the server says of it.

        That may hold a warning: a store that does not answer may still know this server.
        """
        answer = await self._send("DELETE", f"algorithmstore/{id}", server_url=self._api.url)
        return str(answer["msg"])

    async def _collaboration_ids(self, keys: Sequence[int | str]) -> Listed[int] | int | None:
        """Give ids; a single one as v4 takes it, which knows no lists."""
        if isinstance(keys, str):
            raise Invalid("collaborations is a list of names or ids, such as ['lung']")
        ids = [key if isinstance(key, int) else (await self._all.collaborations.find(key)).id for key in keys]
        return ids[0] if len(ids) == 1 else ids or None
