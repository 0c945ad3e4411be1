"""Making a task with its runs, in one transaction."""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from hanse_core import events
from hanse_core.errors import Conflict, Denied, Invalid, NotFound
from hanse_core.permissions import Operation, Resource
from hanse_core.states import RunStatus
from hanse_core.wire.tasks import TaskCreate
from hanse_server.collaborations.models import Study
from hanse_server.collaborations.queries import study_member_ids, visible_studies
from hanse_server.stores.calls import Approved
from hanse_server.stores.models import AlgorithmStore
from hanse_server.stores.queries import has_store, url_of, usable_in, visible_stores
from hanse_server.tasks import rules
from hanse_server.tasks.inputs import TaskInputs
from hanse_server.tasks.items import SHOWN
from hanse_server.tasks.models import Job, Run, Task, TaskDatabase
from hanse_server.tasks.queries import open_subtasks, visible_tasks
from hanse_server.tasks.venues import Venue, find_venue
from hanse_server.tasks.willingness import initiator_of, refuse_organizations, require_willing_nodes
from hanse_web.access import ContainerActor, UserActor
from hanse_web.locks import claim
from hanse_web.work import Work

KEY_LENGTH = 255
# Into the tables, not the entities: what the object mapper does for an insert costs several times the insert.
_job, _task, _run = (cast(Table, table.__table__) for table in (Job, Task, Run))
_NEW_JOB = insert(_job).returning(_job.c.id)
_NEW_TASK = insert(_task).returning(_task.c.id)
_NEW_DATABASE = insert(cast(Table, TaskDatabase.__table__))
_NEW_RUN = insert(_run)
_NEW_RUN_IDS = _NEW_RUN.returning(_run.c.id, sort_by_parameter_order=True)


class MadeTask(SimpleNamespace):
    """A task that this request made, or had made before; with the columns that its item shows (`SHOWN`)."""

    id: int
    parent_id: int | None


