"""Having a store say which image a task runs, between two units of work."""

from anyio import to_thread

from hanse_core.errors import HanseError
from hanse_core.wire.tasks import TaskCreate
from hanse_server.stores.calls import Approved, StoreCalls, as_bad_request
from hanse_server.tasks.creation import TaskCreation
from hanse_server.tasks.rules import TaskPolicy
from hanse_web.access import ContainerActor, UserActor
from hanse_web.work import Works


class Approvals:
    """Asks stores about the images of tasks that name one."""

    def __init__(self, works: Works, calls: StoreCalls, policy: TaskPolicy) -> None:
        self._works = works
        self._calls = calls
        self.policy = policy

    async def approved(
        self, actor: UserActor | ContainerActor, body: TaskCreate, idempotency_key: str | None
    ) -> Approved | None:
        """Give what the task's store says of its image; None without a store. Asks only once all else is in order."""
        if body.store_id is None or not isinstance(actor, UserActor):
            return None
        async with self._works.open(write=False) as work:
            creation = TaskCreation(work, actor, self.policy)
            store_url = await to_thread.run_sync(creation.store_to_ask, body, idempotency_key)
        if store_url is None:
            return None
        try:
            own_url = self._calls.own_url(body.server_url)
            return await self._calls.find(actor, store_url, own_url, body.image)
        except HanseError as error:
            raise as_bad_request(error) from None
