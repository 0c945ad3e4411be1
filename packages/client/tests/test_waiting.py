"""Waiting for tasks, without live events."""

from __future__ import annotations

import io
import time
from typing import Any

import httpx
import pytest

from hanse import WaitTimeout
from hanse_core.errors import NotFound, Unavailable

SUMMARY: dict[str, Any] = {"collaboration": "lung", "image": "hanse/summary", "method": "summary"}


async def test_the_held_status_wakes_whoever_waits(client: Any, server: Any) -> None:
    task = await client.tasks.create(**SUMMARY)
    server.on_status = lambda id: server.finish(id, {2: 1, 3: 2, 4: 3})
    answers = await client.tasks.wait(task, progress=False)
    assert answers == [1, 2, 3]
    assert len(server.sent("GET", f"task/{task.id}/status")) == 1


async def test_a_server_that_does_not_hold_its_answer_is_asked_again(client: Any, server: Any) -> None:
    asked: list[float] = []

    def on_status(id: int) -> None:
        asked.append(time.monotonic())
        if len(asked) == 2:
            server.finish(id, {2: 1, 3: 1, 4: 1})

    server.on_status = on_status
    task = await client.tasks.create(**SUMMARY)
    await client.tasks.wait(task, progress=False)
    assert asked[1] - asked[0] > 0.9, "not at once"


async def test_a_finished_task_is_not_waited_for(client: Any, server: Any) -> None:
    task = await client.tasks.create(**SUMMARY)
    server.finish(task.id, {2: 1, 3: 1, 4: 1})
    assert len(await client.tasks.wait(task.id, timeout=0)) == 3
    assert server.sent("GET", f"task/{task.id}/status") == []


async def test_the_timeout_ends_the_waiting_not_the_task(client: Any, server: Any) -> None:
    task = await client.tasks.create(**SUMMARY)
    with pytest.raises(WaitTimeout, match=r"task 1 is still pending after 0\.3 s") as caught:
        await client.tasks.wait(task, timeout=0.3, progress=False)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.task_id == task.id
    assert server.tasks[task.id]["status"] == "pending"


async def test_a_restart_of_the_server_is_waited_through(connect: Any, server: Any, mode: str) -> None:
    impatient = connect(retry_for=0.1)

    async def call(given: Any) -> Any:
        return await given if mode == "awaiting" else given

    task = await call(impatient.tasks.create(**SUMMARY))
    refused = httpx.ConnectError("refused")

    def on_status(id: int) -> None:
        if not server.faults and len(server.sent("GET", f"task/{id}/status")) == 1:
            server.faults = [refused] * 8
        else:
            server.finish(id, {2: 1, 3: 1, 4: 1})

    server.on_status = on_status
    assert len(await call(impatient.tasks.wait(task, progress=False))) == 3
    assert server.faults == []
    await call(impatient.close())


async def test_a_server_that_stays_away_is_given_up(
    client: Any, server: Any, monkeypatch: pytest.MonkeyPatch, connect: Any
) -> None:
    monkeypatch.setattr("hanse.waiting._PATIENCE_SECONDS", 0.1)
    task = await client.tasks.create(**SUMMARY)
    client.session._retry_for = 0.1
    server.on_status = lambda _: server.faults.extend([httpx.ConnectError("refused")] * 50)
    with pytest.raises(Unavailable, match="no server answers"):
        await client.tasks.wait(task, progress=False)
    server.faults.clear()


async def test_a_task_that_is_deleted_meanwhile_ends_the_waiting(client: Any, server: Any) -> None:
    task = await client.tasks.create(**SUMMARY)
    server.on_status = lambda id: server.finish(id, {2: 1, 3: 1, 4: 1})
    with pytest.raises(NotFound, match="no task 5"):
        await client.tasks.wait(5)
    assert task.id == 1


async def test_progress_has_a_line_per_change_of_a_station_where_there_is_no_terminal(
    client: Any, server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    task = await client.tasks.create(**SUMMARY, organizations=["alpha"])

    def on_status(id: int) -> None:
        if len(server.tasks) == 1:
            server.runs[1]["status"] = "active"
            server.add_task({"image": "i", "collaboration_id": 1, "organizations": [{"id": 3, "input": ""}]}, id)
            server.roll_up(id)
        else:
            server.finish(2, {3: 1})
            server.finish(id, {2: 1})

    server.on_status = on_status
    await client.tasks.wait(task)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "alpha: pending",
        "alpha: active",
        "beta (subtask 2): pending",
        "alpha: completed (1.5 s)",
        "beta (subtask 2): completed (1.5 s)",
    ]


def test_the_live_table_shows_pending_active_and_finished_stations() -> None:
    from rich.console import Console

    from hanse.progress import LiveTable, StationRun, display
    from hanse_core.states import RunStatus

    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    table = display(True, console)
    assert isinstance(table, LiveTable)
    times = ("2026-11-24T02:01:43", "2026-11-24T02:01:45")
    table.show(
        [
            StationRun(1, "alpha", RunStatus.COMPLETED, *times),
            StationRun(2, "beta", RunStatus.ACTIVE, times[0], None),
            StationRun(3, "gamma", RunStatus.PENDING, None, None),
            StationRun(4, "delta", RunStatus.CRASHED, *times),
        ]
    )
    table.note("the server does not answer")
    table.close()
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for text in ("✓  alpha  completed  (2.0 s)", "beta", "active", "·  gamma", "✗  delta  crashed", "does not answer"):
        assert " ".join(text.split()) in " ".join(shown.split())
