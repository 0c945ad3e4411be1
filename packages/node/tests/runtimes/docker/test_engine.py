"""An engine that goes away, is shared, and on which nothing is left."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from docker_engine import OUTSIDE
from hanse_node.docker_settings import Docker
from hanse_node.errors import CannotStart
from hanse_node.runtimes.base import Exit, RunSpec, StartFailed
from hanse_node.runtimes.docker import DockerRuntime
from hanse_node.runtimes.docker.networks import Network
from hanse_node.runtimes.docker.probe import Probe
from waiting import until

pytestmark = [
    pytest.mark.needs("docker"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]

ABSENT = "sha256:" + "0" * 64


async def test_an_engine_that_is_not_there_is_named_with_the_remedy(short_folder: Path) -> None:
    runtime = DockerRuntime("x", Docker(host=f"unix://{short_folder}/nothing.sock"), short_folder / "state")
    try:
        with pytest.raises(CannotStart, match=r"nothing\.sock does not answer .*start it"):
            await runtime.prepare()
        with pytest.raises(StartFailed, match="does not answer"):
            await runtime.resolve("sample")
    finally:
        await runtime.close()


async def test_a_run_is_followed_to_its_end_although_the_engine_was_away(bench: Any) -> None:
    async with Line(bench) as line:
        runtime, reference, spec = await bench.run("result = open(variable('TEMPORARY_FOLDER') + '/gate').readline()")
        waiting = asyncio.create_task(runtime.wait(reference))
        await line.cut()
        with pytest.raises(StartFailed, match="does not answer"):
            await runtime.stop(reference)
        await line.mend()
        bench.open_gate()
        assert await waiting == Exit(0)
        assert json.loads((spec.folder / "output").read_text()) == "go\n"
        await runtime.remove(reference)
        await runtime.close()
        bench.references.clear()
        bench.opened.clear()


async def test_isolation_is_proven_anew_when_the_engine_has_been_away(bench: Any) -> None:
    proofs = []

    class Counts(Probe):
        async def prove(self, network: Network) -> str:
            proofs.append(network.gateway)
            return ""

    async with Line(bench) as line:
        docker = Docker.model_validate(bench.settings)
        runtime = DockerRuntime("counts", docker, bench.folder / "state", spare=0, probe=Counts)
        await runtime.prepare()
        await runtime.prepare()
        assert len(proofs) == 1
        await line.cut()
        with pytest.raises(StartFailed, match="does not answer"):
            await runtime.fetch("sample", ABSENT)
        await line.mend()
        await until(lambda: len(proofs) == 2)
        await runtime.close()
        bench.opened.clear()


UNTIL_TOLD = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print("ready", flush=True)
signal.pause()
"""


async def test_after_a_restart_of_the_engine_runs_have_ended_and_isolation_is_proven_before_the_next(
    bench: Any,
) -> None:
    proofs = []

    class Counts(Probe):
        async def prove(self, network: Network) -> str:
            proofs.append(network.gateway)
            return await super().prove(network)

    docker = Docker.model_validate(bench.settings)
    runtime = DockerRuntime(
        "bench", docker, bench.folder / "state", registry_decides=lambda: False, spare=0, probe=Counts
    )
    bench.opened.append(runtime)
    await runtime.prepare()
    _, reference, _ = await bench.run(UNTIL_TOLD)
    ended = asyncio.create_task(runtime.wait(reference))
    while await runtime.logs(reference) != b"ready\n":  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    next_one = await bench.spec("result = 'again'", run_id=8)
    chain = next(line.split()[1] for line in bench.engine.of_nodes()["rules"])
    await asyncio.to_thread(bench.engine.stop)
    try:
        with pytest.raises(StartFailed, match="does not answer"):
            await runtime.start(next_one)
        bench.engine.within("iptables", "-F", chain)
        assert len(proofs) == 1
    finally:
        bench.engine.start()  # here: it ends with the thread that started it

    assert await ended == Exit(5)
    assert await bench.answer(await bench.start(next_one), next_one) == "again"
    assert len(proofs) == 2
    assert f"-A {chain} -j DROP" in bench.engine.of_nodes()["rules"]
    for each in bench.references:
        await runtime.remove(each)
    await runtime.close()
    assert bench.engine.of_nodes() == {}


