"""How many statements a request costs: few, and no more with fifty rows than with one."""

from datetime import UTC, datetime
from inspect import isasyncgenfunction, iscoroutinefunction, isfunction
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from hanse_server.collaborations.models import Node
from hanse_server.main import ROUTERS
from hanse_server.tasks.models import Job, Run, Task, TaskDatabase

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LISTS = {
    "/organization": 2,
    "/collaboration": 2,
    "/study": 2,
    "/node": 3,
    "/user": 2,
    "/role": 2,
    "/rule": 2,
    "/task": 1,
    "/task?include=runs,results": 6,
    "/task?page=2&per_page=1": 2,
    "/run": 6,
    "/run?include=task": 6,
    "/result": 3,
}
"""The most statements of each list, whatever it holds; one of them counts where more than a page is there."""
ITEMS = {
    "/organization/1": 1,
    "/collaboration/1": 1,
    "/study/1": 1,
    "/user/1": 1,
    "/role/1": 1,
    "/rule/1": 1,
    "/task/1": 1,
    "/run/1": 5,
    "/result/1": 2,
}


@pytest.fixture
def fill(engine: Any, make: Any, world: Any) -> Any:
    """Store so many more objects of each kind."""

    def store(many: int) -> None:
        alice = world.users["alice"]
        first = _last(engine, Task) + 1
        for number in range(first, first + many):
            place = make.organization(f"place {number}")
            circle = make.collaboration(f"circle {number}", [place])
            make.node(place, circle)
            make.study(f"study {number}", world.main, [world.alpha])
            make.role(f"role {number}", world.alpha)
            make.user(f"user{number}", world.alpha)
        with Session(engine) as session, session.begin():
            session.execute(insert(Job), [{"id": number} for number in range(first, first + many)])
            task = {"image": "i", "collaboration_id": world.main.id, "created_at": NOW}
            own = {"init_org_id": world.alpha.id, "init_user_id": alice.id}
            numbers = range(first, first + many)
            session.execute(insert(Task), [{"id": key, "job_id": key, **task, **own} for key in numbers])
            run = {"organization_id": world.alpha.id, "assigned_at": NOW, "status": "pending"}
            session.execute(insert(Run), [{"id": key, "task_id": key, **run} for key in numbers])
            session.execute(insert(TaskDatabase), [{"task_id": key, "label": "default"} for key in numbers])

    return store


def _last(engine: Any, table: Any) -> int:
    with Session(engine) as session:
        return session.scalar(select(table.id).order_by(table.id.desc()).limit(1)) or 0


async def test_lists_cost_no_more_with_fifty_rows_than_with_one(clients: Any, fill: Any, statements: Any) -> None:
    root = clients.user("root")

    async def costs(size: int) -> dict[str, int]:
        spent = {}
        for path in LISTS:
            await root.get(path)  # who is asking is looked up once
            with statements() as sent:
                answer = await root.get(path, params=None if "per_page" in path else {"per_page": size})
            assert answer.status_code == 200, answer.text
            spent[path] = len(sent)
        return spent

    fill(2)
    few = await costs(1)
    fill(50)
    many = await costs(50)
    assert few == many
    assert {path: cost for path, cost in many.items() if cost > LISTS[path]} == {}


async def test_a_page_that_holds_all_is_not_counted_apart(clients: Any, fill: Any, statements: Any) -> None:
    root = clients.user("root")
    fill(2)
    await root.get("/organization")
    with statements() as sent:
        answer = await root.get("/organization")
    assert len(sent) == 1
    assert answer.headers["total-count"] == str(len(answer.json()["data"]))


@pytest.mark.parametrize("path", ITEMS)
async def test_an_object_costs_few_statements(clients: Any, fill: Any, statements: Any, path: str) -> None:
    fill(1)
    root = clients.user("root")
    await root.get(path)
    with statements() as sent:
        answer = await root.get(path)
    assert answer.status_code == 200, answer.text
    assert len(sent) <= ITEMS[path]


async def test_a_new_task_costs_as_many_statements_for_two_organizations_as_for_one(
    clients: Any, world: Any, statements: Any
) -> None:
    alice, spent = clients.user("alice"), []
    await alice.get("/organization")
    for places in ([world.alpha], [world.alpha, world.beta]):
        inputs = [{"id": place.id, "input": "e30="} for place in places]
        body = {"image": "i", "collaboration_id": world.main.id, "databases": [{"label": "default"}]}
        with statements() as sent:
            answer = await alice.post("/task", json={**body, "organizations": inputs})
        assert answer.status_code == 201, answer.text
        spent.append(len(sent))
    assert spent == [5, 5]


async def test_a_node_costs_few_statements(clients: Any, fill: Any, engine: Any, statements: Any) -> None:
    fill(1)
    root, key = clients.user("root"), _last(engine, Node)
    await root.get(f"/node/{key}")
    with statements() as sent:
        assert (await root.get(f"/node/{key}")).status_code == 200
    assert len(sent) <= 2


def test_no_dependency_of_a_handler_costs_a_thread() -> None:
    """Dependencies only put things together: as plain functions the library would run each in a thread of its own."""

    def plain(dependant: Dependant) -> set[str]:
        calls = [inner.call for inner in dependant.dependencies]
        own = {
            f"{call!r}"
            for call in calls
            if not (iscoroutinefunction(call) or isasyncgenfunction(call) or _is_async(call))
        }
        return own.union(*(plain(inner) for inner in dependant.dependencies))

    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    assert routes
    assert set().union(*(plain(route.dependant) for route in routes)) == set()


def _is_async(call: Any) -> bool:
    called = call if isfunction(call) else type(call).__call__
    return iscoroutinefunction(called) or isasyncgenfunction(called)
