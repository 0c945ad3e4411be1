"""The one place where errors become answers."""

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hanse_core.errors import Conflict, HanseError, Invalid, TooLarge, Unavailable, to_wire
from hanse_web.db import reason
from hanse_web.wording import wording

log = structlog.get_logger()

_PLAIN = (b"content-type", b"text/plain; charset=utf-8")


class Problem(BaseModel):
    """The body of every answer that is an error."""

    msg: str
    """What is wrong, for people."""
    code: str
    """What is wrong, for programs: one of a short list that does not change."""
    errors: dict[str, list[str]] = {}
    """What is wrong with which field of the request."""


def install(app: FastAPI) -> None:
    """Teach the application how each error is answered."""
    app.add_exception_handler(HanseError, _known)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(IntegrityError, _integrity)
    app.add_exception_handler(DataError, _unstorable)
    for away in (OperationalError, InterfaceError, NoConnection):
        app.add_exception_handler(away, _database_away)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OverflowError, _too_large)
    app.add_exception_handler(Exception, _unexpected)


def answer(error: HanseError) -> JSONResponse:
    """Write an error to the wire."""
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else None
    return JSONResponse(to_wire(error), status_code=error.status, headers=headers)


class PlainRefusals:
    """Writes as an error what the library refuses as a plain text: a body whose announced length is too much."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_replaced = False

        async def sent(message: Message) -> None:
            nonlocal is_replaced
            if message.get("status") == 413 and _PLAIN in message["headers"]:
                is_replaced = True
                await _large_body(scope)(scope, receive, send)
            elif not is_replaced:
                await send(message)

        await self._app(scope, receive, sent)


def _large_body(scope: Scope) -> JSONResponse:
    return answer(TooLarge(f"the body exceeds {scope[MAX_BODY_SIZE_SCOPE_KEY]} bytes, the most that is taken here"))


async def _known(_: Request, error: Exception) -> Response:
    assert isinstance(error, HanseError)  # noqa: S101
    return answer(error)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors: dict[str, list[str]] = {}
    for problem in error.errors():
        if problem["loc"][0] == "path":
            return _unknown_page()
        if problem["loc"][0] == "body" and not _is_json(request):
            message = "the body must be JSON, and the header Content-Type must say so: application/json"
            return JSONResponse({"message": message, "msg": message, "code": "invalid"}, status_code=415)
        if problem["type"] == "json_invalid":
            message = f"the body is not valid JSON: {problem.get('ctx', {}).get('error', '')}"
            return JSONResponse({"message": message, "msg": message, "code": "invalid"}, status_code=400)
        field = ".".join(str(part) for part in problem["loc"][1:]) or "_schema"
        errors.setdefault(field, []).append(wording(problem))
    names = ", ".join(errors)
    return answer(Invalid(f"the request is not valid, see: {names}", errors=errors))


def _is_json(request: Request) -> bool:
    # A missing body has no type, and what is wrong with it is that it is missing.
    kind = request.headers.get("content-type")
    return kind is None or "json" in kind.lower()


async def _integrity(_: Request, error: Exception) -> Response:
    log.info("constraint-refused", error=reason(error))
    return answer(Conflict("another change made this impossible: the name is taken or the object is still in use"))


async def _database_away(_: Request, error: Exception) -> Response:
    log.error("database-unavailable", error=reason(error))
    return answer(Unavailable("the database does not answer; try again shortly"))


async def _unstorable(_: Request, error: Exception) -> Response:
    log.info("value-refused", error=reason(error))
    return answer(Invalid("the request holds a value that cannot be stored: a number out of range, or text with NUL"))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code == 404:
        return _unknown_page()
    if error.status_code == 413:
        return _large_body(request.scope)
    body = {"message": str(error.detail), "msg": str(error.detail), "code": "invalid"}
    return JSONResponse(body, status_code=error.status_code, headers=error.headers)


def _unknown_page() -> Response:
    return HTMLResponse("<!doctype html><title>404</title><h1>There is no such page</h1>", status_code=404)


async def _too_large(_: Request, error: Exception) -> Response:
    return answer(Invalid("a number in the request is too large"))


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected-error", method=request.method, path=request.url.path, exc_info=error)
    return answer(HanseError("an unexpected error happened on the server; its log has the details"))
