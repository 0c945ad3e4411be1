"""What a list of tasks can be narrowed down by."""

from typing import Any

from sqlalchemy import Connection, Select, exists, select

from hanse_core.errors import Denied, Invalid
from hanse_core.permissions import Operation, Resource
from hanse_core.states import RunStatus
from hanse_server.accounts.models import User
from hanse_server.collaborations.models import Study
from hanse_server.stores.models import AlgorithmStore
from hanse_server.stores.queries import visible_stores
from hanse_server.tasks.models import NAME_INDEX, Run, Task, TaskDatabase
from hanse_server.tasks.queries import visible_runs, visible_tasks
from hanse_web.access import Actor
from hanse_web.listing import Listing
from hanse_web.query import Parameters, contains

SORTABLE = {
    "id": Task.id,
    "name": Task.name,
    "image": Task.image,
    "job_id": Task.job_id,
    "created_at": Task.created_at,
    "collaboration_id": Task.collaboration_id,
    "init_org_id": Task.init_org_id,
    "init_user_id": Task.init_user_id,
}

UNFILTERED = {"page", "per_page", "sort", "include"}
TEXTS = ("name", "image", "description")


class TaskFilters:
    """Reads the filters of one request; a foreign id is answered as one that does not exist."""

    def __init__(self, source: Connection, actor: Actor, parameters: Parameters) -> None:
        self._source = source
        self._actor = actor
        self._parameters = parameters

    def conditions(self) -> list[Any]:
        """Give what a task of the list must fulfil."""
        if not set(self._parameters.items) - UNFILTERED:
            return []
        return [*self._by_text(), *self._by_place(), *self._by_family(), *self._by_content()]

    def narrowed(self, listing: Listing, number: Select[Any] | None) -> Listing:
        """Narrow a list of tasks down; `number` selects how many are left, where that is kept."""
        listing = listing.where(*self.conditions(), total=number)
        searched = set(self._parameters.items) - UNFILTERED
        if not searched or not searched <= set(TEXTS):
            return listing
        # A page: from the newest task on until it is full. The number: in the index that holds all names.
        by_name = f"INDEXED BY {NAME_INDEX}"
        return listing.on_sqlite(Task, "NOT INDEXED", by_name if searched == {"name"} else "NOT INDEXED")

    def _by_text(self) -> list[Any]:
        given = {name: self._parameters.text(name) for name in TEXTS}
        return [contains(getattr(Task, name), pattern) for name, pattern in given.items() if pattern]

    def _by_place(self) -> list[Any]:
        conditions: list[Any] = []
        collaboration_id = self._parameters.integer("collaboration_id")
        if collaboration_id is not None:
            self._require_view_of(collaboration_id)
            conditions.append(Task.collaboration_id == collaboration_id)
        study_id = self._parameters.integer("study_id")
        if study_id is not None:
            self._require_study(study_id)
            conditions.append(Task.study_id == study_id)
        organization_id = self._parameters.integer("init_org_id")
        if organization_id is not None:
            if not self._actor.may_for_organization(Resource.TASK, Operation.VIEW, organization_id):
                raise Denied("you may not view the tasks of this organization")
            conditions.append(Task.init_org_id == organization_id)
        user_id = self._parameters.integer("init_user_id")
        if user_id is not None:
            self._require_user(user_id)
            conditions.append(Task.init_user_id == user_id)
        return conditions

    def _by_family(self) -> list[Any]:
        conditions: list[Any] = []
        parent_id = self._parameters.integer("parent_id")
        if parent_id is not None:
            self._require(visible_tasks(self._actor).where(Task.id == parent_id), f"parent task {parent_id}")
            conditions.append(Task.parent_id == parent_id)
        job_id = self._parameters.integer("job_id")
        if job_id is not None:
            self._require(visible_tasks(self._actor).where(Task.job_id == job_id), f"job {job_id}")
            conditions.append(Task.job_id == job_id)
        run_id = self._parameters.integer("run_id")
        if run_id is not None:
            self._require(visible_runs(self._actor).where(Run.id == run_id), f"run {run_id}")
            conditions.append(Task.id.in_(select(Run.task_id).where(Run.id == run_id)))
        is_user_created = self._parameters.integer("is_user_created")
        if is_user_created is not None:
            conditions.append(Task.parent_id.is_(None) if is_user_created else Task.parent_id.is_not(None))
        return conditions

    def _by_content(self) -> list[Any]:
        conditions: list[Any] = []
        label = self._parameters.text("database")
        if label is not None:
            conditions.append(exists().where(TaskDatabase.label == label, TaskDatabase.task_id == Task.id))
        status = self._parameters.text("status")
        if status is not None:
            conditions.append(Task.status == _known_status(status))
        store_id = self._parameters.integer("store_id")
        if store_id is not None:
            seen = visible_stores(self._actor).where(AlgorithmStore.id == store_id)
            self._require(seen, f"algorithm store {store_id}")
            conditions.append(Task.algorithm_store_id == store_id)
        return conditions

    def _require(self, statement: Select[Any], what: str) -> None:
        if self._source.execute(statement.limit(1)).first() is None:
            raise Invalid(f"{what} does not exist")

    def _require_view_of(self, collaboration_id: int) -> None:
        if not self._actor.may_for_collaboration(Resource.TASK, Operation.VIEW, collaboration_id):
            raise Denied("you may not view the tasks of this collaboration")

    def _require_study(self, study_id: int) -> None:
        collaboration_id = self._source.scalar(select(Study.collaboration_id).where(Study.id == study_id))
        is_seen = collaboration_id is not None and self._actor.may_for_collaboration(
            Resource.TASK, Operation.VIEW, collaboration_id
        )
        if not is_seen:
            raise Invalid(f"study {study_id} does not exist")

    def _require_user(self, user_id: int) -> None:
        if user_id == self._actor.id:
            return
        organization_id = self._source.scalar(select(User.organization_id).where(User.id == user_id))
        is_seen = organization_id is not None and self._actor.may_for_organization(
            Resource.TASK, Operation.VIEW, organization_id
        )
        if not is_seen:
            raise Invalid(f"user {user_id} does not exist")


def _known_status(text: str) -> str:
    known = {status.value for status in RunStatus}
    if text not in known:
        raise Invalid(f"there is no status {text!r}; statuses are: {', '.join(sorted(known))}")
    return text
