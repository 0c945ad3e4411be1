"""The proxy as a web application: exactly the requests an algorithm may make, for the one run that owns the socket."""

import asyncio
import base64
import binascii
import contextlib
import hmac
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hanse_core.errors import HanseError, Invalid, TooLarge, to_wire
from hanse_core.protocol import is_blob_name
from hanse_node.messages import Answer, Forward, Organization
from hanse_node.proxy import tokens
from hanse_node.proxy.relay import Relay, ServedRun
from hanse_node.proxy.responses import Held, Streamed
from hanse_node.vault import Vault

if TYPE_CHECKING:
    from hanse_core.crypto.streams import Opener, Writer

PROMPT_SECONDS = 1.0
"""An answer that comes within this is sent with its own status code; after it, headers go out and blanks follow."""
BODY_BYTES = 256 * 1024 * 1024
RUN = "hanse.run"
OPEN_PATHS = frozenset({"/version", "/health"})
PASSED_HEADERS = ("content-type", "total-count", "link", "retry-after")
READABLE = (
    "/task", "/task/{id:int}", "/run", "/run/{id:int}",
    "/collaboration/{id:int}", "/study", "/study/{id:int}", "/vpn/algorithm/addresses",
)  # fmt: skip
log = structlog.get_logger()


class RunApp:
    """The application as one run sees it: knows the run, and lets in nobody else."""

    def __init__(self, app: ASGIApp, run: ServedRun, secret: bytes) -> None:
        self._app = app
        self._run = run
        self._secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        cause = None if scope["path"] in OPEN_PATHS else self._refusal(Request(scope))
        if cause is None:
            # Cancelled means that the run is over and its connections are gone: nobody is left to tell.
            with contextlib.suppress(asyncio.CancelledError):
                await self._app({**scope, RUN: self._run}, receive, send)
            return
        log.warning("proxy_refused", run_id=self._run.run_id, path=scope["path"], cause=cause)
        await _problem(401, cause, "unauthenticated")(scope, receive, send)

    def _refusal(self, request: Request) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return "the token is missing: send the content of TOKEN_FILE as 'Authorization: Bearer …'"
        if hmac.compare_digest(token.strip().encode(), self._run.token.encode()):
            return None
        other = tokens.run_of(self._secret, token.strip())
        if other is not None and other != self._run.run_id:
            return f"this is the token of another run ({other}); it is of no use here"
        return "this is not the token that this node gave to the run"