class TaskCreation:
    """The use case of one request."""

    def __init__(self, work: Work, actor: UserActor | ContainerActor, policy: rules.TaskPolicy) -> None:
        self._work = work
        self._actor = actor
        self._policy = policy

    @property
    def _session(self) -> Session:
        return self._work.session

    def store_to_ask(self, body: TaskCreate, idempotency_key: str | None = None) -> str | None:
        """Give the address of the store that must be asked about the image first; None where that is not needed."""
        is_from_store = body.store_id is not None and isinstance(self._actor, UserActor)
        if not is_from_store or self._made_before(self._own_key(idempotency_key)) is not None:
            return None
        self._admitted(body)
        return url_of(self._session, body.store_id or 0)

    def create(
        self,
        body: TaskCreate,
        inputs: TaskInputs,
        idempotency_key: str | None = None,
        approved: Approved | None = None,
    ) -> MadeTask:
        """Make the task and one run per organization; a repeated key gives the task that was made before."""
        key = self._own_key(idempotency_key)
        if key:
            claim(self._session, "idempotency key", key)
        made_before = self._made_before(key)
        if made_before is not None:
            return made_before
        collaboration, study, parent = self._admitted(body)
        if approved is not None:
            rules.require_digest(approved, self._policy)
        inputs.require_acceptable(body.organizations, is_encrypted=collaboration.encrypted)
        columns = self._columns(body, collaboration, study, parent, approved, key)
        task = self._store(columns, body, inputs)
        data = {"id": task.id, "parent_id": task.parent_id}
        self._work.tell(events.NEW_TASK, data, events.collaboration_room(collaboration.id))
        return task

    def _made_before(self, key: str | None) -> MadeTask | None:
        if not key:
            return None
        row = self._work.connection.execute(select(*SHOWN).where(Task.idempotency_key == key)).one_or_none()
        return MadeTask(**row._mapping) if row else None

    def _admitted(self, body: TaskCreate) -> tuple[Venue, Study | None, Task | None]:
        """Decide whether this actor may have this run there; gives the parent when a container asks."""
        collaboration, study = self._place(body)
        organization_ids = [organization.id for organization in body.organizations]
        self._require_places(collaboration, study, organization_ids)
        parent = self._parent(body, self._actor) if isinstance(self._actor, ContainerActor) else None
        initiator = initiator_of(self._work.connection, self._actor, parent)
        limits = [limit for limit in collaboration.limits if limit.organization_id in organization_ids]
        require_willing_nodes(self._work.connection, limits, initiator)
        if isinstance(self._actor, UserActor):
            self._admit(self._actor, body, collaboration)
        return collaboration, study, parent

    def _own_key(self, key: str | None) -> str | None:
        """Bind a key to who gave it, so that nobody can ask for the task of somebody else by it."""
        if key is None:
            return None
        if not 0 < len(key) <= KEY_LENGTH:
            raise Invalid(f"the Idempotency-Key must have 1 to {KEY_LENGTH} characters")
        if isinstance(self._actor, ContainerActor):
            return f"container:{self._actor.task_id}:{self._actor.id}:{key}"
        return f"user:{self._actor.id}:{key}"

    def _place(self, body: TaskCreate) -> tuple[Venue, Study | None]:
        study_id = body.study_id
        if isinstance(self._actor, ContainerActor) and self._actor.study_id is not None:
            study_id = study_id or self._actor.study_id
        study = self._study(study_id) if study_id is not None else None
        collaboration_id = body.collaboration_id or (study.collaboration_id if study else 0)
        collaboration = find_venue(self._work.connection, self._actor, collaboration_id)
        if collaboration is None:
            raise NotFound(f"collaboration {collaboration_id} is not found")
        if study is not None and study.collaboration_id != collaboration.id:
            raise Invalid(f"study {study.id} is not part of collaboration {collaboration.id}")
        return collaboration, study

    def _study(self, study_id: int) -> Study:
        study = self._session.scalar(visible_studies(self._actor).where(Study.id == study_id))
        if study is None:
            raise NotFound(f"study {study_id} is not found")
        return study

    def _require_places(self, collaboration: Venue, study: Study | None, ids: Collection[int]) -> None:
        refuse_organizations(set(ids) - collaboration.members, "are not in the collaboration")
        if study is not None:
            refuse_organizations(set(ids) - study_member_ids(self._session, study.id), "are not in the study")
        refuse_organizations(set(ids) - collaboration.with_node, "have no node in this collaboration")
        if len(set(ids)) != len(ids):
            twice = {key for key, number in Counter(ids).items() if number > 1}
            refuse_organizations(twice, "are named more than once")

    def _admit(self, actor: UserActor, body: TaskCreate, collaboration: Venue) -> None:
        if collaboration.id not in actor.collaboration_ids:
            raise Denied("you can only create tasks in collaborations of your own organization")
        if not actor.may_for_collaboration(Resource.TASK, Operation.CREATE, collaboration.id):
            raise Denied("you may not create tasks in this collaboration")
        if body.store_id is not None:
            self._require_store(actor, body.store_id, collaboration.id)
        elif self._policy.require_approved_images and has_store(self._session, collaboration.id):
            message = "this collaboration runs only what its algorithm stores approved; name one with store_id"
            raise Invalid(message, errors={"store_id": [message]})

    def _require_store(self, actor: UserActor, store_id: int, collaboration_id: int) -> None:
        seen = visible_stores(actor).where(AlgorithmStore.id == store_id)
        if self._session.scalar(seen) is None:
            raise Invalid(f"algorithm store {store_id} is not found", errors={"store_id": ["not found"]})
        if self._session.scalar(seen.where(usable_in([collaboration_id]))) is None:
            error = Denied(f"algorithm store {store_id} is not one of collaboration {collaboration_id}")
            error.status = 403
            raise error

    def _parent(self, body: TaskCreate, actor: ContainerActor) -> Task:
        if body.image != actor.image:
            raise Denied("a container can only create tasks with its own image")
        parent = self._session.scalar(visible_tasks(actor).where(Task.id == actor.task_id))
        if parent is None:
            raise Denied("the task of this container is gone")
        # Whoever kills the job does so before this task is made, or sees it.
        claim(self._session, "job", parent.job_id)
        own = Run.task_id == parent.id, Run.organization_id == actor.organization_id
        status = self._session.scalar(select(Run.status).where(*own))
        if status is None or RunStatus(status).is_finished:
            raise Denied("the run of this container has ended, so it can create no more tasks")
        open_now = open_subtasks(self._session, parent.job_id)
        if open_now >= self._policy.max_open_subtasks:
            raise Conflict(
                f"this computation has {open_now} unfinished subtasks, as many as the server allows "
                "(max_open_subtasks); wait until some have finished"
            )
        return parent

    def _columns(
        self,
        body: TaskCreate,
        collaboration: Venue,
        study: Study | None,
        parent: Task | None,
        approved: Approved | None,
        key: str | None,
    ) -> dict[str, Any]:
        image = approved.pinned if approved else body.image
        # As on stock servers: a store that knows no digest vouches for nothing, so the task does not name it.
        store_id = body.store_id if approved and approved.digest else None
        return {
            "name": body.name,
            "description": body.description,
            "status": RunStatus.PENDING.value,
            "image": parent.image if parent else image,
            "algorithm_store_id": parent.algorithm_store_id if parent else store_id,
            "job_id": parent.job_id if parent else self._job(),
            "collaboration_id": collaboration.id,
            "study_id": study.id if study else None,
            "parent_id": parent.id if parent else None,
            "init_org_id": self._actor.organization_id,
            "init_user_id": parent.init_user_id if parent else self._actor.id,
            "created_at": self._work.clock.now(),
            "idempotency_key": key,
        }

    def _job(self) -> int:
        return int(self._work.connection.execute(_NEW_JOB).scalar_one())

    def _store(self, columns: Mapping[str, Any], body: TaskCreate, inputs: TaskInputs) -> MadeTask:
        connection = self._work.connection
        task_id = connection.execute(_NEW_TASK, [columns]).scalar_one()
        databases = [(one.label, _json(one.parameters())) for one in body.databases or ()]
        if databases:
            rows = [{"task_id": task_id, "label": label, "parameters": text} for label, text in databases]
            connection.execute(_NEW_DATABASE, rows)
        run = {"task_id": task_id, "status": RunStatus.PENDING.value, "assigned_at": self._work.clock.now()}
        runs = [{**run, "organization_id": one.id, **inputs.columns(one.input)} for one in body.organizations]
        if inputs.are_claimed:
            inputs.settle(connection.execute(_NEW_RUN_IDS, runs).scalars().all())
        else:  # nobody needs their ids
            connection.execute(_NEW_RUN, runs)
        return MadeTask(**columns, id=task_id, finished_at=None, database_lists=_json(databases))


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
