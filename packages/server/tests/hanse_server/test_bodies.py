"""Bodies that are too large are refused before they are read, whoever sends them."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from hanse_server.main import openapi_schema
from hanse_web.app import BODY_BYTES


@pytest.mark.parametrize("path", ["/token/user", "/token/node", "/organization"])
async def test_a_body_beyond_the_limit_answers_413(as_user: Any, make: Any, path: str) -> None:
    make.user("vera", make.organization("alpha"), roles=["Viewer"])
    answer = await as_user("vera").post(path, content=b" " * (BODY_BYTES + 1))
    assert answer.status_code == 413


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
