"""Endpoints for runs and their results."""

from fastapi import APIRouter, Request, Response

from hanse_core.wire.base import Page
from hanse_core.wire.tasks import Result, Run, RunPatch
from hanse_server.tasks.intake import LargeValues
from hanse_server.tasks.items import RunItems
from hanse_server.tasks.queries import task_is_visible
from hanse_server.tasks.results import ReportedResult
from hanse_server.tasks.run_service import Runs
from hanse_server.tasks.texts import AnswerTexts
from hanse_web.auth import AnyActor, AnyNode
from hanse_web.large_bodies import LARGE, LargeBodyRoute
from hanse_web.listing import Listing, page
from hanse_web.query import Parameters, documented, parameter
from hanse_web.work import RequestWork

router = APIRouter(tags=["runs"], route_class=LargeBodyRoute)
_FILTERS = documented(
    text="state include",
    integers="task_id organization_id collaboration_id node_id port",
    moments="assigned_from assigned_till started_from started_till finished_from finished_till",
)


@router.get("/run", response_model=Page[Run], openapi_extra=_FILTERS)
def list_runs(request: Request, work: RequestWork, actor: AnyActor, texts: AnswerTexts) -> Response:
    """List runs, newest first."""
    parameters = Parameters(request)
    items = RunItems(work.session, work.links, texts)
    tasks_seen = task_is_visible(actor) if parameters.includes("task") else None
    listed = page(
        work.session,
        Listing(Runs(work, actor).selection(parameters)),
        parameters,
        lambda rows: items.write([row[0] for row in rows], tasks_seen=tasks_seen),
    )
    return texts.holes.fill(listed)


@router.get("/run/{run_id:int}", response_model=Run, openapi_extra={"parameters": [parameter("include", "string")]})
def get_run(request: Request, work: RequestWork, actor: AnyActor, run_id: int, texts: AnswerTexts) -> Response:
    """Give one run."""
    found = Runs(work, actor).get(run_id)
    tasks_seen = task_is_visible(actor) if Parameters(request).includes("task") else None
    (item,) = RunItems(work.session, work.links, texts).write([found], tasks_seen=tasks_seen)
    return texts.holes.answer(item)


@router.patch("/run/{run_id:int}", max_body_size=LARGE, response_model=Run)
def report_run(
    arrived: LargeValues, work: RequestWork, actor: AnyNode, run_id: int, body: RunPatch, texts: AnswerTexts
) -> Response:
    """Report on a run; what is not given stays as it is."""
    result = ReportedResult(work, body, arrived, are_blobs=texts.are_blobs)
    run = Runs(work, actor).report(actor, run_id, result)
    (item,) = RunItems(work.session, work.links, texts).write([run])
    return texts.holes.answer(item)


@router.get("/result", response_model=Page[Result], openapi_extra=_FILTERS)
def list_results(request: Request, work: RequestWork, actor: AnyActor, texts: AnswerTexts) -> Response:
    """List results, newest first; those of runs that have not ended are null."""
    parameters = Parameters(request)
    items = RunItems(work.session, work.links, texts)
    listed = page(
        work.session,
        Listing(Runs(work, actor).selection(parameters)),
        parameters,
        lambda rows: items.write_results([row[0] for row in rows]),
    )
    return texts.holes.fill(listed)


@router.get("/result/{run_id:int}", response_model=Result)
def get_result(work: RequestWork, actor: AnyActor, run_id: int, texts: AnswerTexts) -> Response:
    """Give one result; it has the id of its run."""
    (item,) = RunItems(work.session, work.links, texts).write_results([Runs(work, actor).get(run_id)])
    return texts.holes.answer(item)
