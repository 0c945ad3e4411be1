"""The server keeps what its OpenAPI promises, whatever it is sent: no fault of its own, no undocumented answer."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hanse_sandbox.lung import split
from hanse_sandbox.network import Network, Server

pytestmark = pytest.mark.timeout(600)
IMAGE = "hanse/summary"
CHECKS = "not_a_server_error,status_code_conformance,response_schema_conformance"
HELD = "/api/task/{task_id}/status"
"""Answered when the task ends; a container's is under way as long as its token is good, so it does not ask."""
EXAMPLES = 12
"""Generated requests per route, beyond those that go through the limits of each field in turn."""
UNSUPPORTED = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "501"]
"""
"""What the protocol answers where a server was not set up for something, such as a VPN, is no fault."""


@pytest.fixture(scope="module")
def network(module_folder: Path) -> Iterator[Network]:
    """A server with somebody and something of each kind; its nodes do not run."""
    with Network(module_folder) as network:
        network.server.start()
        network.federate({name: {"default": path} for name, path in split(module_folder).items()})
        with network.client() as client:
            client.tasks.create(collaboration="demo", image=IMAGE, method="summary")
        yield network


@pytest.fixture(scope="module")
def container_token(network: Network) -> str:
    """The token of a container of the task, made before anybody has tried to end it."""
    return _asked(f"{network.server.url}/api/token/container", {"task_id": 1, "image": IMAGE}, _of_node(network))[
        "container_token"
    ]


def _of_node(network: Network) -> str:
    config = next(iter(network.stations.values())).config
    body = {"api_key": (config.parent / "api-key").read_text()}
    return _asked(f"{network.server.url}/api/token/node", body)["access_token"]


def _login(network: Network, identity: str, container_token: str) -> list[str]:
    """Log in once more for each identity: what is tried may end the tokens that it is tried with."""
    if identity == "anonymous":
        return []
    url = f"{network.server.url}/api/token"
    if identity in ("node", "container"):
        token = container_token if identity == "container" else _of_node(network)
    else:
        names = {"root": ("root", network.server.root_password)}
        username, password = names.get(identity, (network.researcher, network.researcher_password))
        token = _asked(f"{url}/user", {"username": username, "password": password})["access_token"]
    return ["--header", f"Authorization: Bearer {token}"]


def _asked(url: str, body: dict[str, Any], token: str | None = None) -> dict[str, str]:
    answer = httpx.post(url, json=body, headers={"Authorization": f"Bearer {token}"} if token else {})
    assert answer.status_code == 200, answer.text
    told: dict[str, str] = answer.json()
    return told


@pytest.mark.parametrize(
    ("identity", "phases", "examples"),
    [
        ("anonymous", "fuzzing", 4),
        ("container", "fuzzing", 4),
        *((identity, "examples,coverage,fuzzing", EXAMPLES) for identity in ("researcher", "node", "root")),
    ],
)
def test_generated_requests_find_no_fault(
    network: Network, container_token: str, identity: str, phases: str, examples: int, module_folder: Path
) -> None:
    report = module_folder / f"{identity}.ndjson"
    command = [
        Path(sys.executable).with_name("schemathesis"),
        *("run", f"{network.server.url}/api/openapi.json", *_login(network, identity, container_token)),
        *("--checks", CHECKS, "--max-examples", str(examples), "--phases", phases),
        *(("--exclude-path", HELD) if identity == "container" else ()),
        *("--generation-deterministic", "--no-color", "--warnings", "off"),
        *("--report", "ndjson", "--report-ndjson-path", report),
    ]
    (module_folder / "schemathesis.toml").write_text(UNSUPPORTED)
    found = subprocess.run(command, cwd=module_folder, capture_output=True, text=True, timeout=500, check=False)

    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
    untried = _operations(network) - _tried(report)
    assert untried == ({f"GET {HELD}"} if identity == "container" else set())
    log = (module_folder / "server.log").read_text()
    assert "unexpected-error" not in log, log[-4000:]


def _operations(network: Network) -> set[str]:
    """Give all that the OpenAPI promises, such as `GET /api/task`."""
    paths = httpx.get(f"{network.server.url}/api/openapi.json").json()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def _tried(report: Path) -> set[str]:
    """Give the operations of which a request was really sent."""
    tried = set()
    for line in report.read_text().splitlines():
        finished = json.loads(line).get("ScenarioFinished", {})
        if finished.get("recorder", {}).get("interactions"):
            tried.add(finished["recorder"]["label"])
    return tried


BOMB = b"[" * 200_000
ODD: list[tuple[str, str, bytes | None]] = [
    ("GET", "/task?collaboration_id=" + "9" * 5000, None),
    ("GET", "/organization?ids=%C2%B2", None),
    ("GET", "/task/" + "9" * 5000, None),
    ("GET", "/task/%C2%B2", None),
    ("GET", "/task/%00", None),
    ("GET", "/node?last_seen_from=0001-01-01T00%3A00%3A00%2B14%3A00", None),
    ("GET", "/node?last_seen_till=9999-12-31T23%3A59%3A59-14%3A00", None),
    ("GET", "/user?username=" + "%25a" * 5000, None),
    ("GET", "/task?sort=" + ",".join(["id", "name"] * 700), None),
    ("GET", "/rule?role_id=999999999999999999999999999999", None),
    ("GET", "/task?per_page=99999999999999", None),
    ("GET", "/task?" + "&".join(f"a{i}=1" for i in range(3000)), None),
    ("POST", "/task", BOMB),
    ("POST", "/organization", b'{"name":' + BOMB),
    ("POST", "/organization", b'{"name":"\\ud800"}'),
    ("POST", "/organization", b'{"name":"a","domain":1e999}'),
    ("POST", "/organization", b'{"name":"a","domain":NaN}'),
    ("POST", "/organization", b"\xff\xfe"),
    ("POST", "/collaboration", b'{"name":"x","encrypted":true,"organization_ids":[' + b"9" * 5000 + b"]}"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of root at a server that nobody else plays with."""
    server = Server(tmp_path_factory.mktemp("odd"))
    server.start()
    with httpx.Client(base_url=f"{server.url}/api", timeout=20) as client:
        answer = client.post("/token/user", json={"username": "root", "password": server.root_password})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client
    server.process.stop()


@pytest.mark.parametrize(("method", "path", "body"), ODD, ids=[f"{m} {p[:40]} {(b or b'')[:20]!r}" for m, p, b in ODD])
def test_odd_requests_get_an_answer_that_blames_the_request(
    server: httpx.Client, method: str, path: str, body: bytes | None
) -> None:
    answer = server.request(method, path, content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500 or (answer.status_code == 200 and "sort" in path), answer.text[:500]
    assert server.get("/version").status_code == 200


@pytest.mark.parametrize("token", ["a.b.c", "x" * 60_000, "eyJhbGciOiJub25lIn0.e30.", "\u00e9"])
def test_odd_tokens_get_nobody_in(server: httpx.Client, token: str) -> None:
    headers = {"Authorization": b"Bearer " + token.encode()}
    answer = server.get("/task", headers=headers)  # type: ignore[arg-type]
    assert answer.status_code in (400, 401, 422, 431)
