"""Column names: as nodes share them, or by a task."""

from typing import Any

import pytest

from hanse_server.collaborations.models import NodeSetting


@pytest.fixture
def ask(clients: Any, world: Any) -> Any:
    async def do(user: str = "alice", **fields: Any) -> Any:
        places = [{"id": world.alpha.id, "input": "eyJtZXRob2QiOiJjb2x1bW5faGVhZGVycyJ9"}]
        body = {"collaboration_id": world.main.id, "db_label": "default", "organizations": places, **fields}
        return await clients.user(user).post("/column", json=body)

    return do


def share(make: Any, node: Any, *names: str, label: str = "default") -> None:
    for name in names:
        make.add(NodeSetting(node_id=node.id, key=f"columns_{label}", value=name))


@pytest.mark.replays("19")
async def test_19_shared_columns_are_given_as_recorded(
    clients: Any, world: Any, make: Any, recording: Any, answers_like: Any
) -> None:
    (exchange,) = recording("19")
    share(make, world.beta_main, "other")
    share(make, world.alpha_main, "age", "sex")
    body = exchange["request"]["body"]
    body["organizations"][0]["id"] = world.alpha.id

    answer = await clients.user("alice").post("/column", json={**body, "collaboration_id": world.main.id})

    answers_like(answer, exchange)
    assert answer.json() == exchange["response"]["body"]


async def test_another_node_of_the_collaboration_may_know_them(ask: Any, world: Any, make: Any) -> None:
    share(make, world.alpha_secure, "secret")
    share(make, world.beta_main, "age")

    assert (await ask()).json() == {"columns": ["age"]}


async def test_otherwise_a_task_reads_them(ask: Any, world: Any, make: Any) -> None:
    share(make, world.alpha_main, "age", label="other")

    answer = await ask(query="SELECT 1", sheet_name="s")

    made = answer.json()
    assert answer.status_code == 201
    assert (made["name"], made["image"]) == ("get_column_names", "ghcr.io/vantage6/algorithm-basics:latest")
    assert made["databases"] == [{"label": "default", "parameters": '{"query":"SELECT 1","sheet_name":"s"}'}]


async def test_only_who_may_create_tasks_there_may_ask(ask: Any, world: Any, make: Any, clients: Any) -> None:
    share(make, world.alpha_main, "age")

    assert (await ask("bob")).status_code == 401
    assert (await ask("gary")).status_code == 404
    assert (await ask(db_label="")).status_code == 400
    assert (await clients.node("alpha_main").post("/column", json={})).status_code == 403
