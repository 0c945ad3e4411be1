"""Bodies that are too large are refused before they are read, whoever sends them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

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
