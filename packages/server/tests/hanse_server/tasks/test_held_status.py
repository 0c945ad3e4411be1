"""Waiting for the end of a task in one request."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from hanse_core.states import RunStatus
from hanse_server.tasks import watch as watch_module
from hanse_server.tasks.models import Run
from hanse_server.tasks.watch import HELD_BYTES, LONGEST_STATUS, Watch
from hanse_web.db import IMMEDIATE


@pytest.fixture
async def task(clients: Any, world: Any) -> int:
    """A task at one organization that has not ended."""
    return int((await clients.task(organizations="alpha"))["id"])


@pytest.fixture
def watch(server: Any) -> Watch:
    found: Watch = server.app.state.watch
    return found


async def _finish(clients: Any, world: Any, task: int, status: str = "completed") -> None:
    await clients.finish("alpha_main", (await clients.runs(task))[world.alpha.id]["id"], status)


async def test_a_finished_task_is_answered_at_once(clients: Any, world: Any, task: int) -> None:
    await _finish(clients, world, task, "crashed")

    assert (await clients.user("alice").get(f"/task/{task}/status")).json() == {"status": "crashed"}


async def test_the_answer_waits_for_the_end_and_comes_without_the_slow_timer(
    clients: Any, world: Any, task: int, watch: Watch, until: Any
) -> None:
    held = asyncio.create_task(clients.user("alice").get(f"/task/{task}/status"))
    await until(lambda: task in watch.waiting)

    await _finish(clients, world, task)
    answer = await held

    assert answer.json() == {"status": "completed"}
    assert watch.sweeps == 0
    assert watch.waiting == []


async def test_many_wait_and_each_hears_of_its_own_task_only(
    clients: Any, world: Any, task: int, watch: Watch, until: Any
) -> None:
    other = (await clients.task(organizations="alpha"))["id"]
    alice = clients.user("alice")
    held = [asyncio.create_task(alice.get(f"/task/{key}/status")) for key in (task, task, other)]
    await until(lambda: set(watch.waiting) == {task, other})

    await _finish(clients, world, task)
    answers = await asyncio.gather(*held[:2])

    assert [answer.json()["status"] for answer in answers] == ["completed"] * 2
    assert watch.waiting == [other]
    await clients.user("carl").post("/kill/task", json={"id": other})
    assert (await held[2]).json() == {"status": "killed by user"}


async def test_a_deleted_task_ends_as_killed(clients: Any, task: int, watch: Watch, until: Any) -> None:
    held = asyncio.create_task(clients.user("alice").get(f"/task/{task}/status"))
    await until(lambda: watch.waiting)

    await clients.user("alice").delete(f"/task/{task}")

    assert (await held).json() == {"status": "killed by user"}


async def test_nothing_is_held_for_those_who_may_not_see_the_task(clients: Any, task: int) -> None:
    assert (await clients.user("gary").get(f"/task/{task}/status")).status_code == 404
    assert (await clients.user("alice").get("/task/99/status")).status_code == 404
    assert (await clients.node("alpha_main").get(f"/task/{task}/status")).status_code == 403


async def test_a_draining_server_answers_with_the_status_of_now(
    clients: Any, task: int, watch: Watch, until: Any
) -> None:
    held = asyncio.create_task(clients.user("alice").get(f"/task/{task}/status"))
    await until(lambda: watch.waiting)

    watch.drain()

    assert (await held).json() == {"status": "pending"}
    assert (await clients.user("alice").get(f"/task/{task}/status")).json() == {"status": "pending"}


async def _collect(stream: AsyncIterator[bytes], parts: list[bytes]) -> None:
    async for part in stream:
        parts.append(part)


async def test_blanks_keep_the_answer_alive(server: Any, task: int, watch: Watch, until: Any) -> None:
    parts: list[bytes] = []
    held = asyncio.create_task(_collect(watch.hold(task, RunStatus.PENDING, (1, 0), keepalive_seconds=0.01), parts))

    await until(lambda: len(parts) >= 3)
    watch.drain()
    await held

    assert set(parts[:-1]) == {b" "}
    assert parts[-1].strip() == b'{"status":"pending"}'


async def test_an_answer_has_the_length_that_its_header_says_however_long_it_was_held(
    clients: Any, world: Any, task: int, watch: Watch, until: Any
) -> None:
    """The proxy of a v4 node hands on an answer without length in a way that no container can read."""
    held = asyncio.create_task(clients.user("alice").get(f"/task/{task}/status"))
    await until(lambda: watch.waiting)
    await _finish(clients, world, task)

    answer = await held
    assert int(answer.headers["content-length"]) == len(answer.content) == HELD_BYTES
    assert answer.json() == {"status": "completed"}
    assert "transfer-encoding" not in answer.headers


async def test_a_task_that_runs_too_long_to_be_held_is_answered_with_the_status_of_then(
    server: Any, task: int, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hanse_server.tasks.watch.HELD_BYTES", LONGEST_STATUS + 3)
    parts: list[bytes] = []
    await _collect(watch.hold(task, RunStatus.PENDING, (1, 0), keepalive_seconds=0.001), parts)
    assert parts[:3] == [b" "] * 3
    assert len(b"".join(parts)) == LONGEST_STATUS + 3
    assert json.loads(b"".join(parts)) == {"status": "pending"}


async def test_what_was_never_told_is_found_by_the_slow_timer(server: Any, task: int, until: Any) -> None:
    watch = Watch(server.app.state.engine, sweep_seconds=0.02)
    parts: list[bytes] = []
    async with asyncio.TaskGroup() as group:
        sweeping = group.create_task(watch.run())
        held = group.create_task(_collect(watch.hold(task, RunStatus.PENDING, (1, 0), 0.01), parts))
        await until(lambda: parts)
        with Session(server.engine.execution_options(**{IMMEDIATE: True})) as session, session.begin():
            session.execute(update(Run).where(Run.task_id == task).values(status="failed"))
        await held
        sweeping.cancel()

    assert parts[-1].strip() == b'{"status":"failed"}'
    assert watch.sweeps >= 1


async def test_a_held_answer_keeps_no_connection(
    server: Any, clients: Any, task: int, watch: Watch, until: Any
) -> None:
    held = asyncio.create_task(clients.user("alice").get(f"/task/{task}/status"))
    await until(lambda: watch.waiting)
    await until(lambda: server.app.state.engine.pool.checkedout() == 0)

    watch.drain()

    assert (await held).status_code == 200


async def test_nobody_has_more_held_than_a_number_and_others_are_not_disturbed(
    clients: Any, world: Any, task: int, watch: Watch, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "MOST_HELD", 2)
    path = f"/task/{task}/status"
    async with asyncio.TaskGroup() as group:
        held = [group.create_task(clients.user("alice").get(path)) for _ in range(2)]
        await until(lambda: len(watch._bells.get(task, ())) == 2)
        refused = await clients.user("alice").get(path)
        assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
            503,
            "unavailable",
            "5",
        )
        held.append(group.create_task(clients.user("anna").get(path)))
        await until(lambda: len(watch._bells[task]) == 3)
        await _finish(clients, world, task)
    assert [each.result().json() for each in held] == [{"status": "completed"}] * 3
    assert (await clients.user("alice").get(path)).status_code == 200
    assert watch._held == {}
