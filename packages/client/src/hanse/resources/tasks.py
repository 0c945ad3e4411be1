"""Tasks: analyses that are sent to organizations."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from hanse._modes import M, iteration, operation
from hanse._resource import Identified, Resource, id_of
from hanse.answers import Answer, Answers
from hanse.composition import Database, Order, compose
from hanse.progress import display
from hanse.values import results_of
from hanse.waiting import failure_of, names_in, until_finished
from hanse_core.states import RunStatus
from hanse_core.wire.tasks import Task


class Tasks(Resource[M]):
    """`client.tasks`"""

    @iteration
    async def iterate(
        self,
        *,
        name: str | None = None,
        collaboration_id: int | None = None,
        study_id: int | None = None,
        parent_id: int | None = None,
        job_id: int | None = None,
        init_user_id: int | None = None,
        init_org_id: int | None = None,
        store_id: int | None = None,
        status: str | None = None,
        database: str | None = None,
        image: str | None = None,
        is_user_created: bool | None = None,
        include: str | None = None,
        sort: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Task]:
        """Go through the tasks that you may see, newest first.

        Args:
            name, image: patterns; `%` stands for any text, `_` for any character.
            collaboration_id, study_id: only tasks within it.
            parent_id: only subtasks of this task.
            job_id: only tasks of this computation: a user's task and all its subtasks.
            init_user_id, init_org_id: only tasks that this user, or this organization, created.
            store_id: only tasks whose image came from this algorithm store.
            status: such as `"pending"` or `"completed"`.
            database: only tasks that read the database with this label.
            is_user_created: only tasks that users created (True), or only subtasks (False).
            include: `"runs"`, `"results"` or both separated by a comma, to get them within the tasks.
            sort: field to sort by; with `-` before it, the greatest first.
            limit: at most so many (default: all).
        """
        query = {"collaboration_id": collaboration_id, "study_id": study_id, "parent_id": parent_id, "job_id": job_id}
        created = None if is_user_created is None else int(is_user_created)
        filters = {"name": name, "image": image, "init_user_id": init_user_id, "is_user_created": created}
        more = {"init_org_id": init_org_id, "store_id": store_id, "status": status, "database": database, "sort": sort}
        async for item in self._each(Task, "task", limit, **query, **filters, **more, include=include):
            yield item

    list = iterate.collected()

    @operation
    async def get(self, id: int) -> Task:
        """Get one task with its present status. Raises `NotFound`, `Denied`."""
        return await self._one(Task, "GET", f"task/{id}")

    @operation
    async def create(
        self,
        *,
        collaboration: int | str,
        image: str,
        method: str,
        arguments: Mapping[str, Any] | None = None,
        organizations: Sequence[int | str] | None = None,
        study: int | str | None = None,
        store: int | str | None = None,
        databases: Sequence[Database] = ("default",),
        name: str = "",
        description: str = "",
        plain: bool = False,
    ) -> Task:
        """Send an analysis to organizations, and return at once.

        Args:
            collaboration: id or name.
            image: the algorithm, such as `"hanse/summary"`.
            method: the function to call there. A central one (it collects partial results itself) goes to a single
                organization; a federated one to all that have the data.
            arguments: by name; anything that JSON can express.
            organizations: ids or names; default is every organization of the collaboration that has a node.
            study: id or name, to stay within a part of the collaboration.
            store: id or name of the algorithm store that the image comes from; the run is of what was reviewed there.
            databases: labels of the data to read at the stations, or mappings with `label` and e.g. `query`.
            name: for lists; default is the method.
            description: for the others.
            plain: send the input readable for the server, although you set up encryption.

        Raises:
            NotFound: no such collaboration, study or organization; the message names those that there are.
            Invalid: an argument is no JSON, an organization has no node, or a key for encryption is missing.
            Denied: you may not create tasks there.

        >>> task = client.tasks.create(collaboration="lung", image="hanse/summary", method="summary",
        ...                            organizations=["alpha"], arguments={"columns": ["age"]})
        """
        order = Order(
            collaboration=collaboration,
            image=image,
            method=method,
            arguments=arguments or {},
            organizations=organizations,
            study=study,
            store=store,
            databases=databases,
            name=name or method,
            description=description,
            plain=plain,
        )
        request = await compose(self._all, order)
        return Task.model_validate(await self._send("POST", "task", request, key=str(uuid.uuid4())))

    @operation
    async def wait(
        self,
        task: int | Identified,
        *,
        timeout: float | None = None,
        progress: bool = True,
        as_pandas: bool = False,
    ) -> Answers:
        """Wait until a task is finished, and give its answers: a list of results that knows whom they come from.

        Args:
            task: a task or its id.
            timeout: seconds; default is to wait as long as it takes. Restarts of the server are waited through.
            progress: show a line per station: on a terminal in place, else a line per change (on stderr).
            as_pandas: give tables as `DataFrame` where the shape of a result allows (extra `notebook`).

        Raises:
            TaskFailed: a run failed; says where, and how its log ends. The answers of the others are kept on it.
            WaitTimeout: the task is not finished in time. It goes on.
            Unavailable: the server was away for ten minutes.

        >>> answers = client.tasks.wait(task, timeout=600)
        """
        present = await self.get(id_of(task))
        shown = display(progress)
        try:
            finished = await until_finished(self._all, present, timeout=timeout, display=shown)
        finally:
            shown.close()
        answers = await self.results(finished, as_pandas=as_pandas)
        if finished.status.is_failed:
            raise await failure_of(self._all, finished, answers)
        return answers

    @operation
    async def run(
        self,
        *,
        collaboration: int | str,
        image: str,
        method: str,
        arguments: Mapping[str, Any] | None = None,
        organizations: Sequence[int | str] | None = None,
        study: int | str | None = None,
        store: int | str | None = None,
        databases: Sequence[Database] = ("default",),
        name: str = "",
        description: str = "",
        plain: bool = False,
        timeout: float | None = None,
        progress: bool = True,
        as_pandas: bool = False,
    ) -> Answers:
        """Send an analysis, wait for it, and give its answers: `create`, then `wait` (see there).

        >>> client.tasks.run(collaboration="lung", image="hanse/summary", method="summary",
        ...                  organizations=["alpha"], arguments={"columns": ["age"]}).result
        """
        task = await self.create(
            collaboration=collaboration,
            image=image,
            method=method,
            arguments=arguments,
            organizations=organizations,
            study=study,
            store=store,
            databases=databases,
            name=name,
            description=description,
            plain=plain,
        )
        return await self.wait(task, timeout=timeout, progress=progress, as_pandas=as_pandas)

    @operation
    async def results(self, task: int | Identified, *, as_pandas: bool = False) -> Answers:
        """Give the answers that have arrived, opened, in the order in which the organizations were named.

        Raises `Invalid` when a result was encrypted and `client.setup_encryption` was not called.
        """
        present = task if isinstance(task, Task) else await self.get(id_of(task))
        names = await names_in(self._all, present)
        runs = await self._all.runs.list(task_id=present.id)
        values = await results_of(self._all, present.id)
        answers = [
            Answer(
                organization=names.get(run.organization.id, f"organization {run.organization.id}"),
                organization_id=run.organization.id,
                run_id=run.id,
                result=values.get(run.id),
            )
            for run in reversed(runs)
            if run.status is RunStatus.COMPLETED
        ]
        opened = Answers(answers, task_id=present.id)
        return opened.as_pandas() if as_pandas else opened

    @operation
    async def kill(self, task: int | Identified) -> None:
        """Stop a task and its subtasks. Raises `Invalid` when it is already finished."""
        await self._send("POST", "kill/task", {"id": id_of(task)})

    @operation
    async def delete(self, task: int | Identified) -> None:
        """Delete a task with its subtasks, runs and results; one that still runs is killed first."""
        await self._send("DELETE", f"task/{id_of(task)}")
