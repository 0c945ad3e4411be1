"""Bodies that are too large are refused before they are read, whoever sends them."""

from typing import Any

import pytest

from hanse_web.app import BODY_BYTES


@pytest.mark.parametrize("path", ["/token/user", "/token/node", "/organization"])
async def test_a_body_beyond_the_limit_answers_413(as_user: Any, make: Any, path: str) -> None:
    make.user("vera", make.organization("alpha"), roles=["Viewer"])
    answer = await as_user("vera").post(path, content=b" " * (BODY_BYTES + 1))
    assert answer.status_code == 413


async def test_a_task_may_carry_more(as_user: Any, make: Any) -> None:
    make.user("vera", make.organization("alpha"), roles=["Viewer"])
    answer = await as_user("vera").post("/task", content=b" " * (BODY_BYTES + 1))
    assert answer.status_code == 400