class Endpoints:
    """What the proxy does beyond passing on."""

    def __init__(self, relay: Relay, vault: Vault, collaboration_id: int) -> None:
        self._relay = relay
        self._vault = vault
        self._collaboration_id = collaboration_id

    def app(self) -> Starlette:
        """Build the application that all runs of this node share."""
        routes = [Route(path, _guarded(self.read)) for path in READABLE]
        routes += [Route(path, _guarded(self.read_openly)) for path in sorted(OPEN_PATHS)]
        routes += [
            Route("/task", _guarded(self.create_task), methods=["POST"]),
            Route("/task/{id:int}/status", _guarded(self.task_status)),
            Route("/result", _guarded(self.results)),
            Route("/result/{id:int}", _guarded(self.result)),
            Route("/blobstream/status", _guarded(self.blob_status)),
            Route("/organization", _guarded(self.organizations)),
            Route("/organization/{id:int}", _guarded(self.organizations)),
            Route("/blobstream", _guarded(self.upload), methods=["POST"]),
            Route("/blobstream/{id:uuid}", _guarded(self.download)),
        ]
        app = Starlette(routes=routes, exception_handlers={HTTPException: _not_here})
        app.router.redirect_slashes = False
        return app

    async def read(self, request: Request) -> Response:
        return _passed(await self._relay.send(_run(request), _forward(request), repeat=True))

    async def read_openly(self, request: Request) -> Response:
        return _passed(await self._relay.open_request(_forward(request)))

    async def create_task(self, request: Request) -> Response:
        """Create subtasks: sealed per organization, of this run's image, in this collaboration, once."""
        body = await _json_object(request)
        organizations = body.get("organizations")
        if not isinstance(organizations, list) or not organizations:
            raise Invalid("organizations must name at least one organization")
        run = _run(request)
        if self._vault.encrypted:
            body["organizations"] = await asyncio.gather(*(self._sealed(entry) for entry in organizations))
        body |= {"image": run.image, "collaboration_id": self._collaboration_id}
        key = request.headers.get("idempotency-key") or uuid.uuid4().hex
        headers = {"content-type": "application/json", "idempotency-key": key}
        forward = Forward("POST", "/task", body=json.dumps(body).encode(), headers=headers)
        return _passed(await self._relay.send(run, forward, repeat=self._relay.repeatable))

    async def task_status(self, request: Request) -> Response:
        """Hold the answer until the task has ended."""
        waiting = asyncio.ensure_future(self._relay.final_status(_run(request), request.path_params["id"]))
        try:
            await asyncio.wait({waiting}, timeout=PROMPT_SECONDS)
        except asyncio.CancelledError:
            waiting.cancel()
            raise
        if waiting.done():
            return _passed(waiting.result())
        return Held(waiting)

    async def results(self, request: Request) -> Response:
        if "task_id" not in request.query_params:
            raise Invalid("task_id must be given")
        answer = await self._relay.send(_run(request), _forward(request), repeat=True)
        return _passed(_changed(answer, self._opened_page))

    async def result(self, request: Request) -> Response:
        answer = await self._relay.send(_run(request), _forward(request), repeat=True)
        return _passed(_changed(answer, self._opened))

    async def blob_status(self, request: Request) -> Response:
        answer = await self._relay.send(_run(request), _forward(request), repeat=True)
        return JSONResponse({"blob_store_enabled": False}) if answer[0] in (404, 405) else _passed(answer)

    async def organizations(self, request: Request) -> Response:
        """Pass on organizations, and note their keys: algorithms read them here before they upload for them."""
        answer = await self._relay.send(_run(request), _forward(request), repeat=True)
        if self._vault.encrypted and answer[0] == 200:
            for organization_id, organization in _organizations(answer[2]):
                with contextlib.suppress(Invalid):  # Said in the log; an upload for that key is refused.
                    self._vault.recipient(organization_id, organization)
        return _passed(answer)

    async def upload(self, request: Request) -> Response:
        """Seal an input for the organization whose key is given, and pass it on, as it arrives."""
        run, key = _run(request), request.headers.get("x-public-key", "")
        if self._vault.encrypted and not key:
            raise Invalid("Missing X-Public-Key header: in an encrypted collaboration it says for whom to seal")
        if self._vault.encrypted and not self._vault.is_known(key):
            raise Invalid(
                "X-Public-Key is not the key that this station knows of any organization. Read the organization first "
                "(GET /organization/<id>); if its key has changed, the station's administrator has to confirm it"
            )
        status = await self._relay.send(run, Forward("GET", "/blobstream/status"), repeat=True)
        if status[0] != 200:  # A token that is too old is noticed, and renewed, before what can be sent only once.
            return _passed(status)
        pieces = _written(self._vault.writer(key), request.stream())
        headers = {"content-type": "application/octet-stream"}
        return _passed(
            await self._relay.send(run, Forward("POST", "/blobstream", body=pieces, headers=headers), repeat=False)
        )

    async def download(self, request: Request) -> Response:
        """Open an input or result of the run's own tasks, as it arrives."""
        pieces = _read(self._vault.opener(), self._relay.download(_run(request), str(request.path_params["id"])))
        return Streamed(await anext(pieces, b""), pieces)

    async def _sealed(self, entry: Any) -> dict[str, Any]:
        try:
            if is_blob_name(entry["input"]):
                return {**entry}  # It was sealed on its way to the blob store.
            organization_id, plain = int(entry["id"]), base64.b64decode(entry["input"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise Invalid("each organization needs an id and an input in base64") from None
        organization = await self._relay.organization(organization_id)
        try:
            key = self._vault.recipient(organization_id, organization)
            return {**entry, "input": self._vault.seal(plain, key)}
        except Invalid as error:
            raise Invalid(f"organization {organization_id} ({organization.name}): {error.message}") from error

    def _opened_page(self, page: dict[str, Any]) -> dict[str, Any]:
        items = page.get("data")
        return {**page, "data": [self._opened(item) for item in items]} if isinstance(items, list) else page

    def _opened(self, item: dict[str, Any]) -> dict[str, Any]:
        """Give algorithms the result as base64 of what the other station's algorithm wrote, sealed or not."""
        result = item.get("result")
        if not self._vault.encrypted or not result or item.get("blob_storage_used"):
            return item
        try:
            return {**item, "result": base64.b64encode(self._vault.open(result)).decode("ascii")}
        except Invalid as error:
            log.error("result_not_opened", result_id=item.get("id"), cause=error.message)
            raise Invalid(f"result {item.get('id')} cannot be opened here: {error.message}") from error


async def _written(writer: "Writer", plain: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in plain:
        if written := writer.feed(piece):
            yield written
    yield writer.finish()


async def _read(opener: "Opener", stored: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in stored:
        if plain := opener.feed(piece):
            yield plain
    yield opener.finish()


Handler = Callable[[Request], Awaitable[Response]]


def _guarded(handler: Handler) -> Handler:
    """Turn errors into the wire form, with their own status code."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except HanseError as error:
            return JSONResponse(to_wire(error), error.status)

    return guarded


async def _not_here(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return _problem(status, "this is not among the requests that an algorithm may make", "not-found")


def _problem(status: int, message: str, code: str) -> JSONResponse:
    return JSONResponse({"msg": message, "code": code}, status)


def _run(request: Request) -> ServedRun:
    run: ServedRun = request.scope[RUN]
    return run


def _forward(request: Request) -> Forward:
    """Pass on a request without a body; of a repeated parameter only the first, as the server reads it."""
    query: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name == "ids":
            continue
        query.setdefault(name, value)
    ids = [("ids", value) for value in request.query_params.getlist("ids")]
    return Forward("GET", request.scope["path"], query=[*query.items(), *ids])


def _organizations(body: bytes) -> list[tuple[int, Organization]]:
    """Read organizations from one, or from a page of them."""
    try:
        fields = json.loads(body)
        items = fields["data"] if isinstance(fields.get("data"), list) else [fields]
        return [
            (int(item["id"]), Organization(str(item.get("name", "")), str(item.get("public_key") or "")))
            for item in items
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []


def _passed(answer: Answer) -> Response:
    status, headers, body = answer
    return Response(body, status, {name: headers[name] for name in PASSED_HEADERS if name in headers})


def _changed(answer: Answer, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Answer:
    status, headers, body = answer
    if status != 200:
        return answer
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return answer
    return status, headers, json.dumps(change(fields) if isinstance(fields, dict) else fields).encode()


async def _json_object(request: Request) -> dict[str, Any]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise TooLarge(f"the request is larger than {BODY_BYTES} bytes")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise Invalid("the body must be a JSON object")
    return fields
