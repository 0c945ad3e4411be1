"""Coupling and uncoupling stores: checked in one transaction, agreed with the store, noted in a second."""

from anyio import to_thread

from hanse_core.errors import HanseError, Invalid
from hanse_core.wire import stores as wire
from hanse_server.stores import rules
from hanse_server.stores.calls import StoreCalls
from hanse_server.stores.items import store_items
from hanse_server.stores.service import Stores
from hanse_web.access import UserActor
from hanse_web.work import Work, Works


class Couplings:
    """The use cases that speak to a store between two units of work, never inside one."""

    def __init__(self, works: Works, calls: StoreCalls) -> None:
        self._works = works
        self._calls = calls

    async def couple(self, actor: UserActor, body: wire.StoreCreate, *, registers: bool = True) -> wire.AlgorithmStore:
        """Make a store usable, once it accepts this server (unless it need not be asked)."""
        url = rules.api_address(body.algorithm_store_url, "algorithm_store_url")
        async with self._works.open(write=False) as work:
            await to_thread.run_sync(Stores(work, actor).admit, url, rules.wanted(body.collaboration_id))
        if rules.is_local(url) and not body.force:
            raise Invalid("a store on localhost is out of reach for nodes; use force=true if that is what you want")
        if registers:
            own_url = self._calls.own_url(body.server_url)
            await self._calls.register(actor, url, own_url, force=body.force)
        async with self._works.open(write=True) as work:
            return await to_thread.run_sync(_create, work, actor, body, url)

    async def uncouple(self, actor: UserActor, store_id: int, server_url: str | None) -> str:
        """Forget a store; the last record of an address also ends this server's registration there.

        Gives what is to be told: a store that is gone must not keep its record alive.
        """
        async with self._works.open(write=False) as work:
            url, is_last = await to_thread.run_sync(Stores(work, actor).removable, store_id)
        said = f"algorithm store {store_id} is deleted"
        if is_last:
            own_url = self._calls.own_url(server_url)
            try:
                await self._calls.unregister(actor, url, own_url)
            except HanseError as error:
                said += f"; but it may still hold this server's registration: {error.message}"
        async with self._works.open(write=True) as work:
            await to_thread.run_sync(Stores(work, actor).delete, store_id)
        return said


def _create(work: Work, actor: UserActor, body: wire.StoreCreate, url: str) -> wire.AlgorithmStore:
    return store_items(work.links, [Stores(work, actor).create(body, url)])[0]
