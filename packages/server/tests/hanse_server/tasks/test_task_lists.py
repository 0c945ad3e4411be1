"""Looking at tasks: lists, filters, nested runs and results, and how many statements they cost."""

from typing import Any

import pytest


@pytest.fixture
async def some(clients: Any, world: Any) -> dict[str, Any]:
    """A finished central task with a subtask, and one that runs."""
    databases = [{"label": "default", "query": "select 1"}]
    central = await clients.task(organizations="alpha", name="central", databases=databases)
    container = await clients.container("alpha_main", central["id"])
    places = [{"id": world.beta.id, "input": "e30="}]
    body = {"name": "sub", "image": central["image"], "collaboration_id": 1, "organizations": places}
    sub = (await container.post("/task", json=body)).json()
    await clients.finish("beta_main", (await clients.runs(sub["id"]))[world.beta.id]["id"])
    other = await clients.task(user="carl", name="other", image="other:2", description="x")
    return {"central": central, "sub": sub, "other": other}


async def test_filters_select(clients: Any, world: Any, some: dict[str, Any]) -> None:
    alice = clients.user("alice")
    beta_run = (await clients.runs(some["sub"]["id"]))[world.beta.id]["id"]

    async def names(**params: Any) -> list[str]:
        answer = await alice.get("/task", params=params)
        assert answer.status_code == 200, answer.text
        return [row["name"] for row in answer.json()["data"]]

    assert await names() == ["other", "sub", "central"]
    assert await names(sort="name") == ["central", "other", "sub"]
    assert await names(name="s%") == ["sub"]
    assert await names(image="other:%") == ["other"]
    assert await names(description="x") == ["other"]
    assert await names(status="completed") == ["sub"]
    assert await names(status="pending") == ["other", "central"]
    assert await names(job_id=some["central"]["job_id"]) == ["sub", "central"]
    assert await names(parent_id=some["central"]["id"]) == ["sub"]
    assert await names(run_id=beta_run) == ["sub"]
    assert await names(database="default") == ["central"]
    assert await names(is_user_created=1) == ["other", "central"]
    assert await names(is_user_created=0) == ["sub"]
    assert await names(init_org_id=world.beta.id) == ["other"]
    assert await names(init_user_id=world.users["alice"].id) == ["sub", "central"]
    assert await names(collaboration_id=world.main.id, per_page=1, page=2) == ["sub"]
    assert await names(study_id=world.study.id) == []


async def test_filters_by_what_is_not_there_or_foreign_are_refused_alike(
    clients: Any, world: Any, some: dict[str, Any]
) -> None:
    gary = clients.user("gary")
    for name in ("parent_id", "job_id", "run_id", "init_user_id", "study_id", "store_id"):
        foreign = await gary.get("/task", params={name: 1})
        missing = await gary.get("/task", params={name: 999})
        assert (foreign.status_code, missing.status_code) == (400, 400), name
    for name, value in (("is_user_created", "x"), ("status", "x"), ("page", "abc"), ("per_page", "0"), ("sort", "x")):
        assert (await gary.get("/task", params={name: value})).status_code == 400, name
    assert (await gary.get("/task", params={"collaboration_id": 1})).status_code == 401
    assert (await gary.get("/task", params={"init_org_id": world.alpha.id})).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/task", "/task?include=runs,results", "/task?status=pending", "/run", "/run?include=task", "/result",
        "/node", "/collaboration?include=organizations", "/study?include=organizations",
    ],
)  # fmt: skip
async def test_a_list_costs_the_same_number_of_statements_however_long_it_is(
    clients: Any, world: Any, statements: Any, make: Any, path: str
) -> None:
    alice = clients.user("alice")
    await clients.task(databases=[{"label": "default"}])

    async def cost() -> int:
        with statements() as sent:
            answer = await alice.get(path, params={"per_page": 100} if "?" not in path else None)
        assert answer.status_code == 200
        return len([statement for statement in sent if not statement.startswith("BEGIN")])

    short = await cost()
    for number in range(4):
        await clients.task(databases=[{"label": "default"}, {"label": "second"}])
        more = make.collaboration(f"more-{number}", [world.alpha])
        make.node(world.alpha, more)
        make.study(f"study-{number}", more, [world.alpha])

    assert await cost() == short
    assert short <= 14


async def test_lists_read_large_texts_only_where_they_are_shown(clients: Any, statements: Any, world: Any) -> None:
    await clients.task()
    alice = clients.user("alice")
    for path, shown in (("/task", ()), ("/run", ("input", "log")), ("/result", ("result",))):
        with statements() as sent:
            await alice.get(path)
        read = {
            name for name in ("input", "log", "result") for text in sent if f"run.{name}," in text.replace(" ", ",")
        }
        assert read == set(shown), path


async def test_a_page_holds_so_many_runs_inside_its_tasks_and_no_more(
    clients: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await clients.task(organizations="alpha")
    monkeypatch.setattr("hanse_server.tasks.items.MOST_NESTED", 2)
    alice = clients.user("alice")
    refused = await alice.get("/task", params={"include": "runs"})
    assert (refused.status_code, "per_page" in refused.json()["msg"]) == (400, True)
    assert (await alice.get("/task", params={"include": "runs", "per_page": 2})).status_code == 200
