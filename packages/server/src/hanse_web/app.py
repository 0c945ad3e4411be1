"""Putting an application together from its parts; used by the server and by the store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network
from typing import Any

import structlog
from anyio import CancelScope
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Engine
from starlette._utils import get_route_path
from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from hanse_core import __version__
from hanse_web import errors
from hanse_web.access import Actor, ActorLoader
from hanse_web.auth import Tokens
from hanse_web.clock import Clock
from hanse_web.direct import DirectRoutes, plan_of
from hanse_web.outbox import Dispatcher
from hanse_web.work import Works, in_work

RESTART_SECONDS = 1.0
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": errors.Problem, "description": "The request is refused."},
    "5XX": {"model": errors.Problem, "description": "The server, or a part that it needs, is not well."},
}

log = structlog.get_logger()

BODY_BYTES = 1 << 20
"""The largest body of a request; more is answered 413, before it is read. Routes that carry payloads take more."""


class _IdConvertor(Convertor[int]):
    """Ids in paths. A number that no database holds is an unknown page; the library's own would fail on long ones."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("int", _IdConvertor())
Job = Callable[[], Coroutine[Any, Any, None]]


@dataclass
class Parts:
    """The few objects that a process consists of; `main.py` makes them, handlers find them in `app.state`."""

    works: Works
    engine: Engine
    clock: Clock
    tokens: Tokens
    dispatcher: Dispatcher
    actor_loaders: Mapping[str, ActorLoader]
    seen: Callable[[Actor, datetime], None] = lambda actor, moment: None
    """Told whom a request came from and when; must be cheap."""
    jobs: Sequence[Job] = ()
    """Coroutine functions that run as long as the process does."""
    allowed_origins: Sequence[str] = ("*",)
    """Which web pages may call: `*`, or expressions that match their whole origin."""
    trusted_proxies: Sequence[str] = ()
    """Networks of proxies that are believed where a request comes from."""
    state: Mapping[str, object] = field(default_factory=dict)
    """What else handlers find in `app.state`, by name."""


def build(title: str, api_path: str, parts: Parts, routers: Sequence[APIRouter]) -> FastAPI:
    """Build the application: its routes under the API path, its errors, its transactions and background jobs."""
    app = FastAPI(
        title=title,
        version=__version__,
        lifespan=_lifespan(parts),
        openapi_url=f"{api_path}/openapi.json",
        docs_url=f"{api_path}/docs",
        redoc_url=None,
        redirect_slashes=False,
        # Nobody is told of requests behind the operator's back; and to look for listeners at each costs its time.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.clock = parts.clock
    app.state.tokens = parts.tokens
    app.state.actor_loaders = parts.actor_loaders
    app.state.seen = parts.seen
    app.state.engine = parts.engine
    app.state.works = parts.works
    app.state.trusted_proxies = tuple(map(ip_network, parts.trusted_proxies))
    for name, value in parts.state.items():
        setattr(app.state, name, value)
    errors.install(app)
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=BODY_BYTES)
    app.add_middleware(errors.PlainRefusals)
    app.add_middleware(
        CORSMiddleware,
        # An expression, also for all: then the origin is echoed, with Vary.
        allow_origin_regex=_any_of(parts.allowed_origins),
        allow_methods=["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
        allow_headers=["*"],
    )
    routes = [_in_work(route) for router in routers for route in router.routes]
    app.router.routes.append(DirectRoutes(api_path, ((route, plan) for route in routes if (plan := plan_of(route)))))
    for segment, router in _by_segment(routes).items():
        app.include_router(router, prefix=api_path, responses=PROBLEMS)
        _ask_only_below(app.router.routes[-1], f"{api_path}/{segment}")
    return app


def _in_work(route: BaseRoute) -> APIRoute:
    """Copy a route, so that its handler runs within its unit of work."""
    if not isinstance(route, APIRoute):
        raise TypeError(f"{route!r} is no route of the API")
    copied = copy(route)
    copied.endpoint = in_work(route.endpoint)
    return copied


def _by_segment(routes: Iterable[APIRoute]) -> Mapping[str, APIRouter]:
    """Sort all routes by the beginning of their path."""
    sorted_routes: dict[str, APIRouter] = {}
    for route in routes:
        segment = route.path.strip("/").partition("/")[0]
        sorted_routes.setdefault(segment, APIRouter()).routes.append(route)
    return sorted_routes


def _ask_only_below(included: Any, path: str) -> None:
    """Spare a request the routes under another path: comparing with each of a hundred costs a quarter of it."""
    matches = included.matches

    def match(scope: Scope) -> tuple[Match, Scope]:
        asked = get_route_path(scope) if scope["type"] == "http" else ""
        return matches(scope) if asked == path or asked.startswith(f"{path}/") else (Match.NONE, {})

    included.matches = match


def _any_of(origins: Sequence[str]) -> str:
    return "|".join(".*" if origin == "*" else f"(?:{origin})" for origin in origins) or "(?!)"


def _lifespan(parts: Parts) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Scopes, not `task.cancel()`: that would leave threads behind, in the middle of their transactions.
        scopes = {job: CancelScope() for job in (parts.dispatcher.run, *parts.jobs)}
        async with asyncio.TaskGroup() as group:
            for job, scope in scopes.items():
                group.create_task(_within(scope, job))
            try:
                yield
            finally:
                for scope in scopes.values():
                    scope.cancel()
        parts.engine.dispose()

    return lifespan


async def _within(scope: CancelScope, job: Job) -> None:
    with scope:
        await _kept_alive(job)


async def _kept_alive(job: Job) -> None:
    """Run a background job for ever: a fault in one round must not end the server, nor go unseen."""
    while True:
        try:
            await job()
            return
        except Exception as error:
            log.error("background-job-failed", job=getattr(job, "__qualname__", repr(job)), exc_info=error)
            await asyncio.sleep(RESTART_SECONDS)
