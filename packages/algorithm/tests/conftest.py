"""What the SDK's tests share: a proxy that misbehaves on order, and a container: a folder and a child process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from base64 import b32encode, b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest

SUBJECT: dict[str, Any] = {
    "client_type": "container",
    "node_id": 3,
    "organization_id": 2,
    "collaboration_id": 1,
    "study_id": None,
    "store_id": None,
    "task_id": 20,
    "image": "registry.example/algo:1",
    "databases": [{"label": "default", "query": "q"}],
}


def encode(value: object) -> str:
    """Encode a variable as the node does."""
    return b32encode(str(value).encode()).decode().replace("=", "!")


def make_token(**changes: Any) -> str:
    """Make a token whose signature nobody can check."""
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": {**SUBJECT, **changes}}]
    texts = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*texts, "signature"])


class Seen(NamedTuple):
    """A request that the proxy got."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Fault(NamedTuple):
    """Answer the next request to a path otherwise: a status and a body, a broken connection (0), or silence (-1)."""

    path: str
    status: int = 0
    body: bytes = b""


class FakeProxy:
    """A node's proxy with a server behind it, in memory; lists come in pages of one, newest first."""

    def __init__(self) -> None:
        self.members = [{"id": 2, "name": "alpha", "public_key": "QQ=="}, {"id": 3, "name": "beta", "public_key": ""}]
        self.compute: Callable[[int, dict[str, Any]], Any] = lambda organization, task_input: organization
        self.failed: dict[int, tuple[str, str]] = {}
        self.empty: set[int] = set()
        self.statuses: list[str] = []
        self.blanks = 0
        self.faults: list[Fault] = []
        self.blobs: dict[str, bytes] | None = None
        self.seen: list[Seen] = []
        self.tasks: dict[int, dict[str, Any]] = {}
        self._keys: dict[str, int] = {}
        self._stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> FakeProxy:
        proxy = self
        self._stopping.clear()

        class Handler(_Handler):
            def exchange(self, seen: Seen) -> None:
                proxy.answer(self, seen)

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._stopping.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def requests(self, path: str, method: str = "GET") -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path and seen.method == method]

    def answer(self, handler: _Handler, seen: Seen) -> None:
        self.seen.append(seen)
        fault = next((fault for fault in self.faults if seen.path == fault.path), None)
        if fault is not None:
            self.faults.remove(fault)
            if fault.status < 0:
                self._stopping.wait(30)
            handler.reply(max(fault.status, 0), fault.body)
        elif seen.path.endswith("/status") and seen.path.startswith("/task"):
            self._status(handler)
        elif seen.path.startswith("/blobstream/") and seen.path != "/blobstream/status":
            handler.reply(200, (self.blobs or {})[seen.path.rpartition("/")[2]])
        else:
            status, value = self._object(seen)
            handler.reply(status, json.dumps(value).encode())

    def _status(self, handler: _Handler) -> None:
        status = self.statuses.pop(0) if self.statuses else "failed" if self.failed else "completed"
        handler.reply(200, b" " * self.blanks + json.dumps({"status": status}).encode())

    def _object(self, seen: Seen) -> tuple[int, Any]:
        if seen.path == "/blobstream/status":
            return 200, {"blob_store_enabled": self.blobs is not None}
        if seen.path == "/blobstream" and self.blobs is not None:
            name = f"uuid-{len(self.blobs)}"
            self.blobs[name] = seen.body
            return 201, {"uuid": name}
        if seen.path == "/task" and seen.method == "POST":
            return 201, self._create(seen)
        lists = {"/organization": self._members, "/run": self._runs, "/result": self._results}
        if seen.path in lists:
            return 200, _page(lists[seen.path](seen.query), seen)
        return 404, {"msg": f"no {seen.path}"}

    def _members(self, query: dict[str, str]) -> list[Any]:
        return self.members[::-1]

    def _create(self, seen: Seen) -> dict[str, Any]:
        identity = self._keys.setdefault(seen.headers["Idempotency-Key"], len(self.tasks) + 1)
        self.tasks[identity] = json.loads(seen.body)
        return {"id": identity, "status": "pending"}

    def input_of(self, identity: int, organization: int) -> Any:
        text = next(each["input"] for each in self.tasks[identity]["organizations"] if each["id"] == organization)
        return json.loads(b64decode(text) if self.blobs is None else self.blobs[text])

    def _asked(self, query: dict[str, str]) -> list[int]:
        return sorted((each["id"] for each in self.tasks[int(query["task_id"])]["organizations"]), reverse=True)

    def _runs(self, query: dict[str, str]) -> list[Any]:
        return [
            {
                "id": 100 + each,
                "organization": {"id": each},
                "status": self.failed.get(each, ("completed", ""))[0],
                "log": self.failed.get(each, ("", ""))[1],
            }
            for each in self._asked(query)
        ]

    def _results(self, query: dict[str, str]) -> list[Any]:
        return [self._result(int(query["task_id"]), each) for each in self._asked(query)]

    def _result(self, identity: int, organization: int) -> dict[str, Any]:
        item: dict[str, Any] = {"run": {"id": 100 + organization}, "blob_storage_used": False, "result": None}
        if organization in self.failed or organization in self.empty:
            return item
        content = json.dumps(self.compute(organization, self.input_of(identity, organization))).encode()
        if self.blobs is None:
            return {**item, "result": b64encode(content).decode()}
        self.blobs[f"result-{organization}"] = content
        return {**item, "blob_storage_used": True, "result": f"result-{organization}"}


