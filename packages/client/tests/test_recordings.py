"""The client against recordings of the reference server: it sends what that took, and reads what that answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from hanse._http import Tokens
from hanse_core.errors import Invalid, Unauthenticated

RECORDINGS = Path(__file__).parent / "recordings"


class Replay:
    """Answers each request with the next recorded answer to the same method, path and body."""

    def __init__(self, name: str) -> None:
        recording = json.loads((RECORDINGS / f"{name}.json").read_text())
        self.exchanges = [each for each in recording["exchanges"]]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        if request.url.path == "/api/token/refresh":
            return httpx.Response(401, json={"msg": "Token has expired"})
        for index, exchange in enumerate(self.exchanges):
            asked = exchange["request"]
            if (asked["method"], asked["path"], asked.get("body")) == (request.method, request.url.path, body):
                answer = self.exchanges.pop(index)["response"]
                if isinstance(answer["body"], dict) and "links" in answer["body"]:
                    answer["body"]["links"].pop("next", None)
                return httpx.Response(answer["status"], json=answer["body"])
        raise AssertionError(f"not recorded: {request.method} {request.url.path} {body}")


@pytest.fixture
async def replay(connect: Any, mode: str) -> Any:
    """Give what makes a client of a recording; its operations are awaited in both modes."""
    clients: list[Any] = []

    class Caller:
        def __init__(self, target: Any) -> None:
            self.target = target

        def __getattr__(self, name: str) -> Any:
            return Caller(getattr(self.target, name))

        async def __call__(self, *args: Any, **kwargs: Any) -> Any:
            given = self.target(*args, **kwargs)
            return await given if mode == "awaiting" else given

    def make(name: str) -> Any:
        tokens = Tokens("access", "refresh", 7)
        clients.append(Caller(connect(tokens=tokens, transport=httpx.MockTransport(Replay(name)))))
        return clients[-1]

    yield make
    for each in clients:
        await each.close()


async def test_users(replay: Any) -> None:
    user = await replay("07-user-create").users.create(
        "alice",
        "Throw-away1!",
        "alice@alpha.example",
        firstname="Alice",
        lastname="Anders",
        organization_id=2,
        roles=[5],
    )
    assert (user.username, user.organization.id, user.email) == ("alice", 2, "alice@alpha.example")
    client = replay("46-user-update-delete")
    assert (await client.users.update(7, firstname="Alicia")).firstname == "Alicia"
    with pytest.raises(Invalid):
        await client.users.update(12, roles=[4], username="norman")
    assert (await client.users.update(12, roles=[4])).id == 12
    await client.users.delete(12)
    assert (await replay("09-user-get-with-permissions").users.get(7)).permissions["roles"] == [5]


async def test_a_v4_denial_looks_like_an_expired_login_and_ends_as_one(replay: Any) -> None:
    with pytest.raises(Unauthenticated, match="log in again"):
        await replay("46-user-update-delete").users.update(12, roles=[1])


async def test_organizations(replay: Any) -> None:
    organizations = await replay("10-organization-list-pagination").organizations.list()
    assert len(organizations) == 1
    assert organizations[0].public_key == ""


async def test_collaborations(replay: Any) -> None:
    created = await replay("04-collaboration-create").collaborations.create("main", [2, 3], encrypted=False)
    assert (created.id, created.encrypted) == (1, False)
    client = replay("47-collaboration-members")
    assert [each.id for each in await client.collaborations.add_organization(1, 4)] == [2, 3, 4]
    assert [each.id for each in await client.collaborations.remove_organization(1, 4)] == [2, 3]
    assert (await client.collaborations.update(1, name="main2")).name == "main2"
    nested = await replay("11-collaboration-get-include").collaborations.get(1)
    assert [each.name for each in nested.organizations] == ["alpha", "beta"]


async def test_studies(replay: Any) -> None:
    client = replay("48-study-members")
    assert 3 in [each.id for each in await client.studies.add_organization(1, 3)]
    assert 3 not in [each.id for each in await client.studies.remove_organization(1, 3)]
    assert (await client.studies.update(1, name="st-alpha")).collaboration.id == 1
    assert [each.name for each in await replay("13-study-list").studies.list()] == ["st-alpha"]


async def test_nodes(replay: Any) -> None:
    nodes = await replay("12-node-list").nodes.list(collaboration_id=1)
    assert [each.collaboration.id for each in nodes] == [1, 1]


async def test_roles_and_rules(replay: Any) -> None:
    client = replay("45-role-crud")
    role = await client.roles.create("mine", [2, 3], description="d", organization_id=2)
    assert not role.is_default_role
    assert 14 in [rule.id for rule in await client.roles.add_rule(role.id, 14)]
    assert 14 not in [rule.id for rule in await client.roles.remove_rule(role.id, 14)]
    assert (await client.roles.update(role.id, name="mine2")).name == "mine2"
    await client.roles.delete(role.id)
    assert [each.name for each in await replay("08-role-list").roles.list()] == ["Root", "container", "node"]
    rules = await replay("14-rule-list").rules.list(resource="port")
    assert [(rule.name, rule.operation) for rule in rules] == [("port", "VIEW"), ("port", "VIEW")]


async def test_runs_and_results(replay: Any) -> None:
    client = replay("34-run-and-result")
    runs = await client.runs.list(task_id=1)
    assert [str(run.status) for run in runs] == ["pending", "completed"]
    assert runs[1].ports[0].label == "api"
    assert (await client.runs.get(1)).task.image == "registry.example/algo:1"
    assert [each.run.id for each in await client.results.list(task_id=1)] == [2, 1]
    assert (await client.results.get(1)).result is not None


async def test_kill(replay: Any) -> None:
    client = replay("35-kill-task")
    with pytest.raises(Unauthenticated):
        await client.tasks.kill(1)
    await client.tasks.kill(1)
    assert (await client.tasks.get(1)).status.is_failed
