"""Calling handlers past the web library, which finds out at each request what they need.

Their routes are the library's, too: it describes them, and it answers whatever is not as usual.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from inspect import Parameter, iscoroutinefunction, isfunction, signature
from re import Pattern
from typing import Annotated, Any, get_args, get_origin

from fastapi import Request, Response
from fastapi.params import Depends, Header
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette._utils import get_route_path
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

DIGITS = 18
"""Of a number in a path; the library judges those that are longer, or no numbers at all."""
PLAN = "hanse_plan"

Call = Callable[..., Awaitable[Any]]
Known = dict[Any, Any]
"""The request, ids by their name, the body, and the results of what was called."""


class _NotPlain(Exception):
    """A handler takes something that only the library can give it."""


class _Plan:
    """What is to be called, in which order, and with what: each gets the request, ids and results of earlier ones."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self.ids = tuple(ids)
        """The parameters of the path; whole numbers, all of them."""
        self.body: type[BaseModel] | None = None
        """What the body of the request must be."""
        self.steps: dict[Any, Sequence[tuple[str, Any]]] = {}
        """By what is called: the names of its parameters, and what of the known they get."""

    def _add(self, taken: Parameter) -> Any:
        kind, *more = get_args(taken.annotation) if get_origin(taken.annotation) is Annotated else (taken.annotation,)
        for one in more:
            if isinstance(one, Depends) and one.dependency is not None:
                return self.add_call(one.dependency)
            if isinstance(one, Header) and one.alias is None and taken.default is None:
                return self.add_call(_header(taken.name.replace("_", "-")))
        if isinstance(kind, type) and issubclass(kind, BaseModel) and self.body in (None, kind):
            self.body = kind
            return BaseModel
        if kind in (Request, HTTPConnection):
            return Request
        if kind is int and taken.name in self.ids:
            return taken.name
        raise _NotPlain

    def add_call(self, call: Any) -> Any:
        """Have something called after all that it depends on."""
        if call not in self.steps:
            if not iscoroutinefunction(call if isfunction(call) else type(call).__call__):
                raise _NotPlain
            arguments = [(name, self._add(taken)) for name, taken in signature(call).parameters.items()]
            self.steps[call] = arguments  # not before what it depends on is there
        return call

    async def follow(self, known: Known) -> Known:
        """Call everything in turn."""
        for call, arguments in self.steps.items():
            known[call] = await call(**{name: known[place] for name, place in arguments})
        return known


def _header(name: str) -> Call:
    async def read(request: Request) -> str | None:
        return request.headers.get(name)

    return read


def plan_of(route: APIRoute) -> _Plan | None:
    """Tell what is to be called for a route that only reads; None for one whose handler needs more than that.

    Such a handler makes its answer itself, and takes nothing but the request, ids of its path, and dependencies that
    are no more demanding."""
    plan = _made(route) if route.methods == {"GET"} else None
    return plan if plan and plan.body is None else None


def call_with_body(
    route: APIRoute,
) -> tuple[type[BaseModel], Callable[[Request, BaseModel], Awaitable[Response]]] | None:
    """Give what the body of a route must be, and how its handler is called with a request and such a body.

    None for a handler that needs more than that."""
    plan, endpoint = _made(route), route.endpoint
    if plan is None or plan.body is None:
        return None

    async def call(request: Request, body: BaseModel) -> Response:
        known = await plan.follow({Request: request, BaseModel: body, **request.path_params})
        response: Response = known[endpoint]
        return response

    return plan.body, call


def _made(route: APIRoute) -> _Plan | None:
    returned = signature(route.endpoint).return_annotation
    if not (isinstance(returned, type) and issubclass(returned, Response)):
        return None
    plan = _Plan(route.param_convertors)
    try:
        plan.add_call(route.endpoint)
    except _NotPlain:
        return None
    return plan


class DirectRoutes(BaseRoute):
    """All routes that can be answered directly. What is not as usual is none of theirs, so that the library has it."""

    def __init__(self, prefix: str, plans: Iterable[tuple[APIRoute, _Plan]]) -> None:
        self._prefix = f"{prefix}/"
        self._routes: dict[str, list[tuple[Pattern[str], _Plan, Call]]] = {}
        for route, plan in plans:
            way = route.path_regex, plan, route.endpoint
            self._routes.setdefault(_beginning(route.path[1:]), []).append(way)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or scope["method"] != "GET":
            return Match.NONE, {}
        path = get_route_path(scope)
        if path.startswith(self._prefix):
            path = path[len(self._prefix) :]
            for pattern, plan, endpoint in self._routes.get(_beginning(path), ()):
                found = pattern.match(f"/{path}")
                ids = _ids(found.groupdict()) if found else None
                if ids is not None:
                    return Match.FULL, {PLAN: (plan, endpoint, ids)}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        plan, endpoint, ids = scope[PLAN]
        known = await plan.follow({Request: Request(scope, receive, send), **ids})
        await known[endpoint](scope, receive, send)


def _beginning(path: str) -> str:
    return path.partition("/")[0]


def _ids(given: Mapping[str, str]) -> dict[str, int] | None:
    """Read the ids of a path; None when one of them is for the library to judge."""
    if not all(text.isascii() and text.isdecimal() and len(text) <= DIGITS for text in given.values()):
        return None
    return {name: int(text) for name, text in given.items()}
