"""What tests ask of a collaboration whose nodes are at work, and how long they wait for it."""

from collections.abc import Callable
from typing import Any

from docker_engine import wait_for
from hanse import Client
from hanse_core.wire.tasks import Run
from stock_node import ALGORITHM

SECONDS = 120.0
"""So long at most until something is seen; what is normal is a few seconds."""


class Asking:
    """For who has a client, and can tell what those involved said lately."""

    client: Client
    collaboration: int | str = "demo"

    def log(self) -> str:
        raise NotImplementedError

    def wait_for(self, what: str, seen: Callable[[], Any]) -> Any:
        return wait_for(what, seen, SECONDS, self.log)

    def create(self, method: str, *organizations: str, image: str = ALGORITHM, **arguments: Any) -> Any:
        """Create a task for these organizations, or for all."""
        return self.client.tasks.create(
            collaboration=self.collaboration,
            image=image,
            method=method,
            organizations=organizations or None,
            arguments=arguments,
        )

    def wait(self, task: Any) -> Any:
        """Wait for the answers of a task; a failure shows the log."""
        try:
            return self.client.tasks.wait(task, timeout=SECONDS, progress=False)
        except Exception as error:
            error.add_note(self.log())
            raise

    def runs(self, task: Any) -> dict[str, Run]:
        """Give the runs of a task by the names of their organizations."""
        names = {organization.id: organization.name for organization in self.client.organizations.list()}
        return {names[run.organization.id]: run for run in self.client.runs.list(task_id=task.id)}
