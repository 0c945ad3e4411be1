"""For whom nodes work, and how much one computation may ask of everybody."""

from typing import Any

import pytest

from hanse_server.accounts.models import User
from hanse_server.collaborations.models import NodeSetting
from hanse_server.settings import Settings


@pytest.fixture
async def subtask(clients: Any, world: Any) -> Any:
    """Have a container of a task of alice at alpha ask for a subtask at beta."""
    task = await clients.task(organizations="alpha")
    container = await clients.container("alpha_main", task["id"])

    async def do() -> Any:
        places = [{"id": world.beta.id, "input": "e30="}]
        body = {"image": task["image"], "collaboration_id": world.main.id, "organizations": places}
        return await container.post("/task", json=body)

    return do


@pytest.mark.parametrize(("key", "whom", "status"), [
    ("allowed_users", "alice", 201), ("allowed_users", "carl", 400),
    ("allowed_orgs", "alpha", 201), ("allowed_orgs", "beta", 400),
])  # fmt: skip
async def test_a_node_judges_subtasks_by_who_began_the_computation(
    subtask: Any, make: Any, world: Any, key: str, whom: str, status: int
) -> None:
    value = str(world.users[whom].id) if key == "allowed_users" else whom
    make.add(NodeSetting(node_id=world.beta_main.id, key=key, value=value))

    assert (await subtask()).status_code == status


async def test_a_computation_of_a_deleted_user_is_no_listed_users(
    subtask: Any, make: Any, world: Any, session: Any
) -> None:
    make.add(NodeSetting(node_id=world.beta_main.id, key="allowed_users", value=str(world.users["alice"].id)))
    session.delete(session.get_one(User, world.users["alice"].id))
    session.commit()

    assert (await subtask()).status_code == 400


class TestFewSubtasks:
    """A server that allows two at a time."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"max_open_subtasks": 2})

    async def test_open_subtasks_of_a_computation_are_limited(self, subtask: Any, clients: Any, world: Any) -> None:
        first, second, third = await subtask(), await subtask(), await subtask()

        assert (first.status_code, second.status_code, third.status_code) == (201, 201, 409)
        assert "max_open_subtasks" in third.json()["msg"]
        run = (await clients.runs(first.json()["id"]))[world.beta.id]
        await clients.finish("beta_main", run["id"])
        assert (await subtask()).status_code == 201
        await clients.task(organizations="alpha")
