"""Endpoints for nodes, their API keys and their login."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from hanse_core.wire.accounts import NodeLogin, NodeTokens
from hanse_core.wire.base import Identified, Message, Page
from hanse_core.wire.collaborations import Node, NodeCreate, NodePatch
from hanse_server.collaborations.items import node_items
from hanse_server.collaborations.node_login import NodeLogins
from hanse_server.collaborations.node_service import Nodes
from hanse_web.auth import AnyUser, ShownNode, UserOrNode
from hanse_web.listing import Listing, page
from hanse_web.origin import RequestOrigin
from hanse_web.query import Parameters, documented
from hanse_web.work import RequestWork

router = APIRouter(tags=["nodes"])


async def _logins(request: Request) -> NodeLogins:
    logins: NodeLogins = request.app.state.node_logins
    return logins


@router.post("/token/node")
async def log_in(
    body: NodeLogin, logins: Annotated[NodeLogins, Depends(_logins)], origin: RequestOrigin, response: Response
) -> NodeTokens:
    """Log in as a node."""
    tokens = await logins.log_in(body.api_key, origin)
    response.headers["jwt-token"] = tokens.access_token
    return tokens


@router.post("/token/node/validate")
def validate(actor: ShownNode) -> dict[str, str | int]:
    """Tell an algorithm store which node a token belongs to."""
    return {
        "msg": "the token is valid",
        "node_id": actor.id,
        "name": actor.name,
        "organization_id": actor.organization_id,
    }


@router.post("/recover/node")
def renew_key(work: RequestWork, actor: AnyUser, body: Identified) -> dict[str, str]:
    """Replace the API key of a node; the answer is the only place where the new one is shown."""
    return {"api_key": Nodes(work, actor).renew_key(body.id)}


@router.get(
    "/node",
    response_model=Page[Node],
    openapi_extra=documented(
        text="name status ip",
        integers="organization_id collaboration_id study_id",
        moments="last_seen_from last_seen_till",
    ),
)
def list_nodes(request: Request, work: RequestWork, actor: UserOrNode) -> Response:
    """List nodes."""
    parameters = Parameters(request)
    statement = Nodes(work, actor).selection(parameters)
    return page(
        work.session,
        Listing(statement),
        parameters,
        lambda rows: [_without_key(item) for item in node_items(work.session, work.links, [row[0] for row in rows])],
    )


@router.post("/node", status_code=201)
def create_node(work: RequestWork, actor: AnyUser, body: NodeCreate) -> Node:
    """Register a node; the answer is the only place where its API key is shown."""
    made, key = Nodes(work, actor).create(body)
    return node_items(work.session, work.links, [made])[0].model_copy(update={"api_key": key})


@router.get("/node/{node_id:int}", response_model_exclude={"api_key"})
def get_node(work: RequestWork, actor: UserOrNode, node_id: int) -> Node:
    """Give one node."""
    return node_items(work.session, work.links, [Nodes(work, actor).get(node_id)])[0]


@router.patch("/node/{node_id:int}", response_model_exclude={"api_key"})
def patch_node(work: RequestWork, actor: UserOrNode, node_id: int, body: NodePatch) -> Node:
    """Change a node."""
    return node_items(work.session, work.links, [Nodes(work, actor).patch(node_id, body)])[0]


@router.delete("/node/{node_id:int}")
def delete_node(work: RequestWork, actor: AnyUser, node_id: int) -> Message:
    """Remove a node."""
    Nodes(work, actor).delete(node_id)
    return Message(msg=f"node {node_id} is deleted")


def _without_key(item: Node) -> dict[str, object]:
    return item.model_dump(mode="json", exclude={"api_key"})
