"""Calling handlers that only read past the web library, which finds out at each request what they need.

Their routes are the library's, too: it describes them, and it answers whatever is not as usual.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, iscoroutinefunction, isfunction, signature
from re import Pattern
from typing import Annotated, Any, get_args, get_origin

from fastapi import Request, Response
from fastapi.params import Depends
from fastapi.routing import APIRoute
from starlette._utils import get_route_path
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

DIGITS = 18
"""Of a number in a path; the library judges those that are longer, or no numbers at all."""
REQUEST = 0
PLAN = "hanse_plan"

Call = Callable[..., Awaitable[Any]]
Arguments = Sequence[tuple[str, int]]
"""Names, and which of what is known so far they get."""


class _NotPlain(Exception):
    """A handler takes something that only the library can give it."""


@dataclass(slots=True)
class _Plan:
    """What is to be called for an answer, and with what: each call may use the request, ids and earlier results."""

    ids: Sequence[str]
    """The parameters of the path; whole numbers, all of them."""
    steps: list[tuple[Call, Arguments]] = field(default_factory=list)
    _places: dict[Any, int] = field(default_factory=dict)

    def add(self, call: Any) -> int:
        """Have something called after all that it depends on; give the place of its result."""
        if call not in self._places:
            called = call if isfunction(call) else type(call).__call__
            if not iscoroutinefunction(called):
                raise _NotPlain
            # Not before what it depends on is there.
            arguments = tuple((name, self._place(taken)) for name, taken in signature(call).parameters.items())
            self.steps.append((call, arguments))
            self._places[call] = len(self.ids) + len(self.steps)
        return self._places[call]

    def _place(self, taken: Parameter) -> int:
        kind, *more = get_args(taken.annotation) if get_origin(taken.annotation) is Annotated else (taken.annotation,)
        depends = [one for one in more if isinstance(one, Depends)]
        if depends and depends[0].dependency is not None:
            return self.add(depends[0].dependency)
        if kind in (Request, HTTPConnection):
            return REQUEST
        if kind is int and taken.name in self.ids:
            return 1 + self.ids.index(taken.name)
        raise _NotPlain

    async def answer(self, request: Request, ids: Sequence[int]) -> Response:
        """Call everything in turn; the last of it gives the answer."""
        known: list[Any] = [request, *ids]
        for call, arguments in self.steps:
            known.append(await call(**{name: known[place] for name, place in arguments}))
        response: Response = known[-1]
        return response


def plan_of(route: APIRoute) -> _Plan | None:
    """Tell what is to be called for a route; None for one whose handler needs more than that.

    Such a handler makes its answer itself, and takes nothing but the request, ids of its path, and dependencies that
    are no more demanding."""
    returned = signature(route.endpoint).return_annotation
    if not (isinstance(returned, type) and issubclass(returned, Response) and route.methods == {"GET"}):
        return None
    plan = _Plan(tuple(route.param_convertors))
    try:
        plan.add(route.endpoint)
    except _NotPlain:
        return None
    return plan


class DirectRoutes(BaseRoute):
    """All routes that can be answered directly. What is not as usual is none of theirs, so that the library has it."""

    def __init__(self, prefix: str, routes: Iterable[APIRoute]) -> None:
        self._prefix = f"{prefix}/"
        self._routes: dict[str, list[tuple[Pattern[str], _Plan]]] = {}
        for route in routes:
            if plan := plan_of(route):
                self._routes.setdefault(_beginning(route.path[1:]), []).append((route.path_regex, plan))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or scope["method"] != "GET":
            return Match.NONE, {}
        path = get_route_path(scope)
        if path.startswith(self._prefix):
            path = path[len(self._prefix) :]
            for pattern, plan in self._routes.get(_beginning(path), ()):
                found = pattern.match(f"/{path}")
                ids = _ids(found.groups()) if found else None
                if ids is not None:
                    return Match.FULL, {PLAN: (plan, ids)}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        plan, ids = scope[PLAN]
        response = await plan.answer(Request(scope, receive, send), ids)
        await response(scope, receive, send)


def _beginning(path: str) -> str:
    return path.partition("/")[0]


def _ids(given: Iterable[str]) -> Sequence[int] | None:
    """Read the ids of a path; None when one of them is for the library to judge."""
    texts = list(given)
    if not all(text.isascii() and text.isdecimal() and len(text) <= DIGITS for text in texts):
        return None
    return [int(text) for text in texts]
