"""Handlers that are called past the web library answer as they would through it."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import Match

from hanse_server.main import ROUTERS
from hanse_web.app import _in_work
from hanse_web.direct import DirectRoutes, plan_of

router = APIRouter()
calls: list[str] = []


async def _base(request: Request) -> str:
    calls.append("base")
    return request.url.path


async def _other(base: Annotated[str, Depends(_base)]) -> str:
    return base.upper()


def _plain() -> int:
    return 1


@router.get("/thing/{key}/{other}")
async def both(
    key: int, other: int, base: Annotated[str, Depends(_base)], upper: Annotated[str, Depends(_other)]
) -> Response:
    return Response(f"{other - key} {base} {upper}")


@router.get("/header")
async def with_header(request: Request, name: str = "") -> Response:
    return Response()


@router.get("/thread")
async def with_thread(one: Annotated[int, Depends(_plain)]) -> Response:
    return Response()


@router.get("/model")
async def with_model() -> dict[str, str]:
    return {}


@router.post("/posted")
async def posted() -> Response:
    return Response()


ROUTES = {route.path: route for route in router.routes if isinstance(route, APIRoute)}


async def _get(path: str) -> str:
    routes = DirectRoutes("/api", ((route, plan) for route in ROUTES.values() if (plan := plan_of(route))))
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    match, found = routes.matches(scope)
    assert match is Match.FULL
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await routes.handle({**scope, **found}, _nothing, send)
    body: bytes = sent[1]["body"]
    return body.decode()


async def _nothing() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def test_everything_is_called_once_with_what_it_depends_on() -> None:
    calls.clear()
    assert await _get("/api/thing/7/9") == "2 /api/thing/7/9 /API/THING/7/9"
    assert calls == ["base"]


@pytest.mark.parametrize("path", ["/header", "/thread", "/model", "/posted"])
def test_what_only_the_library_can_give_is_left_to_it(path: str) -> None:
    assert plan_of(ROUTES[path]) is None


def test_all_lists_and_the_items_that_are_asked_for_most_are_answered_directly() -> None:
    every = (_in_work(route) for router in ROUTERS for route in router.routes)
    routes = {route.path for route in every if plan_of(route)}
    assert {"/organization", "/organization/{key}", "/collaboration", "/study", "/node", "/user", "/role"} <= routes
    assert {"/task", "/task/{task_id:int}", "/run", "/run/{run_id:int}", "/result", "/result/{run_id:int}"} <= routes


@pytest.mark.parametrize("key", ["x", "-1", "1.5", "9" * 19, "9" * 30, "%D9%A3", "1e3"])
async def test_an_id_that_is_none_is_an_unknown_page_as_ever(as_user: Any, key: str) -> None:
    answer = await as_user("root").get(f"/organization/{key}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


async def test_other_methods_are_refused_as_ever(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.put("/organization")).status_code == 405
    assert (await anonymous.get("/organization")).status_code == 401
