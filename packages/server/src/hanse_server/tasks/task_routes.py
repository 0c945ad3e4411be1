"""Endpoints for tasks and for killing them."""

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse

from hanse_core.wire.base import Identified
from hanse_core.wire.tasks import ColumnNames, ColumnRequest, Task, TaskCreate, TaskStatus
from hanse_server.stores.calls import Approved
from hanse_server.tasks.approval import Approvals
from hanse_server.tasks.columns import Columns
from hanse_server.tasks.creation import TaskCreation
from hanse_server.tasks.kill_service import Kills
from hanse_server.tasks.task_service import Tasks
from hanse_server.tasks.watch import Watch
from hanse_web.access import Actor
from hanse_web.app import PAYLOAD_BYTES
from hanse_web.auth import AnyActor, AnyUser, DetachedUserOrContainer, UserOrContainer
from hanse_web.query import Parameters, page
from hanse_web.work import AllWorks, RequestWork, Work

router = APIRouter(tags=["tasks"])


def _approvals(request: Request, works: AllWorks) -> Approvals:
    return Approvals(works, request.app.state.store_calls, request.app.state.task_policy)


@router.get("/task")
def list_tasks(request: Request, work: RequestWork, actor: AnyActor) -> Response:
    """List tasks, newest first."""
    parameters = Parameters(request)
    tasks = Tasks(work, actor)
    includes = parameters.several("include")
    return page(
        work.session,
        tasks.selection(parameters),
        parameters,
        lambda rows: tasks.items([row[0] for row in rows], includes),
    )


@router.post("/task", status_code=201, max_body_size=PAYLOAD_BYTES)
async def create_task(
    works: AllWorks,
    actor: DetachedUserOrContainer,
    approvals: Annotated[Approvals, Depends(_approvals)],
    body: TaskCreate,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Task:
    """Create a task; with an `Idempotency-Key` a repeated request gives the task of the first.

    With a `store_id` the store says which image it is, by its digest.
    """
    approved = await approvals.approved(actor, body, idempotency_key)
    async with works.open(write=True) as work:
        creation = TaskCreation(work, actor, approvals.policy)
        return await to_thread.run_sync(_make, work, creation, actor, body, idempotency_key, approved)


def _make(
    work: Work,
    creation: TaskCreation,
    actor: Actor,
    body: TaskCreate,
    idempotency_key: str | None,
    approved: Approved | None,
) -> Task:
    item = Tasks(work, actor).items([creation.create(body, idempotency_key, approved)], [])[0]
    work.conclude()
    return item


@router.post("/column", responses={201: {"model": Task}}, response_model=ColumnNames)
def column_names(
    work: RequestWork,
    actor: AnyUser,
    approvals: Annotated[Approvals, Depends(_approvals)],
    body: ColumnRequest,
) -> Any:
    """Give the column names of a database as a node shares them (200), or a task that asks for them (201)."""
    columns = Columns(work, actor, approvals.policy)
    shared = columns.shared(body)
    if shared:
        return ColumnNames(columns=shared)
    item = Tasks(work, actor).items([columns.ask(body)], [])[0]
    return Response(item.model_dump_json(), status_code=201, media_type="application/json")


@router.get("/task/{task_id:int}")
def get_task(request: Request, work: RequestWork, actor: AnyActor, task_id: int) -> Task:
    """Give one task."""
    tasks = Tasks(work, actor)
    return tasks.items([tasks.get(task_id)], Parameters(request).several("include"))[0]


@router.delete("/task/{task_id:int}")
def delete_task(work: RequestWork, actor: AnyUser, task_id: int) -> dict[str, str]:
    """Remove a task with all that descends from it."""
    Tasks(work, actor).delete(task_id)
    return {"msg": f"task {task_id} and all that belongs to it are deleted"}


@router.get("/task/{task_id:int}/status", response_model=TaskStatus)
def task_status(request: Request, work: RequestWork, actor: UserOrContainer, task_id: int) -> Any:
    """Give the status of a task once it is final: the answer starts at once, its body waits for the end."""
    status = Tasks(work, actor).status(task_id)
    if status.is_finished:
        return TaskStatus(status=status)
    watch: Watch = request.app.state.watch
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(watch.hold(task_id, status), media_type="application/json", headers=headers)


@router.post("/kill/task")
def kill_task(work: RequestWork, actor: AnyUser, body: Identified) -> dict[str, str]:
    """Kill a task with all that descends from it."""
    Kills(work, actor).kill_task(body.id)
    return {"msg": f"the nodes are told to kill what runs for task {body.id}"}


@router.post("/kill/node/tasks")
def kill_node_tasks(work: RequestWork, actor: AnyUser, body: Identified) -> dict[str, str]:
    """Kill everything that runs at a node."""
    Kills(work, actor).kill_at_node(body.id)
    return {"msg": f"node {body.id} is told to kill everything that runs there"}
