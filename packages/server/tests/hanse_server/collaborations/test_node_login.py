"""API keys of nodes: right, wrong, and from a v4 server."""

import uuid
from datetime import timedelta
from typing import Any

import bcrypt
import httpx
import pytest

from hanse_core.errors import Unavailable
from hanse_server.collaborations.models import Node
from hanse_server.collaborations.node_login import NodeLogins
from hanse_web.origin import Origin


@pytest.fixture
def v4_key(make: Any, world: Any) -> str:
    """The key of a node whose row came from a v4 server."""
    key = str(uuid.uuid4())
    hashed = bcrypt.hashpw(key.encode(), bcrypt.gensalt(4)).decode()
    make.node(world.beta, world.secure, name="old", api_key_hash=None, api_key_bcrypt=hashed)
    return key


async def log_in(client: httpx.AsyncClient, key: object = None) -> httpx.Response:
    return await client.post("/token/node", json={"api_key": str(key or uuid.uuid4())})


async def test_wrong_keys_are_refused_and_a_flood_of_them_is_not_even_counted(
    world: Any, anonymous: httpx.AsyncClient, statements: Any
) -> None:
    for _ in range(20):
        answer = await log_in(anonymous)
        assert (answer.status_code, answer.headers.get("retry-after")) == (401, None)
    with statements() as sent:
        refused = await log_in(anonymous)
    assert (refused.status_code, refused.headers["retry-after"]) == (401, "60")
    assert all(statement.startswith("SELECT") for statement in sent)


async def test_wrong_keys_do_not_hold_back_a_right_one_of_the_same_address(
    world: Any, anonymous: httpx.AsyncClient, clients: Any
) -> None:
    body = {"organization_id": world.beta.id, "collaboration_id": world.secure.id}
    made = (await clients.user("root").post("/node", json=body)).json()
    for _ in range(30):
        await log_in(anonymous)
    assert (await log_in(anonymous, made["api_key"])).status_code == 200


async def test_a_node_of_a_v4_server_is_found_by_trial_once(
    anonymous: httpx.AsyncClient, v4_key: str, session: Any
) -> None:
    assert (await log_in(anonymous)).status_code == 401
    assert (await log_in(anonymous, v4_key)).status_code == 200
    assert (await log_in(anonymous, v4_key.upper())).status_code == 200
    node = session.query(Node).filter_by(name="old").one()
    assert node.api_key_bcrypt is None
    assert node.api_key_hash is not None


async def test_who_guesses_at_the_keys_of_v4_hears_a_fault_that_does_not_stop_a_node(
    anonymous: httpx.AsyncClient, v4_key: str, clock: Any
) -> None:
    for _ in range(20):
        assert (await log_in(anonymous)).status_code == 401
    paused = await log_in(anonymous, v4_key)
    assert (paused.status_code, paused.headers["retry-after"]) == (503, "60")
    clock.moment += timedelta(minutes=1)
    assert (await log_in(anonymous, v4_key)).status_code == 200


async def test_only_so_many_wait_for_the_trial_and_the_next_hears_when_to_come_again(server: Any, v4_key: str) -> None:
    full = NodeLogins(server.app.state.works, server.app.state.pairs, room=0)
    with pytest.raises(Unavailable) as refused:
        await full.log_in(v4_key, Origin("192.0.2.1"))
    assert refused.value.retry_after == 10
    roomy = NodeLogins(server.app.state.works, server.app.state.pairs, room=1)
    assert (await roomy.log_in(v4_key, Origin("192.0.2.1"))).access_token


async def test_renewing_the_key_of_such_a_node_ends_the_old_one(
    anonymous: httpx.AsyncClient, v4_key: str, clients: Any, session: Any
) -> None:
    key = session.query(Node).filter_by(name="old").one().id
    renewed = await clients.user("root").post("/recover/node", json={"id": key})
    assert (await log_in(anonymous, v4_key)).status_code == 401
    assert (await log_in(anonymous, renewed.json()["api_key"])).status_code == 200
