"""The road from inside a run to the node: stock HOST and PORT outside, one Unix socket per run inside."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

ASKS = """
import json, urllib.request
def ask(path, body=None):
    address = variable('HOST') + ':' + variable('PORT') + variable('API_PATH') + path
    with urllib.request.urlopen(urllib.request.Request(address, data=body), timeout=20) as answer:
        return answer.read().decode()
"""
BOTH = ["unsandboxed", pytest.param("sandboxed", marks=pytest.mark.needs("bwrap"))]


@pytest.fixture(params=BOTH)
def bench(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


@asynccontextmanager
async def node(path: Path, name: str) -> AsyncIterator[asyncio.Queue[str]]:
    """Serve HTTP on a Unix socket: each answer is the name and the length of what was sent."""
    answered: asyncio.Queue[str] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().partition("content-length: ")[2].partition("\r")[0] or 0)
        body = f"{name} {len(await reader.readexactly(length))}".encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        answered.put_nowait(head.split(" ")[1])

    server = await asyncio.start_unix_server(answer, path)
    try:
        yield answered
    finally:
        server.close()
        await server.wait_closed()


async def follow(bench: Any, code: str, run_id: int = 7) -> tuple[Any, str, Path]:
    runtime, reference, spec = await bench.run(ASKS + code, run_id=run_id)
    return runtime, reference, spec.folder / "output"


async def test_a_run_reaches_the_node_with_the_standard_library(bench: Any) -> None:
    async with node(bench.folder / "p7-node", "node") as answered:
        runtime = bench.open()
        spec = await bench.spec(ASKS + "result = ask('/task/1', b'x' * 300_000)")
        (bench.folder / "p7-node").rename(spec.proxy_socket)
        reference = await runtime.start(spec)
        bench.references.append(reference)
        assert (await runtime.wait(reference)).code == 0
    assert (spec.folder / "output").read_text() == '"node 300000"'
    assert answered.get_nowait() == "/task/1"


async def test_many_requests_at_once_all_arrive(bench: Any) -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(20) as pool:
    result = sorted(set(pool.map(lambda n: ask(f'/{n}'), range(60))))
"""
    runtime, reference, output = await follow(bench, code)
    async with node(bench.folder / "p7" / "s", "node") as answered:
        assert (await runtime.wait(reference)).code == 0
    assert output.read_text() == '["node 0"]'
    assert sorted(answered.get_nowait() for _ in range(60)) == sorted(f"/{number}" for number in range(60))


async def test_a_request_is_held_while_the_node_is_away(bench: Any) -> None:
    runtime, reference, output = await follow(bench, "result = ask('/version')")
    await asyncio.sleep(0.3)
    async with node(bench.folder / "p7" / "s", "late"):
        assert (await runtime.wait(reference)).code == 0
    assert output.read_text() == '"late 0"'


async def test_a_run_goes_on_when_the_node_was_restarted(bench: Any) -> None:
    code = """
first = ask('/one')
open(variable('TEMPORARY_FOLDER') + '/gate').readline()
result = [first, ask('/two')]
"""
    runtime, reference, output = await follow(bench, code)
    async with node(bench.folder / "p7" / "s", "former") as answered:
        await answered.get()
    os.unlink(bench.folder / "p7" / "s")
    bench.open_gate()
    await asyncio.sleep(0.2)
    async with node(bench.folder / "p7" / "s", "next"):
        assert (await runtime.wait(reference)).code == 0
    assert output.read_text() == '["former 0", "next 0"]'


async def test_each_run_reaches_only_its_own_socket(bench: Any) -> None:
    async with node(bench.folder / "one", "one"), node(bench.folder / "two", "two"):
        runtime = bench.open()
        started = []
        for run_id, name in ((1, "one"), (2, "two")):
            spec = await bench.spec(ASKS + "result = ask('/')", run_id=run_id)
            (bench.folder / name).rename(spec.proxy_socket)
            started.append((spec, await runtime.start(spec)))
        bench.references += [reference for _, reference in started]
        await asyncio.gather(*(runtime.wait(reference) for _, reference in started))
    assert [(spec.folder / "output").read_text() for spec, _ in started] == ['"one 0"', '"two 0"']