async def test_nodes_of_one_name_share_an_engine_and_nothing_else(bench: Any) -> None:
    runtime, reference, _ = await bench.run("hang()")
    docker = Docker.model_validate(bench.settings)
    other = DockerRuntime("bench", docker, bench.folder / "other", registry_decides=lambda: False, spare=0)
    try:
        assert await other.adopt() == {}
        assert await runtime.adopt() == {7: reference}
    finally:
        await other.close()
    await runtime.stop(reference)


async def test_nothing_is_left_when_all_is_over(bench: Any) -> None:
    runtime, reference, _ = await bench.run("pass")
    await runtime.wait(reference)
    assert bench.engine.of_nodes().keys() == {"containers", "networks", "rules"}
    await runtime.remove(reference)
    await runtime.close()
    assert bench.engine.of_nodes() == {}
    assert list((bench.folder / "state").rglob("log")) == []


async def test_the_rules_stay_for_a_run_that_outlives_its_node(bench: Any) -> None:
    runtime, reference, _ = await bench.run("hang()")
    await runtime.close()
    assert bench.engine.of_nodes().keys() == {"containers", "networks", "rules"}
    again = bench.open()
    bench.opened.reverse()
    await again.adopt()
    await again.stop(reference)
    await again.remove(reference)
    await again.close()
    assert bench.engine.of_nodes() == {}


async def test_ten_runs_begin_and_end_at_once(bench: Any) -> None:
    runtime = bench.open()
    specs = [await bench.spec("result = 1", run_id=number) for number in range(10, 20)]

    async def whole(spec: RunSpec) -> Exit:
        reference = await runtime.start(spec)
        ended: Exit = await runtime.wait(reference)
        await runtime.remove(reference)
        return ended

    assert await asyncio.gather(*map(whole, specs)) == [Exit(0)] * 10
    await runtime.close()
    assert bench.engine.of_nodes() == {}


async def test_addresses_of_ones_own_are_used_and_their_end_is_told(bench: Any) -> None:
    bench.settings["addresses"] = "10.214.77.0/28"
    runtime, first, _ = await bench.run("hang()")
    _, second, _ = await bench.run("hang()", run_id=8)
    networks = [network for network in bench.engine.ask("GET", "/networks") if "hanse" in network["Name"]]
    subnets = {network["IPAM"]["Config"][0]["Subnet"] for network in networks}
    assert subnets == {"10.214.77.0/29", "10.214.77.8/29"}
    with pytest.raises(StartFailed, match=r"docker\.addresses .* in use"):
        await runtime.start(await bench.spec("", run_id=9))
    for reference in (first, second):
        await runtime.stop(reference)


async def test_a_start_that_is_given_up_leaves_nothing(bench: Any) -> None:
    async with Line(bench) as line:
        runtime = bench.open()
        spec = await bench.spec("hang()")
        for questions in range(8):
            enough = line.asked + questions
            starting = asyncio.create_task(runtime.start(spec))
            await until(lambda enough=enough, starting=starting: starting.done() or line.asked >= enough)
            starting.cancel()
            await asyncio.wait({starting})
            if not starting.cancelled():
                await runtime.remove(starting.result())
        assert await runtime.adopt() == {}
        await runtime.close()
        bench.opened.clear()
    assert bench.engine.of_nodes() == {}


class Line:
    """Stands between a runtime and its engine, counts what the engine is asked, and can be cut."""

    def __init__(self, bench: Any) -> None:
        self.path = bench.folder / "line.sock"
        self.asked = 0
        self._engine = bench.engine.socket
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        bench.settings["host"] = f"unix://{self.path}"

    async def __aenter__(self) -> "Line":
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def mend(self) -> None:
        self._server = await asyncio.start_unix_server(self._carry, str(self.path))

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self.path.unlink(missing_ok=True)
        for writer in list(self._writers):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_unix_connection(str(self._engine))
        self._writers |= {writer, other_writer}

        async def flow(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    self.asked += source is reader
                    sink.write(data)
                    await sink.drain()
            sink.close()

        await asyncio.gather(flow(reader, other_writer), flow(other_reader, writer))
        self._writers -= {writer, other_writer}
