"""Endpoints for runs and their results."""

from typing import Any

from fastapi import APIRouter, Request, Response

from hanse_core.wire.tasks import Result, RunPatch
from hanse_server.tasks.items import RunItems
from hanse_server.tasks.run_service import Runs
from hanse_web.app import PAYLOAD_BYTES
from hanse_web.auth import AnyActor, AnyNode
from hanse_web.query import Parameters, page
from hanse_web.work import RequestWork

router = APIRouter(tags=["runs"])


@router.get("/run")
def list_runs(request: Request, work: RequestWork, actor: AnyActor) -> Response:
    """List runs, newest first."""
    parameters = Parameters(request)
    items = RunItems(work.session, work.links)
    with_task = parameters.includes("task")
    return page(
        work.session,
        Runs(work, actor).selection(parameters),
        parameters,
        lambda rows: items.write([row[0] for row in rows], with_task=with_task),
    )


@router.get("/run/{run_id:int}")
def get_run(request: Request, work: RequestWork, actor: AnyActor, run_id: int) -> dict[str, Any]:
    """Give one run."""
    found = Runs(work, actor).get(run_id)
    with_task = Parameters(request).includes("task")
    return RunItems(work.session, work.links).write([found], with_task=with_task)[0]


@router.patch("/run/{run_id:int}", max_body_size=PAYLOAD_BYTES)
def report_run(work: RequestWork, actor: AnyNode, run_id: int, body: RunPatch) -> dict[str, Any]:
    """Report on a run; what is not given stays as it is."""
    run = Runs(work, actor).report(actor, run_id, body)
    return RunItems(work.session, work.links).write([run])[0]


@router.get("/result")
def list_results(request: Request, work: RequestWork, actor: AnyActor) -> Response:
    """List results, newest first; those of runs that have not ended are null."""
    parameters = Parameters(request)
    items = RunItems(work.session, work.links)
    return page(
        work.session,
        Runs(work, actor).selection(parameters),
        parameters,
        lambda rows: items.write_results([row[0] for row in rows]),
    )


@router.get("/result/{run_id:int}")
def get_result(work: RequestWork, actor: AnyActor, run_id: int) -> Result:
    """Give one result; it has the id of its run."""
    return RunItems(work.session, work.links).write_results([Runs(work, actor).get(run_id)])[0]