def _page(items: list[Any], seen: Seen) -> dict[str, Any]:
    page = int(seen.query["page"])
    links = {"self": seen.path} | ({"next": f"{seen.path}?page={page + 1}"} if page < len(items) else {})
    return {"data": items[page - 1 : page], "links": links}


class _Handler(BaseHTTPRequestHandler):
    def exchange(self, seen: Seen) -> None:
        raise NotImplementedError

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        self.exchange(Seen(self.command, parts.path, dict(parse_qsl(parts.query)), dict(self.headers), body))

    do_GET = do_POST = _serve  # noqa: N815

    def reply(self, status: int, body: bytes) -> None:
        if status == 0:
            return
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def proxy() -> Iterator[FakeProxy]:
    fake = FakeProxy().start()
    yield fake
    fake.stop()


class Outcome(NamedTuple):
    """What a container left behind."""

    code: int
    stdout: str
    stderr: str
    output: bytes

    @property
    def result(self) -> Any:
        return json.loads(self.output)


class Container:
    """A run's folder and its environment, as the node prepares them, for a package written into the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = sys.executable
        self.package = "little"
        self.output_file = folder / "output"
        self.output_file.touch()
        (folder / "token").write_text(make_token())
        self.plain: dict[str, str] = {}
        self.variables: dict[str, object] = {
            "INPUT_FILE": folder / "input",
            "OUTPUT_FILE": self.output_file,
            "TOKEN_FILE": folder / "token",
            "TEMPORARY_FOLDER": folder,
            "HOST": "http://127.0.0.1",
            "PORT": "9",
            "API_PATH": "",
            "USER_REQUESTED_DATABASE_LABELS": "",
            "DB_LABELS": "",
        }

    def module(self, source: str) -> None:
        (self.folder / f"{self.package}.py").write_text(source)

    def database(self, label: str, path: Path, type_: str = "csv", **more: object) -> None:
        labels = f"{self.variables['USER_REQUESTED_DATABASE_LABELS']},{label}".strip(",")
        prefix = label.upper()
        self.variables.update({"USER_REQUESTED_DATABASE_LABELS": labels, "DB_LABELS": labels})
        self.variables.update({f"{prefix}_DATABASE_URI": path, f"{prefix}_DATABASE_TYPE": type_})
        self.variables.update({f"{prefix}_{name.upper()}": value for name, value in more.items()})

    def run(self, task_input: object) -> Outcome:
        content = task_input if isinstance(task_input, bytes) else json.dumps(task_input).encode()
        (self.folder / "input").write_bytes(content)
        source = Path(__file__).parents[1] / "src"
        environment = {name: encode(value) for name, value in self.variables.items()}
        environment |= {
            "PKG_NAME": self.package,
            "PYTHONPATH": os.pathsep.join([str(self.folder), str(source)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": os.environ["PATH"],
            **self.plain,
        }
        command = [self.python, "-m", "hanse_algorithm"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50, cwd=self.folder)
        return Outcome(done.returncode, done.stdout, done.stderr, self.output_file.read_bytes())


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


@pytest.fixture(name="encode")
def encode_fixture() -> Callable[[object], str]:
    return encode


@pytest.fixture(name="make_token")
def make_token_fixture() -> Callable[..., str]:
    return make_token


@pytest.fixture(name="fault")
def fault_fixture() -> type[Fault]:
    return Fault
