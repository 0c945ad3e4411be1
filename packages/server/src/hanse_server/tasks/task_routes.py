"""Endpoints for tasks and for killing them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse

from hanse_core.wire.base import Identified, Page
from hanse_core.wire.tasks import ColumnNames, ColumnRequest, Task, TaskCreate, TaskStatus
from hanse_server.tasks.approval import Approvals
from hanse_server.tasks.columns import Columns
from hanse_server.tasks.creation import TaskCreation
from hanse_server.tasks.inputs import TaskInputs
from hanse_server.tasks.intake import LargeValues
from hanse_server.tasks.kill_service import Kills
from hanse_server.tasks.task_service import Tasks
from hanse_server.tasks.texts import AnswerTexts
from hanse_server.tasks.watch import HELD_BYTES, Watch
from hanse_web.access import ContainerActor
from hanse_web.alike import values_of
from hanse_web.auth import AnyActor, AnyUser, DetachedUserOrContainer, UserOrContainer
from hanse_web.large_bodies import LARGE, LargeBodyRoute
from hanse_web.listing import page
from hanse_web.query import Parameters, documented, parameter
from hanse_web.work import AllWorks, RequestWork, Work

router = APIRouter(tags=["tasks"], route_class=LargeBodyRoute)


async def _approvals(request: Request, works: AllWorks) -> Approvals:
    return Approvals(works, request.app.state.store_calls, request.app.state.task_policy)


@router.get(
    "/task",
    response_model=Page[Task],
    openapi_extra=documented(
        text="name image description database status include",
        integers="collaboration_id study_id init_org_id init_user_id parent_id job_id run_id is_user_created store_id",
    ),
)
def list_tasks(request: Request, work: RequestWork, actor: AnyActor, texts: AnswerTexts) -> Response:
    """List tasks, newest first."""
    parameters = Parameters(request)
    tasks = Tasks(work, actor)
    includes = parameters.several("include")
    listed = page(
        work.connection,
        tasks.listing(parameters),
        parameters,
        lambda rows: tasks.items(rows, includes, texts),
        values=values_of(actor),
    )
    return texts.holes.fill(listed)


@router.post("/task", status_code=201, response_model=Task, max_body_size=LARGE)
async def create_task(
    arrived: LargeValues,
    works: AllWorks,
    actor: DetachedUserOrContainer,
    approvals: Annotated[Approvals, Depends(_approvals)],
    body: TaskCreate,
    texts: AnswerTexts,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Response:
    """Create a task; with an `Idempotency-Key` a repeated request gives the task of the first.

    With a `store_id` the store says which image it is, by its digest.
    """
    approved = await approvals.approved(actor, body, idempotency_key)

    def make(work: Work) -> Response:
        inputs = TaskInputs(work, actor, arrived, are_blobs=texts.are_blobs)
        made = TaskCreation(work, actor, approvals.policy).create(body, inputs, idempotency_key, approved)
        (item,) = Tasks(work, actor).items([made], [], texts)
        return texts.holes.answer(item, 201)

    return await works.run(make, write=True)


@router.post("/column", responses={201: {"model": Task}}, response_model=ColumnNames)
def column_names(
    work: RequestWork,
    actor: AnyUser,
    approvals: Annotated[Approvals, Depends(_approvals)],
    body: ColumnRequest,
    texts: AnswerTexts,
) -> Any:
    """Give the column names of a database as a node shares them (200), or a task that asks for them (201)."""
    columns = Columns(work, actor, approvals.policy)
    shared = columns.shared(body)
    if shared:
        return ColumnNames(columns=shared)
    inputs = TaskInputs(work, actor, {}, are_blobs=texts.are_blobs)
    (item,) = Tasks(work, actor).items([columns.ask(body, inputs)], [], texts)
    return texts.holes.answer(item, 201)


@router.get("/task/{task_id:int}", response_model=Task, openapi_extra={"parameters": [parameter("include", "string")]})
def get_task(request: Request, work: RequestWork, actor: AnyActor, task_id: int, texts: AnswerTexts) -> Response:
    """Give one task."""
    tasks = Tasks(work, actor)
    (item,) = tasks.items([tasks.look_up(task_id)], Parameters(request).several("include"), texts)
    return texts.holes.answer(item)


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
    holder = actor.id, actor.task_id if isinstance(actor, ContainerActor) else 0
    watch.require_room(holder)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Length": str(HELD_BYTES)}
    return StreamingResponse(watch.hold(task_id, status, holder), media_type="application/json", headers=headers)


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
