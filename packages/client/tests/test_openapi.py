"""The client covers what the server offers: every operation of the OpenAPI is called as that describes it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from jsonschema_rs import Draft202012Validator

from hanse import Client
from hanse._login import Tokens
from hanse._modes import TwoModes, iteration, operation
from hanse.client import Api

OPENAPI = json.loads((Path(__file__).parents[3] / "docs" / "contracts" / "openapi.json").read_text())
EXCUSED = {
    "PATCH /run/{run_id}": "nodes report what became of a run",
    "POST /token/node": "nodes log in",
    "POST /token/node/validate": "a store asks to whom the token of a node belongs",
    "POST /token/user/validate": "a store asks to whom the token of a user belongs",
    "POST /token/container": "nodes ask for the tokens of their containers",
    "POST /port": "nodes say where a container listens",
    "DELETE /port": "nodes say that a container has ended",
    "GET /vpn": "nodes join the VPN",
    "POST /vpn/update": "nodes renew their VPN profile",
    "GET /vpn/algorithm/addresses": "containers ask where the others listen",
}
"""Operations that are for others than the users of the client."""
ELSEWHERE = {
    "GET /user/me": "test_http.py: with a personal access token",
    "POST /token/user": "test_http.py: the password is sent with the first request",
    "POST /token/refresh": "test_http.py: tokens are renewed",
    "GET /blobstream/status": "test_values.py: whether it says so",
    "POST /blobstream": "test_values.py: a large input",
    "GET /blobstream/{key}": "test_values.py: a large result",
    "GET /task/{task_id}/status": "test_waiting.py: the held status",
    "POST /oidc/{name}/start": "test_sign_on.py: through a browser",
    "POST /oidc/{name}/finish": "test_sign_on.py: through a browser",
    "POST /oidc/{name}/second_factor": "test_sign_on.py: a second factor on top",
    "POST /oidc/{name}/device": "test_sign_on.py: through a browser elsewhere",
    "POST /oidc/{name}/device/finish": "test_sign_on.py: through a browser elsewhere",
    "POST /oidc/{name}/link": "test_sign_on.py: an account is linked",
    "POST /oidc/{name}/link/finish": "test_sign_on.py: an account is linked",
}
"""Operations that take more than one call, and the test that makes them."""
NOT_CALLED = {"close", "log_in_with", "link_with", "setup_encryption", "tasks.run", "tasks.wait"}
GIVEN: dict[str, Any] = {
    "algorithm_stores.couple": {"collaborations": [1]},
    "access_tokens.create": {"read_only": True},
    "recovery.lost_password": {"username": "alice"},
    "recovery.lost_second_factor": {"username": "alice"},
    "sessions.end": {"id": "s"},
    "collaborations.columns": {"organizations": [1]},
    "tasks.create": {"organizations": [1], "store": 1},
    "user_invitations.send": {"email": "a@b.example"},
    "invitations.send": {"organization": "delta"},
}
"""Arguments that do not follow from their names."""
SAMPLES: dict[str, Any] = {
    "password": "Secret.1", "current": "Secret.1", "new": "Secret.2", "email": "a@b.example", "username": "alice",
    "url": "https://store.example", "organization_ids": [1], "rules": [1], "roles": [1], "collaboration": 1,
    "ids": [1, 2], "limit": 1, "name": "name", "mfa_code": "123456", "token": "t", "image": "i", "method": "m",
    "key": 1, "database": "default", "provider": "hospital", "subject": "s", "task": 1, "include": "runs",
    "status": "online", "sort": "id", "resource": "task", "operation": "VIEW", "scope": "GLOBAL", "state": "pending",
    "organization": 1, "last_seen_from": "2026-03-01", "last_seen_till": "2026-03-02", "country": "NL",
    "ip": "10.0.0.1",
    "arguments": {"n": 1}, "organizations": [1], "databases": ["default"], "collaborations": [1], "everywhere": True,
    "firstname": "A", "lastname": "B", "description": "d",
}  # fmt: skip


class Described:
    """Answers each operation as its schema says, and holds each request to the description."""

    def __init__(self) -> None:
        self.called: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = unquote(request.url.path)
        for template, operations in OPENAPI["paths"].items():
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and request.method.lower() in operations and _fits(template, path):
                name = f"{request.method} {template.removeprefix('/api')}"
                self.called.add(name)
                described = operations[request.method.lower()]
                _check(name, described, request)
                return _answer(described)
        raise AssertionError(f"{request.method} {path} is not described")


def _fits(template: str, path: str) -> bool:
    """Tell a name in a path from an id: no id is a word of another route."""
    words = {f"/api/{each}" for each in ("user/me", "invitation/user", "invitation/organization", "blobstream/status")}
    return path == template or path not in words


def _check(name: str, described: dict[str, Any], request: httpx.Request) -> None:
    body = described.get("requestBody", {}).get("content", {}).get("application/json")
    if body is None:
        assert request.content == b"", name
    elif request.content:
        schema = {**body["schema"], "components": OPENAPI["components"]}
        errors = [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(request.content))]
        assert not errors, f"{name}: {errors}"
    known = {each["name"] for each in described.get("parameters", []) if each["in"] == "query"}
    assert set(request.url.params) <= known, name


def _answer(described: dict[str, Any]) -> httpx.Response:
    status = min(code for code in described["responses"] if code.startswith("2"))
    schema = described["responses"][status].get("content", {}).get("application/json", {}).get("schema", {})
    return httpx.Response(int(status), json=_example(schema))


def _example(schema: dict[str, Any]) -> Any:
    """Make a value of a schema; without one, a page that fits any list and any item."""
    if "$ref" in schema:
        return _example(OPENAPI["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for alternatives in ("anyOf", "oneOf"):
        if alternatives in schema:
            return _example(schema[alternatives][0])
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "properties" in schema:
        return {name: _example(each) for name, each in schema["properties"].items()}
    kind = schema.get("type")
    if kind == "array":
        return [_example(schema["items"])]
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        inner = schema["additionalProperties"]
        return {} if inner == {"type": "string"} else {"data": _example(inner)}
    simple: dict[Any, Any] = {"integer": 1, "number": 1, "boolean": False, "string": "/api/x/1", "null": None}
    return simple.get(kind, {"data": [], "id": 1})


def _operations(client: Client) -> Iterator[tuple[str, Any]]:
    for owner_name, owner in [("", client), *vars(client).items()]:
        if isinstance(owner, TwoModes) and (owner_name == "" or not isinstance(owner, Api)):
            for name in dir(type(owner)):
                if isinstance(inspect.getattr_static(type(owner), name), (operation, iteration)):
                    yield f"{owner_name}.{name}".lstrip("."), getattr(owner, name)


def _arguments(name: str, call: Any, *, fill: bool) -> dict[str, Any]:
    given = dict(GIVEN.get(name, {}))
    for parameter in inspect.signature(call).parameters.values():
        if parameter.name in given:
            continue
        if parameter.default is parameter.empty or (fill and parameter.default is None):
            plain = "text" if str(parameter.annotation).startswith("str") else 1
            given[parameter.name] = SAMPLES.get(parameter.name, plain)
    return given


@pytest.fixture
def server() -> Any:
    return Described()


@pytest.fixture
def client(server: Any) -> Iterator[Client]:
    options: dict[str, Any] = {"transport": httpx.MockTransport(server), "live": False}
    with Client("http://hanse.test", "alice", "Secret.1", **options) as client:
        client.session._is_hanse = True
        yield client


def _call_all(client: Client, *, fill: bool) -> None:
    for name, call in _operations(client):
        if name in NOT_CALLED:
            continue
        client.session.tokens = client.session.tokens or Tokens("access", "refresh", 1)
        try:
            result = call(**_arguments(name, call, fill=fill))
            if inspect.isgenerator(result):
                list(result)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            if not _is_about_the_answer(name):
                raise AssertionError(f"{name} failed") from error


def _is_about_the_answer(name: str) -> bool:
    """Where the OpenAPI does not describe the answer, there is no example of it."""
    return name.partition(".")[0] in ("tasks", "runs", "results", "collaborations", "studies", "nodes")


def test_every_operation_of_the_server_is_covered_or_excused(client: Client, server: Any) -> None:
    _call_all(client, fill=False)
    offered = {
        f"{method.upper()} {path.removeprefix('/api')}"
        for path, operations in OPENAPI["paths"].items()
        for method in operations
    }
    assert sorted(offered - server.called - set(EXCUSED) - set(ELSEWHERE)) == []
    assert set(EXCUSED) | set(ELSEWHERE) <= offered, "an excuse for what is not offered"
    assert not server.called & set(EXCUSED), "an excuse for what is covered"


def test_every_argument_is_sent_as_the_server_describes_it(client: Client) -> None:
    _call_all(client, fill=True)
