"""A line that drops, doubles and delays, an engine that goes on, and a node that is stopped again and again."""

import asyncio
from random import Random
from typing import Any

import pytest

from hanse_core.states import RunStatus
from hanse_node.runs import Phase
from hanse_node.runtimes.memory import MemoryRuntime
from hanse_node.uplink.memory import Faults

RUNS = 12


def bad_line(seed: int) -> Faults:
    return Faults(drop_request=0.15, drop_answer=0.15, double=0.1, stale=0.3, chance=Random(seed))


async def restless(bench: Any, seed: int, **more: Any) -> None:
    """Start the node anew a few times, each time after a moment, then let it work in peace."""
    chance = Random(seed)
    bench.uplink.faults = bad_line(seed)
    for _ in range(4):
        async with bench.node(**more):
            await asyncio.sleep(chance.uniform(0.0, 0.15))
    async with bench.node(**more):
        bench.uplink.faults = Faults()
        await bench.uplink.all_finished()
        await bench.until(lambda: not bench.engine.runs)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hanse_node.backoff.Backoff.next_pause", lambda self: 0.01)


@pytest.mark.parametrize("seed", range(6))
async def test_each_run_is_executed_and_answered_once(bench: Any, payload: str, seed: int) -> None:
    runs = [bench.uplink.create(run_id, payload=payload) for run_id in range(1, RUNS + 1)]
    await restless(bench, seed)
    assert [run.status for run in runs] == [RunStatus.COMPLETED] * RUNS
    assert [run.finishes for run in runs] == [1] * RUNS
    assert bench.engine.started == RUNS


@pytest.mark.parametrize("seed", range(4))
async def test_kills_reach_every_run_however_they_arrive(bench: Any, payload: str, seed: int) -> None:
    chance = Random(seed)
    for run_id in range(1, RUNS + 1):
        bench.uplink.create(run_id, image=chance.choice(["hanse/hangs", "hanse/summary"]), payload=payload)

    async def killer() -> None:
        for run_id in sorted(bench.uplink.runs, key=lambda _: chance.random()):
            await asyncio.sleep(chance.uniform(0, 0.04))
            if bench.uplink.runs[run_id].finished_at is None:
                bench.uplink.kill(run_id, tell=chance.random() < 0.5)

    killing = asyncio.create_task(killer())
    await restless(bench, seed, limits={"parallel_runs": 5})
    await killing
    finished = bench.uplink.runs.values()
    assert {run.status for run in finished} <= {RunStatus.KILLED, RunStatus.COMPLETED}
    assert all(run.finishes == 1 for run in finished)
    assert bench.engine.started <= RUNS


async def test_a_full_disk_delays_a_run_but_loses_nothing(
    bench: Any, payload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bench.uplink.create(1, payload=payload)
    async with bench.node() as station:
        real = station.journal.save
        failures = iter([True] * 3)

        def save(*arguments: Any) -> None:
            if next(failures, False):
                station.journal._connection.execute("PRAGMA query_only = 1")
            try:
                real(*arguments)
            finally:
                station.journal._connection.execute("PRAGMA query_only = 0")

        monkeypatch.setattr(type(station.journal), "save", lambda self, *arguments: save(*arguments))
        await bench.uplink.all_finished()
    assert run.finishes == 1
    assert bench.engine.started <= 1


async def test_runs_end_with_a_node_that_is_told_so(bench: Any, payload: str) -> None:
    bench.uplink.create(1, image="hanse/hangs", payload=payload)
    async with bench.node(on_stop="end") as station:
        await bench.until(lambda: [run.phase for run, _ in station.journal.unfinished()] == [Phase.RUNNING])
        (reference,) = (await station.runtime.adopt()).values()
    assert (await MemoryRuntime(bench.algorithms, bench.engine).wait(reference)).reason == "killed"
