"""Bodies that are too large are refused before they are read, whoever sends them."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi import routing

from hanse_server.main import openapi_schema
from hanse_web.app import BODY_BYTES


@pytest.mark.parametrize("path", ["/token/user", "/token/node", "/organization"])
async def test_a_body_beyond_the_limit_answers_413(as_user: Any, make: Any, path: str) -> None:
    make.user("vera", make.organization("alpha"), roles=["Viewer"])
    page = {"Origin": "https://ui.example"}
    answer = await as_user("vera").post(path, content=b" " * (BODY_BYTES + 1), headers=page)
    assert "Access-Control-Allow-Origin" in answer.headers
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert str(BODY_BYTES) in answer.json()["msg"]


async def test_a_body_of_unknown_length_is_read_to_the_limit_only(as_user: Any, make: Any) -> None:
    make.user("vera", make.organization("alpha"), roles=["Viewer"])
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 10_000
            yield b" " * 10_000

    answer = await as_user("vera").post("/organization", content=endless())
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert taken <= BODY_BYTES + 20_000


async def test_a_task_may_carry_more(as_user: Any, make: Any) -> None:
    make.user("rosa", make.organization("alpha"), roles=["Researcher"])
    body = {"image": "i", "collaboration_id": 1, "organizations": [{"id": 1, "input": "a" * (BODY_BYTES + 1)}]}
    answer = await as_user("rosa").post("/task", json=body)
    assert answer.status_code == 404
    assert "collaboration 1" in answer.json()["msg"]


async def test_who_may_create_no_tasks_is_told_so_before_much_is_read(as_user: Any, make: Any) -> None:
    make.user("vera", make.organization("alpha"), roles=["Viewer"])

    async def endless() -> AsyncIterator[bytes]:
        yield b'{"organizations": [{"id": 1, "input": "'
        while True:
            yield b"a" * 10_000

    json = {"Content-Type": "application/json"}
    answer = await as_user("vera").post("/task", content=endless(), headers=json)
    assert (answer.status_code, answer.json()["code"]) == (401, "denied")


async def test_an_anonymous_body_is_not_read_to_its_end(anonymous: Any) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"result": "'
        while True:
            yield b"a" * 10_000

    answer = await anonymous.patch("/run/1", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("POST", "/role", "rules"),
        ("PATCH", "/user/1", "roles"),
        ("POST", "/user", "rules"),
        ("POST", "/collaboration", "organization_ids"),
        ("POST", "/study", "organization_ids"),
    ],
)
async def test_a_list_of_more_ids_than_a_database_takes_is_refused_in_plain_words(
    as_user: Any, method: str, path: str, field: str
) -> None:
    answer = await as_user("root").request(method, path, json={field: list(range(1, 70_001))})
    assert answer.status_code == 400
    assert answer.json()["errors"][field] == ["must have 10000 items at most"]


async def test_a_task_for_more_organizations_than_there_can_be_is_refused(as_user: Any) -> None:
    places = [{"id": key, "input": ""} for key in range(1, 20_001)]
    body = {"image": "i", "collaboration_id": 1, "organizations": places}
    answer = await as_user("root").post("/task", json=body)
    assert (answer.status_code, answer.json()["errors"]) == (400, {"organizations": ["must have 10000 items at most"]})


async def test_ids_in_a_query_are_limited_by_its_length(as_user: Any) -> None:
    answer = await as_user("root").get("/task?" + "&".join(["include=1"] * 5_000))
    assert answer.status_code == 400


def test_every_list_in_a_body_has_an_end() -> None:
    contract = openapi_schema()

    def endless(schema: Any, path: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        if not isinstance(schema, dict):
            return
        if (reference := schema.get("$ref")) is not None:
            if reference not in seen:
                target = contract["components"]["schemas"][reference.rpartition("/")[2]]
                yield from endless(target, path, seen | {reference})
            return
        if schema.get("type") == "array" and "maxItems" not in schema:
            yield path
        for name, inner in schema.get("properties", {}).items():
            yield from endless(inner, f"{path}.{name}", seen)
        for inner in (schema.get("items"), *schema.get("anyOf", ())):
            yield from endless(inner, path, seen)

    found = [
        path
        for address, methods in contract["paths"].items()
        for method, operation in methods.items()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for path in endless(content["schema"], f"{method} {address}")
    ]
    assert found == []


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests for which the web library found out what their handler needs."""
    paths: list[str] = []
    solve = routing.solve_dependencies

    async def noted(*, request: Any, **more: Any) -> Any:
        paths.append(f"{request.method} {request.url.path}")
        return await solve(request=request, **more)

    monkeypatch.setattr(routing, "solve_dependencies", noted)
    return paths


async def test_a_short_body_as_usual_is_handled_past_the_library(clients: Any, world: Any, judged: list[str]) -> None:
    alice, node = clients.user("alice"), clients.node("alpha_main")
    body = {"image": "i", "collaboration_id": world.main.id, "organizations": [{"id": world.alpha.id, "input": "e30="}]}
    judged.clear()
    made = [await alice.post("/task", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201], made[0].text
    assert made[0].json()["id"] == made[1].json()["id"]
    (run,) = (await node.get("/run")).json()["data"]
    answer = await node.patch(f"/run/{run['id']}", json={"status": "initializing"})
    assert answer.status_code == 200, answer.text
    assert judged == []


@pytest.mark.parametrize(
    "content",
    [b"{", b'{"image": 1}', b"[" * 50_000, b'{"image": "\xff"}', b"[]", b"null", b""],
)
async def test_a_short_body_that_is_wrong_is_judged_by_the_library(clients: Any, world: Any, content: bytes) -> None:
    alice = clients.user("alice")
    answer, by_the_library = [
        await alice.post("/task", content=content, headers={"Content-Type": kind})
        for kind in ("application/json", "application/json; charset=utf-8")  # the second is not as usual
    ]
    assert answer.status_code == 400
    assert answer.json() == by_the_library.json()


async def test_a_short_body_of_another_kind_is_judged_by_the_library(
    clients: Any, world: Any, judged: list[str]
) -> None:
    alice = clients.user("alice")
    judged.clear()
    assert (await alice.post("/task", content=b"{}", headers={"Content-Type": "text/plain"})).status_code == 415
    assert judged == ["POST /api/task"]


async def test_nobody_is_told_of_a_body_before_who_they_are(anonymous: Any) -> None:
    for body in ({"image": 1}, {"image": "i", "collaboration_id": 1, "organizations": [{"id": 1, "input": "e30="}]}):
        assert (await anonymous.post("/task", json=body)).status_code == 401
