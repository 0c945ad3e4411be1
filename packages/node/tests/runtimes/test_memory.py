"""The memory runtime misbehaves on purpose, so that a node can be tested against it."""

from collections.abc import Mapping
from typing import Any

import pytest

from hanse_node.runtimes.base import Exit, Limits, StartFailed
from hanse_node.runtimes.memory import MemoryRuntime, Refusal, RunFiles, never_ends, vanishes


async def spec_for(bench: Any, **options: Any) -> Any:
    bench.open()
    return await bench.spec("", **options)


async def test_it_can_refuse_to_start(in_memory: Any) -> None:
    runtime = MemoryRuntime({"sample": Refusal("the engine is full")})
    with pytest.raises(StartFailed, match="the engine is full"):
        await runtime.start(await spec_for(in_memory))
    assert await runtime.adopt() == {}


async def test_it_can_lose_a_run(in_memory: Any) -> None:
    runtime = MemoryRuntime({"sample": vanishes})
    reference = await runtime.start(await spec_for(in_memory))
    assert (await runtime.wait(reference)).reason == "lost"
    assert await runtime.adopt() == {}


async def test_it_can_hang(in_memory: Any) -> None:
    runtime = MemoryRuntime({"sample": never_ends})
    reference = await runtime.start(await spec_for(in_memory, limits=Limits(seconds=0.05)))
    assert await runtime.wait(reference) == Exit(137, "time")


async def test_a_coroutine_and_a_plain_function_are_both_algorithms(in_memory: Any) -> None:
    def plain(environment: Mapping[str, str], files: RunFiles) -> None:
        files.print(files.read_token())

    async def coroutine(environment: Mapping[str, str], files: RunFiles) -> None:
        plain(environment, files)

    spec = await spec_for(in_memory)
    for algorithm in (plain, coroutine):
        runtime = MemoryRuntime({"sample": algorithm})
        reference = await runtime.start(spec)
        assert await runtime.wait(reference) == Exit(0)
        assert await runtime.logs(reference) == b"token\n"
