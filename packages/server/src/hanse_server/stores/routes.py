"""Endpoints for algorithm stores."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from hanse_core.wire.base import Message, Page
from hanse_core.wire.stores import AlgorithmStore, StoreCreate, StorePatch
from hanse_server.stores.coupling import Couplings
from hanse_server.stores.items import store_items
from hanse_server.stores.service import Stores
from hanse_web.auth import AnyUser, DetachedUser, UserOrNode
from hanse_web.listing import Listing, page
from hanse_web.query import Key, Query, documented, parameter
from hanse_web.work import AllWorks, RequestWork

router = APIRouter(tags=["algorithm stores"])


async def _couplings(request: Request, works: AllWorks) -> Couplings:
    return Couplings(works, request.app.state.store_calls)


Coupled = Annotated[Couplings, Depends(_couplings)]


@router.get(
    "/algorithmstore",
    response_model=Page[AlgorithmStore],
    openapi_extra=documented(text="name url", integers="collaboration_id"),
)
def list_stores(work: RequestWork, actor: AnyUser, query: Query) -> Response:
    """List the algorithm stores of the collaborations that one may view, and those for all."""
    selection = Stores(work, actor).selection(query)
    return page(work.session, Listing(selection), query, lambda rows: store_items(work.links, [row[0] for row in rows]))


@router.post("/algorithmstore", status_code=201)
async def couple_store(actor: DetachedUser, couplings: Coupled, body: StoreCreate) -> AlgorithmStore:
    """Couple an algorithm store to one collaboration, to several, or to all."""
    return await couplings.couple(actor, body)


@router.get("/algorithmstore/{key}")
def get_store(work: RequestWork, actor: UserOrNode, key: Key) -> AlgorithmStore:
    """Give one algorithm store."""
    return store_items(work.links, [Stores(work, actor).get(key)])[0]


@router.patch("/algorithmstore/{key}")
def patch_store(work: RequestWork, actor: AnyUser, key: Key, body: StorePatch) -> AlgorithmStore:
    """Rename an algorithm store, or say anew which collaborations may use it."""
    return store_items(work.links, [Stores(work, actor).patch(key, body)])[0]


@router.delete("/algorithmstore/{key}", openapi_extra={"parameters": [parameter("server_url", "string")]})
async def uncouple_store(actor: DetachedUser, couplings: Coupled, query: Query, key: Key) -> Message:
    """Forget an algorithm store; tasks that came from it stay."""
    return Message(msg=await couplings.uncouple(actor, key, query.text("server_url")))
