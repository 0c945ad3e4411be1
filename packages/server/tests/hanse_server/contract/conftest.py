"""The world that the stock server was recorded with, ids and all, so that its requests can be sent as they are."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ...recorded import refreshed

IMAGE = "registry.example/algo:1"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Golden:
    """Who is in the recordings: users by name, nodes by name."""

    users: dict[str, Any]
    nodes: dict[str, Any]


@pytest.fixture
def golden(make: Any) -> Golden:
    """Root 1, alpha 2, beta 3, gamma 4; main 1, secure 2, other 3; a study; nodes 2 to 6; users 7 to 12."""
    alpha, beta, gamma = (make.organization(name) for name in ("alpha", "beta", "gamma"))
    main = make.collaboration("main", [alpha, beta])
    secure = make.collaboration("secure", [alpha, beta], encrypted=True)
    other = make.collaboration("other", [gamma])
    make.study("st-alpha", main, [alpha])
    places = {
        "alpha-main": (alpha, main),
        "beta-main": (beta, main),
        "alpha-secure": (alpha, secure),
        "beta-secure": (beta, secure),
        "gamma-other": (gamma, other),
    }
    nodes = {
        name: make.node(*place, id=key, name=name, last_seen=MOMENT if key < 4 else None)
        for key, (name, place) in enumerate(places.items(), start=2)
    }
    people = {
        "alice": (alpha, ["Researcher"]),
        "anna": (alpha, ["Organization Admin"]),
        "bob": (beta, ["Viewer"]),
        "carl": (beta, ["Collaboration Admin"]),
        "gary": (gamma, ["Researcher"]),
        "norm": (alpha, []),
    }
    users = {
        name: make.user(name, place, roles=roles, id=key)
        for key, (name, (place, roles)) in enumerate(people.items(), 7)
    }
    assert (alpha.id, main.id, nodes["gamma-other"].id, users["norm"].id) == (2, 1, 6, 12)
    return Golden(users, nodes)


class Recorder:
    """Sends recorded requests as whoever sent them, and finds out what was deliberately changed."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def client(self, authorization: str) -> httpx.AsyncClient:
        """Log in as the identity that a recording names instead of its token."""
        if container := re.search(r"container: node (\d+) task (\d+)", authorization):
            node, task = int(container[1]), int(container[2])
            subject = {"client_type": "container", "node_id": node, "task_id": task, "image": IMAGE, "databases": []}
            return self._logged_in("container", subject)
        kind, key = re.search(r"token of (user|node).*\(id (\d+)\)", authorization).groups()  # type: ignore[union-attr]
        return self._logged_in(kind, int(key))

    async def refresh(self, exchange: dict[str, Any]) -> httpx.Response:
        """Ask for new tokens, as whoever asked for them."""
        name = re.search(r"refresh token of user (\w+)\(", exchange["request"]["headers"]["Authorization"])[1]  # type: ignore[index]
        return await refreshed(self._server, name)

    def _logged_in(self, kind: str, subject: Any) -> httpx.AsyncClient:
        client: httpx.AsyncClient = self._server.client(self._server.token(kind, subject))
        return client

    async def send(self, exchange: dict[str, Any], **replaced: str) -> httpx.Response:
        """Send a recorded request; a path or identity may be replaced where a recording has its own small world."""
        request = exchange["request"]
        client = self.client(replaced.get("identity") or request["headers"]["Authorization"])
        path = replaced.get("path") or request["path"].removeprefix("/api")
        return await client.request(request["method"], path, params=request.get("query"), json=request.get("body"))


@pytest.fixture
def recorder(server: Any) -> Recorder:
    return Recorder(server)


@pytest.fixture
def created(recorder: Recorder, golden: Golden) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Create a task in `main` (alice, at alpha and beta) or elsewhere, as a stock client would."""

    async def create(
        *organizations: int, user: int = 7, collaboration: int = 1, text: str = "e30=", **fields: Any
    ) -> dict[str, Any]:
        client = recorder.client(f"token of user (id {user})")
        places = [{"id": key, "input": text} for key in organizations or (2, 3)]
        body = {"collaboration_id": collaboration, "image": IMAGE, "organizations": places, "name": "t", **fields}
        answer = await client.post("/task", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    return create


@pytest.fixture
def finished(recorder: Recorder) -> Callable[..., Awaitable[None]]:
    """Report the end of a run as its node does."""

    async def finish(run_id: int, node: int, status: str = "completed") -> None:
        moment = MOMENT.isoformat()
        report = {"status": status, "result": "e30=", "log": "", "started_at": moment, "finished_at": moment}
        answer = await recorder.client(f"token of node (id {node})").patch(f"/run/{run_id}", json=report)
        assert answer.status_code == 200, answer.text

    return finish


@pytest.fixture
async def listed(created: Any, finished: Any, recorder: Any) -> None:
    """Tasks as they were when lists were recorded: 1 with subtask 2, both over, 3 deleted, 4 pending in the study."""
    databases = [{"label": "default"}]
    await created(databases=databases)
    container = recorder.client("container: node 2 task 1")
    body = {"image": "registry.example/algo:1", "collaboration_id": 1, "organizations": [{"id": 3, "input": "e30="}]}
    assert (await container.post("/task", json=body | {"databases": databases})).status_code == 201
    for run, node in ((3, 3), (1, 2), (2, 3)):
        await finished(run, node)
    third = await created()
    assert (await recorder.client("token of user (id 7)").delete(f"/task/{third['id']}")).status_code == 200
    await created(2, study_id=1)
