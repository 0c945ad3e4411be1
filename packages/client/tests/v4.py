"""A v4 server in memory: enough of the wire to test the client, including what a server does wrong on purpose."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

ORIGIN = "http://hanse.test"
Json = dict[str, Any]


class Held(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that sends blanks before its text, as a held answer does."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk


class Cut(Held):
    """A body that breaks off."""

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        raise httpx.ReadError("connection reset")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk
        raise httpx.ReadError("connection reset")


def link(kind: str, id: int) -> Json:
    return {"id": id, "link": f"/api/{kind}/{id}", "methods": ["GET"]}


def organization(id: int, name: str) -> Json:
    lists = dict.fromkeys(["collaborations", "nodes", "users", "tasks", "runs", "studies"], "/api/x")
    return {"id": id, "name": name, "domain": "", "address1": "", "address2": None, "zipcode": "", "country": "",
            "public_key": "", **lists}  # fmt: skip


def collaboration(id: int, name: str, encrypted: bool) -> Json:
    lists = dict.fromkeys(["organizations", "nodes", "tasks", "algorithm_stores", "studies"], "/api/x")
    return {"id": id, "name": name, "encrypted": encrypted, **lists}


def node(id: int, organization_id: int, collaboration_id: int) -> Json:
    return {"id": id, "type": "node", "name": f"node {id}", "status": "online", "ip": None, "last_seen": None,
            "organization": link("organization", organization_id),
            "collaboration": link("collaboration", collaboration_id), "config": []}  # fmt: skip


def user(id: int, username: str, organization_id: int) -> Json:
    return {"id": id, "type": "user", "username": username, "firstname": "", "lastname": "", "email": "a@b.example",
            "status": None, "ip": None, "last_seen": None, "organization": link("organization", organization_id),
            "roles": f"/api/role?user_id={id}", "rules": f"/api/rule?user_id={id}", "otp_secret": None}  # fmt: skip


@dataclass
class Server:
    """The state, and a list of what to do wrong next."""

    is_hanse: bool = True
    organizations: dict[int, Json] = field(default_factory=dict)
    collaborations: dict[int, tuple[Json, list[int]]] = field(default_factory=dict)
    studies: dict[int, tuple[Json, list[int]]] = field(default_factory=dict)
    nodes: list[Json] = field(default_factory=list)
    tasks: dict[int, Json] = field(default_factory=dict)
    runs: dict[int, Json] = field(default_factory=dict)
    results: dict[int, str | None] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    """What is answered, in turn, to whoever asks whether a person has logged in elsewhere."""
    second_factor: Json | None = None
    """What is wanted on top of a login at a provider: nothing more in here than a code, or a new second factor."""
    login_page: str = "https://login.hospital.example/auth"
    faults: list[Exception | int | httpx.Response | None] = field(default_factory=list)
    lost_answers: int = 0
    access: int = 1
    refresh_works: bool = True
    generation: int = 1
    """Of the refresh token: only the newest works, and one that comes again ends the session."""
    blobs: dict[str, bytes] | None = None
    """Where inputs and results are, if the server has a store for them."""
    cuts: list[int] = field(default_factory=list)
    """After how many bytes the next downloads break off."""
    knows_ranges: bool = True
    columns: dict[str, list[str]] = field(default_factory=dict)
    """Names of columns that nodes share, by database."""
    keys: dict[str, Json] = field(default_factory=dict)
    on_status: Callable[[int], None] = lambda _: None

    @classmethod
    def with_three_stations(cls, **options: Any) -> Server:
        server = cls(**options)
        for id, name in enumerate(["alpha", "beta", "gamma", "office"], start=2):
            server.organizations[id] = organization(id, name)
        server.collaborations = {
            1: (collaboration(1, "lung", encrypted=False), [2, 3, 4, 5]),
            2: (collaboration(2, "secure", encrypted=True), [2, 3]),
        }
        study = {"id": 1, "name": "pair", "collaboration": link("collaboration", 1), "organizations": "", "tasks": ""}
        server.studies = {1: (study, [2, 3])}
        server.nodes = [node(id, organization_id, 1) for id, organization_id in ((11, 2), (12, 3), (13, 4))]
        server.nodes += [node(21, 2, 2), node(22, 3, 2)]
        return server

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)

    def sent(self, method: str, path: str) -> list[httpx.Request]:
        return [each for each in self.requests if (each.method, each.url.path) == (method, f"/api/{path}")]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        if isinstance(fault, httpx.Response):
            return fault
        if isinstance(fault, int):
            return httpx.Response(fault, json={"msg": f"fault {fault}"})
        response = self.answer(request)
        if self.lost_answers:
            self.lost_answers -= 1
            raise httpx.ReadError("connection reset", request=request)
        return response

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/")
        if path == "version":
            return httpx.Response(200, json={"version": "4.15.2", **({"hanse": "0.3.0"} if self.is_hanse else {})})
        if path.startswith("token/"):
            return self.token(path, request)
        if path.startswith("oidc"):
            return self.sign_on(path, json.loads(request.content or "{}"))
        if request.headers.get("Authorization") not in (f"Bearer access-{self.access}", "Bearer hanse_pat_good"):
            return httpx.Response(401, json={"msg": "Token has expired"})
        if path.startswith("blobstream"):
            return self.blob(path.removeprefix("blobstream").strip("/"), request)
        for pattern, handle in ROUTES:
            if match := re.fullmatch(pattern, f"{request.method} {path}"):
                return handle(self, request, *(int(group) for group in match.groups()))
        return httpx.Response(404, text="<!doctype html>")

    def sign_on(self, path: str, body: Json) -> httpx.Response:
        """Do what only our own server can: let people log in at a provider."""
        if path == "oidc":
            return httpx.Response(200, json={"data": [{"name": "hospital", "label": "The hospital"}]})
        if path == "oidc/hospital/link" and body.get("current_password") != "Secret.1":
            return httpx.Response(401, json={"msg": "the password is wrong", "code": "unauthenticated"})
        if path == "oidc/hospital/link/finish":
            who = {"provider": "hospital", "issuer": "https://login.hospital.example", "subject": "s-1"}
            times = {"created_at": "2026-11-24T02:01:43", "confirmed_at": "2026-11-24T02:01:43"}
            return httpx.Response(201, json={"id": 1, **who, **times})
        if path in ("oidc/hospital/start", "oidc/hospital/link"):
            query = str(httpx.QueryParams({"redirect_uri": body["redirect_uri"], "state": "s"}))
            begun = {"authorization_url": f"{self.login_page}?{query}", "state": "s", "ticket": "t", "expires_in": 600}
            return httpx.Response(200, json=begun)
        if path == "oidc/hospital/device":
            page = {"verification_uri": self.login_page, "verification_uri_complete": None}
            begun = {"user_code": "ABCD-EFGH", **page, "ticket": "t", "expires_in": 600, "interval": 0}
            return httpx.Response(200, json=begun)
        if path == "oidc/hospital/device/finish" and self.waiting:
            return httpx.Response(202, json={"status": self.waiting.pop(0), "interval": 0})
        return self._signed_on(path, body)

    def _signed_on(self, path: str, body: Json) -> httpx.Response:
        if path.endswith("/finish") and self.second_factor is not None:
            return httpx.Response(
                202, json={"status": "second_factor", "ticket": "t2", "msg": "", **self.second_factor}
            )
        if body == {"ticket": "t2", "mfa_code": "123456"} or (
            path.endswith("/finish") and body.get("code", "c") == "c"
        ):
            return self._tokens()
        refusal = {"msg": "no such login", "code": "unauthenticated"}
        return httpx.Response(401, json=refusal)

    def token(self, path: str, request: httpx.Request) -> httpx.Response:
        if path == "token/user":
            body = json.loads(request.content)
            if body["password"] == "two-factor" and "mfa_code" not in body:
                return httpx.Response(200, json={"msg": "Please provide a code"})
            if body["password"] == "no-factor-yet" and "mfa_code" not in body:
                return httpx.Response(200, json={"qr_uri": "otpauth://x", "otp_secret": "JBSW", "msg": "scan it"})
            if body["password"] not in ("Secret.1", "two-factor", "no-factor-yet"):
                return httpx.Response(401, json={"msg": "Failed to login"})
        elif path == "token/revoke":
            self.refresh_works = False
            return httpx.Response(200, json={"msg": "ended"})
        elif not self.refresh_works or request.headers["Authorization"] != f"Bearer refresh-{self.generation}":
            self.refresh_works = False
            return httpx.Response(401, json={"msg": "Token has expired"})
        else:
            self.generation += 1
        return self._tokens()

    def _tokens(self) -> httpx.Response:
        tokens = {"access_token": f"access-{self.access}", "refresh_token": f"refresh-{self.generation}"}
        return httpx.Response(200, json={**tokens, "refresh_url": "/api/token/refresh", "user_url": "/api/user/7"})

    def blob(self, path: str, request: httpx.Request) -> httpx.Response:
        if path == "status":
            return httpx.Response(200, json={"blob_store_enabled": self.blobs is not None})
        assert self.blobs is not None
        if request.method == "POST":
            assert int(request.headers["Content-Length"]) == len(request.content)
            key = str(uuid.UUID(int=len(self.blobs)))
            self.blobs[key] = request.content
            return httpx.Response(201, json={"uuid": key})
        whole, start = self.blobs[path], 0
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        headers = {"Content-Length": str(len(whole))}
        if self.knows_ranges:
            headers["ETag"] = f'"{path}"'
            if wanted and request.headers["If-Range"] == headers["ETag"]:
                start = int(wanted[1])
                headers["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
                headers["Content-Length"] = str(len(whole) - start)
        kind, end = (Cut, start + self.cuts.pop(0)) if self.cuts else (Held, len(whole))
        pieces = [whole[at : min(at + 1000, end)] for at in range(start, end, 1000)]
        return httpx.Response(206 if start else 200, headers=headers, stream=kind(pieces))

    def finish(self, task_id: int, results: dict[int, Any], *, status: str = "completed", log: str = "") -> None:
        """End the runs of a task at these organizations."""
        for run in self.runs.values():
            organization_id = run["organization"]["id"]
            if run["task"]["id"] == task_id and organization_id in results:
                run.update(status=status, log=log)
                run.update(started_at="2026-11-24T02:01:43", finished_at="2026-11-24T02:01:44.500000")
                result = results[organization_id]
                sealed = result if isinstance(result, str) and "$" in result else None
                plain = base64.b64encode(json.dumps(result).encode()).decode()
                text = None if status != "completed" else sealed or plain
                if self.blobs is not None and text is not None:
                    key = str(uuid.UUID(int=1000 + run["id"]))
                    self.blobs[key], text = text.encode(), key
                self.results[run["id"]] = text
        self.roll_up(task_id)

    def roll_up(self, task_id: int) -> None:
        statuses = {run["status"] for run in self.runs.values() if run["task"]["id"] == task_id}
        failed = statuses - {"pending", "active", "completed"}
        found = [status for status in (*failed, "active", "pending") if status in statuses]
        self.tasks[task_id]["status"] = found[0] if found else "completed"

    def add_task(self, body: Json, parent: int | None = None) -> Json:
        id = len(self.tasks) + 1
        job_id = self.tasks[parent]["job_id"] if parent else id
        self.tasks[id] = {
            "id": id, "name": body.get("name", ""), "description": body.get("description", ""), "image": body["image"],
            "job_id": job_id, "created_at": "2026-11-24T02:01:43", "status": "pending", "finished_at": None,
            "collaboration": link("collaboration", body["collaboration_id"]), "study": None, "algorithm_store": None,
            "parent": parent and link("task", parent), "init_org": link("organization", 2),
            "init_user": link("user", 7), "databases": [],
            "runs": f"/api/run?task_id={id}", "results": f"/api/result?task_id={id}",
            "children": f"/api/task?parent_id={id}",
        }  # fmt: skip
        for order in body["organizations"]:
            run_id = len(self.runs) + 1
            self.runs[run_id] = {
                "id": run_id, "status": "pending", "input": order["input"], "log": None, "assigned_at": None,
                "started_at": None, "finished_at": None, "cleanup_at": None, "blob_storage_used": False,
                "organization": link("organization", order["id"]), "task": link("task", id), "node": {}, "ports": [],
                "results": link("result", run_id),
            }  # fmt: skip
        return self.tasks[id]


def page(request: httpx.Request, items: list[Json]) -> httpx.Response:
    number, size = int(request.url.params.get("page", 1)), int(request.url.params.get("per_page", 10))
    links = {"next": "/api/next"} if number * size < len(items) else {}
    return httpx.Response(200, json={"data": items[(number - 1) * size : number * size], "links": links})


def parameter(request: httpx.Request, name: str) -> int | None:
    value = request.url.params.get(name)
    return None if value is None else int(value)


def organizations(server: Server, request: httpx.Request) -> httpx.Response:
    ids = list(server.organizations)
    if (collaboration_id := parameter(request, "collaboration_id")) is not None:
        ids = server.collaborations[collaboration_id][1]
    if (study_id := parameter(request, "study_id")) is not None:
        ids = server.studies[study_id][1]
    return page(request, [server.organizations[id] for id in ids])


def create_organization(server: Server, request: httpx.Request) -> httpx.Response:
    body = json.loads(request.content)
    if any(each["name"] == body["name"] for each in server.organizations.values()):
        return httpx.Response(400, json={"msg": "the name is taken", "code": "invalid", "errors": {"name": ["taken"]}})
    id = max(server.organizations, default=0) + 1
    server.organizations[id] = {**organization(id, body["name"]), **body}
    return httpx.Response(201, json=server.organizations[id])


def one_organization(server: Server, request: httpx.Request, id: int) -> httpx.Response:
    if id not in server.organizations:
        return httpx.Response(404, json={"msg": f"there is no organization {id}", "code": "not-found"})
    if request.method == "PATCH":
        server.organizations[id].update(json.loads(request.content))
    if request.method == "DELETE":
        return httpx.Response(401, json={"msg": "you may not delete it", "code": "denied"})
    return httpx.Response(200, json=server.organizations[id])


def nodes(server: Server, request: httpx.Request) -> httpx.Response:
    wanted = parameter(request, "collaboration_id")
    return page(request, [each for each in server.nodes if wanted in (None, each["collaboration"]["id"])])


def create_node(server: Server, request: httpx.Request) -> httpx.Response:
    body = json.loads(request.content)
    server.nodes.append(node(99, body["organization_id"], body["collaboration_id"]))
    return httpx.Response(201, json={**server.nodes[-1], "api_key": "0a7c1a9e-planted-key"})


def tasks(server: Server, request: httpx.Request) -> httpx.Response:
    parent = parameter(request, "parent_id")
    chosen = [each for each in server.tasks.values() if parent is None or (each["parent"] or {}).get("id") == parent]
    if "runs" in request.url.params.get("include", ""):
        chosen = [
            {**each, "runs": [run for run in server.runs.values() if run["task"]["id"] == each["id"]]}
            for each in chosen
        ]
    return page(request, chosen[::-1])


def create_task(server: Server, request: httpx.Request) -> httpx.Response:
    key = request.headers.get("Idempotency-Key", "")
    task = server.keys.get(key) or server.add_task(json.loads(request.content))
    if key:
        server.keys[key] = task
    return httpx.Response(201, json=task)


def columns(server: Server, request: httpx.Request) -> httpx.Response:
    body = json.loads(request.content)
    if body["db_label"] in server.columns:
        return httpx.Response(200, json={"columns": server.columns[body["db_label"]]})
    return httpx.Response(201, json=server.add_task({**body, "image": "ghcr.io/vantage6/algorithm-basics:latest"}))


def one_task(server: Server, request: httpx.Request, id: int) -> httpx.Response:
    if id not in server.tasks:
        return httpx.Response(404, json={"msg": f"there is no task {id}", "code": "not-found"})
    return httpx.Response(200, json=server.tasks[id])


def change_password(server: Server, request: httpx.Request) -> httpx.Response:
    if json.loads(request.content)["current_password"] != "Secret.1":
        return httpx.Response(401, json={"msg": "the current password is wrong", "code": "unauthenticated"})
    return httpx.Response(200, json={"msg": "changed"})


def task_status(server: Server, request: httpx.Request, id: int) -> httpx.Response:
    server.on_status(id)
    body = json.dumps({"status": server.tasks[id]["status"]}).encode()
    return httpx.Response(200, stream=Held([b" ", b" ", body]))


def of_task(items: list[Json], request: httpx.Request) -> list[Json]:
    wanted = parameter(request, "task_id")
    return [each for each in items if wanted in (None, each["task"]["id"])][::-1]


def runs(server: Server, request: httpx.Request) -> httpx.Response:
    return page(request, of_task(list(server.runs.values()), request))


def results(server: Server, request: httpx.Request) -> httpx.Response:
    items = [
        {"id": id, "result": server.results.get(id), "blob_storage_used": server.blobs is not None, "cleanup_at": None,
         "task": run["task"], "run": link("run", id)}
        for id, run in server.runs.items()
    ]  # fmt: skip
    return page(request, of_task(items, request))


def kill(server: Server, request: httpx.Request) -> httpx.Response:
    id = json.loads(request.content)["id"]
    for run in server.runs.values():
        if run["task"]["id"] == id and run["status"] in ("pending", "active"):
            run["status"] = "killed by user"
    server.roll_up(id)
    return httpx.Response(200, json={"msg": "killed"})


def listed(attribute: str) -> Callable[..., httpx.Response]:
    return lambda server, request: page(request, [each for each, _ in getattr(server, attribute).values()])


ROUTES: list[tuple[str, Callable[..., httpx.Response]]] = [
    (r"GET organization", organizations),
    (r"POST organization", create_organization),
    (r"(?:GET|PATCH|DELETE) organization/(\d+)", one_organization),
    (r"GET collaboration", listed("collaborations")),
    (r"GET study", listed("studies")),
    (r"GET node", nodes),
    (r"POST node", create_node),
    (r"GET user/(\d+)", lambda server, request, id: httpx.Response(200, json=user(id, "alice", 2))),
    (r"GET session", lambda server, request: httpx.Response(200, json={"data": []})),
    (r"GET user/me", lambda server, request: httpx.Response(200, json=user(7, "alice", 2))),
    (r"GET task", tasks),
    (r"POST task", create_task),
    (r"POST column", columns),
    (r"GET task/(\d+)", one_task),
    (r"GET task/(\d+)/status", task_status),
    (r"GET run", runs),
    (r"GET result", results),
    (r"POST kill/task", kill),
    (r"PATCH password/change", change_password),
]
