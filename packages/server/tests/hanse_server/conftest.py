"""A small world: three organizations, three collaborations, their nodes, and a user of each kind."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from hanse_server.accounts.models import Organization, User
from hanse_server.collaborations.models import Collaboration, Node, Study

INPUT = "eyJtZXRob2QiOiAibSJ9"
IMAGE = "registry.example/algo:1"


@dataclass
class World:
    """What the recordings of the stock server have, too: alpha and beta work together, gamma is a stranger."""

    alpha: Organization
    beta: Organization
    gamma: Organization
    main: Collaboration
    secure: Collaboration
    other: Collaboration
    study: Study
    alpha_main: Node
    beta_main: Node
    alpha_secure: Node
    gamma_other: Node
    users: dict[str, User]


@pytest.fixture
def world(make: Any) -> World:
    """Write the world into the database."""
    alpha, beta, gamma = (make.organization(name) for name in ("alpha", "beta", "gamma"))
    main = make.collaboration("main", [alpha, beta])
    secure = make.collaboration("secure", [alpha, beta], encrypted=True)
    other = make.collaboration("other", [gamma])
    people = {
        "alice": (alpha, "Researcher"),
        "anna": (alpha, "Organization Admin"),
        "bob": (beta, "Viewer"),
        "carl": (beta, "Collaboration Admin"),
        "gary": (gamma, "Researcher"),
    }
    return World(
        alpha=alpha,
        beta=beta,
        gamma=gamma,
        main=main,
        secure=secure,
        other=other,
        study=make.study("st-alpha", main, [alpha]),
        alpha_main=make.node(alpha, main, name="alpha - main Node"),
        beta_main=make.node(beta, main, name="beta main node"),
        alpha_secure=make.node(alpha, secure, name="alpha-secure"),
        gamma_other=make.node(gamma, other, name="gamma-other"),
        users={name: make.user(name, place, roles=[role]) for name, (place, role) in people.items()},
    )


class Clients:
    """Gives each identity its client; made once, so that a test reads like a story."""

    def __init__(self, server: Any, world: World, as_user: Any, as_node: Any) -> None:
        self._server = server
        self._world = world
        self._as_user = as_user
        self._as_node = as_node

    def user(self, name: str) -> httpx.AsyncClient:
        client: httpx.AsyncClient = self._as_user(name)
        return client

    def node(self, name: str) -> httpx.AsyncClient:
        client: httpx.AsyncClient = self._as_node(getattr(self._world, name))
        return client

    async def container(self, node: str, task_id: int, image: str = IMAGE) -> httpx.AsyncClient:
        answer = await self.node(node).post("/token/container", json={"task_id": task_id, "image": image})
        assert answer.status_code == 200, answer.text
        client: httpx.AsyncClient = self._server.client(answer.json()["container_token"])
        return client

    async def task(self, user: str = "alice", organizations: str = "alpha beta", **fields: Any) -> dict[str, Any]:
        """Create a task at organizations of the world, in `main` unless said otherwise."""
        places = [{"id": getattr(self._world, name).id, "input": INPUT} for name in organizations.split()]
        body = {"collaboration_id": self._world.main.id, "image": IMAGE, "organizations": places, **fields}
        answer = await self.user(user).post("/task", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def runs(self, task_id: int) -> dict[int, dict[str, Any]]:
        """Give the runs of a task by organization, as root sees them."""
        answer = await self.user("root").get("/run", params={"task_id": task_id})
        assert answer.status_code == 200, answer.text
        return {run["organization"]["id"]: run for run in answer.json()["data"]}

    async def finish(self, node: str, run_id: int, status: str = "completed", **fields: Any) -> httpx.Response:
        """Report the end of a run as a stock node does."""
        body = {"result": "e30=", "log": "done", "status": status, "finished_at": "2026-03-01T11:59:59.5+00:00"}
        return await self.node(node).patch(f"/run/{run_id}", json={**body, **fields})


@pytest.fixture
def clients(server: Any, world: World, as_user: Any, as_node: Any) -> Clients:
    return Clients(server, world, as_user, as_node)


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Wait until something holds; the time-out of the test run ends it otherwise."""

    async def wait(holds: Callable[[], object]) -> None:
        while not holds():  # noqa: ASYNC110  (what is waited for is a list, which nobody rings a bell for)
            await asyncio.sleep(0.005)

    return wait
