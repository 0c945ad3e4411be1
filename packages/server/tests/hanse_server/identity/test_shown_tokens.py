"""Tokens that are shown to algorithm stores, and what ends with a node's key."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from hanse_server.accounts.models import Identity
from hanse_web.access import Actor


@pytest.fixture
def actor_of(server: Any, session: Session) -> Any:
    """Load the actor of a token, as a request does."""

    def load(token: str) -> Actor:
        claims = server.app.state.tokens.read(token)
        actor: Actor = server.app.state.actor_loaders[claims["client_type"]](session, claims)
        return actor

    return load


async def test_a_token_for_stores_proves_who_asks_and_opens_nothing(
    server: Any, anonymous: httpx.AsyncClient, world: Any, actor_of: Any
) -> None:
    body = {"username": "alice", "password": "Correct-horse-1"}
    login = (await anonymous.post("/token/user", json=body)).json()["access_token"]
    shown = server.client(server.app.state.pairs.for_store(actor_of(login)))
    answer = await shown.post("/token/user/validate")
    assert (answer.status_code, answer.json()["username"]) == (200, "alice")
    for method, path in _routes(server):
        if path not in ("/token/user/validate", "/token/node/validate"):
            answer = await shown.request(method, path)
            assert answer.status_code >= 400 or path in ("/health", "/version", "/oidc"), f"{method} {path}"
    assert (await shown.post("/token/node/validate")).status_code == 403
    await server.client(login).post("/token/revoke")
    assert (await shown.post("/token/user/validate")).status_code == 401


def _routes(server: Any) -> list[tuple[str, str]]:
    paths = server.app.openapi()["paths"].items()
    return [(method.upper(), path.removeprefix("/api")) for path, methods in paths for method in methods]


async def test_a_token_for_stores_lasts_a_moment_only(
    server: Any, clients: Any, world: Any, actor_of: Any, clock: Any
) -> None:
    shown = server.client(server.app.state.pairs.for_store(actor_of(server.token("node", world.alpha_main.id))))
    answer = await shown.post("/token/node/validate")
    assert (answer.status_code, answer.json()["node_id"]) == (200, world.alpha_main.id)
    clock.moment += timedelta(minutes=2)
    assert (await shown.post("/token/node/validate")).status_code == 401


async def test_renewing_the_key_of_a_node_ends_its_containers_tokens_too(
    server: Any, clients: Any, world: Any, actor_of: Any, engine: Any
) -> None:
    task = await clients.task()
    container = await clients.container("alpha_main", task["id"])
    assert (await container.get(f"/task/{task['id']}")).status_code == 200
    answer = await clients.user("root").post("/recover/node", json={"id": world.alpha_main.id})
    assert answer.status_code == 200
    assert (await container.get(f"/task/{task['id']}")).status_code == 401
    newer = server.client(server.app.state.tokens.issue(world.alpha_main.id, "node", ver=1))
    body = {"task_id": task["id"], "image": task["image"]}
    token = (await newer.post("/token/container", json=body)).json()["container_token"]
    again = server.client(token)
    assert (await again.get(f"/task/{task['id']}")).status_code == 200
    shown = server.client(server.app.state.pairs.for_store(actor_of(token)))
    assert (await shown.post("/token/node/validate")).json()["node_id"] == world.alpha_main.id
    with Session(engine) as writing, writing.begin():
        writing.execute(update(Identity).where(Identity.id == world.alpha_main.id).values(token_version=2))
    assert (await shown.post("/token/node/validate")).status_code == 401
    assert (await again.get(f"/task/{task['id']}")).status_code == 401
