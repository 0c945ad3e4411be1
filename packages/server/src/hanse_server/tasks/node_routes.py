"""Endpoints that nodes use on behalf of their containers."""

from fastapi import APIRouter, Request

from hanse_core.errors import Invalid
from hanse_core.wire.accounts import ContainerToken, ContainerTokenRequest
from hanse_core.wire.tasks import PortCreate, RunPort
from hanse_server.tasks.container_service import Containers
from hanse_web.auth import AnyNode, Tokens
from hanse_web.query import Parameters, parameter
from hanse_web.work import RequestWork

router = APIRouter(tags=["containers"])


@router.post("/token/container")
def container_token(request: Request, work: RequestWork, actor: AnyNode, body: ContainerTokenRequest) -> ContainerToken:
    """Give the token with which a container acts; it is good until its run ends or the node's key is renewed."""
    tokens: Tokens = request.app.state.tokens
    subject = Containers(work, actor).subject(body)
    return ContainerToken(container_token=tokens.issue(subject, "container", ver=actor.token_version))


@router.post("/port", status_code=201)
def open_port(work: RequestWork, actor: AnyNode, body: PortCreate) -> RunPort:
    """Note a port that a run's container offers."""
    made = Containers(work, actor).open_port(body)
    return RunPort(id=made.id, port=made.port, label=made.label)


@router.delete("/port", openapi_extra={"parameters": [parameter("run_id", "integer")]})
def close_ports(request: Request, work: RequestWork, actor: AnyNode) -> dict[str, str]:
    """Forget the ports of a run."""
    run_id = Parameters(request).integer("run_id")
    if run_id is None:
        raise Invalid("the parameter run_id is missing")
    Containers(work, actor).close_ports(run_id)
    return {"msg": f"the ports of run {run_id} are removed"}
