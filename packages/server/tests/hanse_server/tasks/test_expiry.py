"""Deleting inputs, results and logs of runs that ended long enough ago."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from hanse_server.settings import Settings
from hanse_server.settings.stores import ValueSettings
from hanse_server.tasks.models import Run
from hanse_server.tasks.values import Place
from hanse_web.blobs.memory import MemoryBlobs

LARGE = base64.b64encode(b"x" * 3000).decode()


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """A server that keeps small values inline and has the settings that a test asks for."""
    fields = getattr(request, "param", {})
    return settings.model_copy(update={"values": ValueSettings(inline_bytes=1024), **fields})


def with_settings(**fields: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("settings", [fields], indirect=True)


@pytest.fixture
def store(server: Any) -> MemoryBlobs:
    store = MemoryBlobs()
    server.app.state.values.stores = {Place.VALUES: store}
    return store


@pytest.fixture
async def run_id(clients: Any, world: Any, store: MemoryBlobs) -> int:
    """A finished run of alpha with a large input and a large result; beta's run of the same task is still open."""
    places = [{"id": place.id, "input": LARGE} for place in (world.alpha, world.beta)]
    body = {"collaboration_id": world.main.id, "image": "i", "organizations": places}
    task = (await clients.user("alice").post("/task", json=body)).json()
    found: int = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    assert (await clients.finish("alpha_main", found, result=LARGE, log="a line")).status_code == 200
    return found


async def shown(clients: Any, run_id: int) -> dict[str, Any]:
    """Give what is left of a run: which of its texts are not empty."""
    run = (await clients.user("alice").get(f"/run/{run_id}")).json()
    result = (await clients.user("alice").get(f"/result/{run_id}")).json()
    assert run["cleanup_at"] == result["cleanup_at"]
    texts = {"input": run["input"], "result": result["result"], "log": run["log"]}
    return {"kept": {name for name, text in texts.items() if text}, "cleanup_at": run["cleanup_at"]}


async def after(server: Any, clock: Any, days: float) -> int:
    clock.moment += timedelta(days=days)
    expired: int = await server.app.state.expiry.expire()
    await server.app.state.janitor.sweep()
    return expired


async def test_nothing_expires_unless_that_is_set(clients: Any, server: Any, clock: Any, run_id: int) -> None:
    assert await after(server, clock, 10_000) == 0
    assert await shown(clients, run_id) == {"kept": {"input", "result", "log"}, "cleanup_at": None}


@with_settings(runs_data_cleanup_days=30)
async def test_results_expire_after_the_days_of_the_server(
    clients: Any, server: Any, clock: Any, run_id: int, store: MemoryBlobs
) -> None:
    assert await after(server, clock, 29.9) == 0
    assert await after(server, clock, 0.2) == 1
    assert await after(server, clock, 1) == 0
    left = await shown(clients, run_id)
    assert left["kept"] == {"input", "log"}
    assert left["cleanup_at"].startswith("2026-03-31")
    assert len(store.values) == 2


@with_settings(runs_data_cleanup_days=30, runs_data_cleanup_include_input=True)
async def test_inputs_expire_with_them_where_that_is_set(
    clients: Any, server: Any, clock: Any, run_id: int, store: MemoryBlobs
) -> None:
    await after(server, clock, 31)
    assert (await shown(clients, run_id))["kept"] == {"log"}
    assert len(store.values) == 1  # that of the run which has not ended


@with_settings(runs_data_cleanup_days=0)
async def test_zero_days_are_for_ever(clients: Any, server: Any, clock: Any, run_id: int) -> None:
    assert await after(server, clock, 31) == 0


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"keep_results_days": 7}, {"input", "log"}),
        ({"keep_inputs_days": 7}, {"result", "log"}),
        ({"keep_logs_days": 7}, {"input", "result"}),
        ({"keep_blobs_days": 7}, {"log"}),
        ({"keep_results_days": 7, "keep_inputs_days": 9}, {"input", "log"}),
        ({"keep_results_days": 0, "keep_logs_days": 7}, {"input", "result"}),
    ],
)
async def test_a_collaboration_has_days_of_its_own(
    clients: Any, world: Any, server: Any, clock: Any, run_id: int, fields: dict[str, int], kept: set[str]
) -> None:
    root = clients.user("root")
    before = (await root.get(f"/collaboration/{world.main.id}")).json()
    assert not any(name.startswith("keep_") for name in before)
    changed = await root.patch(f"/collaboration/{world.main.id}", json=fields)
    assert changed.json() == {**before, **fields}
    await root.patch(f"/collaboration/{world.secure.id}", json={"keep_inputs_days": 1, "keep_results_days": 1})
    await after(server, clock, 8)
    assert (await shown(clients, run_id))["kept"] == kept


@with_settings(runs_data_cleanup_days=5)
async def test_a_collaboration_cannot_keep_more_than_the_server(
    clients: Any, world: Any, server: Any, clock: Any, run_id: int
) -> None:
    await clients.user("root").patch(f"/collaboration/{world.main.id}", json={"keep_results_days": 100})
    await after(server, clock, 6)
    assert (await shown(clients, run_id))["kept"] == {"input", "log"}


@pytest.mark.parametrize("days", [-1, 40_000, "x"])
async def test_days_are_days(clients: Any, world: Any, days: Any) -> None:
    answer = await clients.user("root").patch(f"/collaboration/{world.main.id}", json={"keep_logs_days": days})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"keep_logs_days"})


@with_settings(runs_data_cleanup_days=1)
async def test_many_runs_expire_in_batches(clients: Any, make: Any, server: Any, clock: Any, world: Any) -> None:
    task = await clients.task(organizations="alpha")
    for _ in range(230):
        moment = {"assigned_at": clock.moment, "finished_at": clock.moment}
        make.add(Run(task_id=task["id"], organization_id=world.beta.id, status="completed", result="r", **moment))
    assert await after(server, clock, 2) == 230
    assert await after(server, clock, 2) == 0
