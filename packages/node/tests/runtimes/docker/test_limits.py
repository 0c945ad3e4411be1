"""Where a run is stopped: memory, processes, processors, the output and the log."""

import asyncio
from typing import Any

import pytest

from docker_engine import OUTSIDE, cgroups
from hanse_node.runtimes.base import Exit, Limits

pytestmark = [
    pytest.mark.needs("docker"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]

GIVES_UP_WHEN_FULL = """
import os, time
children = 0
while True:
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    children += 1
"""


async def test_too_much_memory_ends_the_run_and_is_told(bench: Any) -> None:
    runtime, reference, _ = await bench.run("x = bytearray(400_000_000)", limits=Limits(memory_bytes=64_000_000))
    assert await runtime.wait(reference) == Exit(137, "memory")


async def test_a_fork_bomb_stops_at_the_limit_and_leaves_nothing(bench: Any) -> None:
    runtime, reference, _ = await bench.run(GIVES_UP_WHEN_FULL, limits=Limits(processes=20))
    ended = await runtime.wait(reference)
    assert ended.code == 1
    assert "limits.processes" in ended.note


async def test_processors_are_limited(bench: Any) -> None:
    runtime, reference, _ = await bench.run("hang()", limits=Limits(cpus=0.5))
    groups = [top / reference for top in cgroups(bench.engine.name)]
    names = ("cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us")  # one file, or two in this order
    told = [(group / name).read_text() for name in names for group in groups if (group / name).exists()]
    quota, period = " ".join(told).split()[:2]
    assert int(quota) / int(period) == 0.5
    await runtime.stop(reference)


async def test_a_result_larger_than_allowed_cannot_be_written(bench: Any) -> None:
    code = "open(variable('OUTPUT_FILE'), 'wb').write(b'x' * 2_000_000)"
    runtime, reference, spec = await bench.run(code, limits=Limits(output_bytes=1_000_000))
    assert "limits.output_bytes" in (await runtime.wait(reference)).note
    assert (spec.folder / "output").stat().st_size <= 1_000_000


async def test_a_flood_of_100_mb_is_cut_to_its_ends(bench: Any) -> None:
    code = "print('first'); [print('x' * 1_000_000) for _ in range(100)]; print('last')"
    runtime, reference, _ = await bench.run(code, limits=Limits(log_bytes=10_000))
    assert await runtime.wait(reference) == Exit(0)
    text = (await runtime.logs(reference)).decode()
    assert text.endswith("x\nlast\n")
    assert "bytes left out here]" in text
    assert len(text) < 10_100


async def test_bytes_that_are_no_text_do_not_end_the_log(bench: Any) -> None:
    code = "import os; os.write(1, b'\\xff\\x00 one\\n'); os.write(2, b'\\x80 two\\n'); os.write(1, b'three')"
    runtime, reference, _ = await bench.run(code)
    await runtime.wait(reference)
    printed = await runtime.logs(reference)
    assert all(piece in printed for piece in (b"\xff\x00 one\n", b"\x80 two\n", b"three"))


async def test_the_log_can_be_followed_while_the_run_goes_on(bench: Any) -> None:
    code = "print('hello'); open(variable('TEMPORARY_FOLDER') + '/gate').readline()"
    runtime, reference, _ = await bench.run(code)
    async with asyncio.timeout(30):
        while not await runtime.logs(reference):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    bench.open_gate()
    await runtime.wait(reference)
    assert await runtime.logs(reference) == b"hello\n"
