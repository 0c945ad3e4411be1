"""What a container reaches, that the node notices when it is too much, and that it is served again after a restart."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from docker_engine import OUTSIDE, Engine
from hanse_node import check
from hanse_node.docker_settings import Docker
from hanse_node.errors import CannotStart
from hanse_node.findings import Problem
from hanse_node.runtimes.base import Exit, StartFailed
from hanse_node.runtimes.docker import DockerRuntime
from hanse_node.runtimes.docker.labels import SOCKET

pytestmark = [
    pytest.mark.needs("docker"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]

ASKS = """
import urllib.request
result = urllib.request.urlopen(variable("HOST") + ":" + variable("PORT") + "/hello").read().decode()
"""


class TestTheProxy:
    async def test_a_run_is_served_by_its_own_proxy(self, bench: Any) -> None:
        runtime = bench.open()
        first, second = await bench.spec(ASKS), await bench.spec(ASKS, run_id=8)
        async with bench.answering(first, "one"), bench.answering(second, "two"):
            references = [await bench.start(spec) for spec in (first, second)]
            assert [await runtime.wait(reference) for reference in references] == [Exit(0)] * 2
        assert [json.loads((spec.folder / "output").read_text()) for spec in (first, second)] == ["one", "two"]

    async def test_a_run_that_was_adopted_is_served_again_at_the_same_address(self, bench: Any) -> None:
        code = "open(variable('TEMPORARY_FOLDER') + '/gate').readline()\n" + ASKS
        former, reference, spec = await bench.run(code)
        await former.close()
        again = bench.open()
        bench.opened.reverse()
        assert await again.adopt() == {7: reference}
        async with bench.answering(spec, "again"):
            bench.open_gate()
            assert await again.wait(reference) == Exit(0), await again.logs(reference)
        assert json.loads((spec.folder / "output").read_text()) == "again"

    async def test_nobody_else_on_the_machine_is_served_as_a_run(self, bench: Any) -> None:
        runtime, reference, spec = await bench.run("hang()")
        found = bench.engine.ask("GET", f"/containers/{reference}/json")
        assert found["Config"]["Labels"][SOCKET] == str(spec.proxy_socket)
        gateway = next(iter(found["NetworkSettings"]["Networks"].values()))["Gateway"]
        port = json.loads((bench.folder / "state" / "identity.json").read_text())["port"]
        program = f"import socket; s = socket.create_connection(('{gateway}', {port})); print(s.recv(1))"
        async with bench.answering(spec, "secret"):
            process = await asyncio.create_subprocess_exec(
                *bench.engine.entering, "python3", "-c", program, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )  # fmt: skip
            said, trouble = await process.communicate()
        assert said == b"b''\n" or b"ConnectionResetError" in trouble
        await runtime.stop(reference)


class TestTheProof:
    @pytest.fixture
    async def made(self, bench: Any) -> AsyncIterator[Any]:
        """Makes runtimes that do try whether runs are isolated."""
        runtimes = []

        def make(**settings: Any) -> DockerRuntime:
            docker = Docker.model_validate({**bench.settings, **settings})
            host, _, port = bench.engine.registry.partition(":")
            outside = [(host, int(port)), ("127.0.0.1", 1), ("no.such.host.invalid", 443)]
            state = bench.folder / "proving"
            runtimes.append(DockerRuntime("p", docker, state, registry_decides=lambda: False, spare=0, outside=outside))
            return runtimes[-1]

        yield make
        for runtime in runtimes:
            await runtime.close()

    async def test_with_the_rules_of_the_node_it_holds(self, made: Any) -> None:
        await made().prepare()

    async def test_without_them_what_was_reached_is_named(self, made: Any, bench: Any) -> None:
        address = bench.engine.within("ip", "-4", "-o", "address", "show", "eth0").split()[3].partition("/")[0]
        with pytest.raises(CannotStart) as caught:
            await made(firewall="verify").prepare()
        assert "would not be isolated" in caught.value.message
        assert f"{address} (this machine)" in caught.value.message
        assert f"{address} (this machine, UDP)" in caught.value.message

    async def test_no_run_starts_before_it_holds(self, made: Any, bench: Any) -> None:
        bench.open()
        spec = await bench.spec("pass")
        runtime = made(firewall="verify")
        with pytest.raises(StartFailed, match="would not be isolated"):
            await runtime.start(spec)
        assert bench.engine.containers("eu.hanse.node=p") == []

    async def test_rules_that_somebody_removed_are_back_before_the_next_run(self, bench: Any) -> None:
        runtime, first, _ = await bench.run("pass")
        chain = next(line.split()[1] for line in bench.engine.within("iptables", "-S").splitlines() if "HANSE" in line)
        for command in (["-F", chain], ["-I", "INPUT", "-j", "ACCEPT"]):
            bench.engine.within("iptables", *command)
        try:
            _, second, _ = await bench.run("pass", run_id=8)
            rules = bench.engine.within("iptables", "-S").splitlines()
            hooks = [line for line in rules if line.startswith("-A INPUT")]
            assert hooks[0].endswith(f"-j {chain}")
            assert f"-A {chain} -j DROP" in rules
        finally:
            bench.engine.within("iptables", "-D", "INPUT", "-j", "ACCEPT")
        for reference in (first, second):
            assert await runtime.wait(reference) == Exit(0)

    async def test_a_proxy_that_cannot_be_reached_is_named(self, made: Any, blocked: None) -> None:
        with pytest.raises(CannotStart, match="does not reach this node"):
            await made(firewall="verify").prepare()

    @pytest.fixture
    def blocked(self, sample_engine: Engine) -> Iterator[None]:
        rule = ("INPUT", "-s", "198.19.0.0/17", "-j", "DROP")
        sample_engine.within("iptables", "-I", *rule)
        yield
        sample_engine.within("iptables", "-D", *rule)

    async def test_a_node_without_the_right_to_set_rules_does_not_start(
        self, made: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runtime = made()
        monkeypatch.setattr(runtime._isolation._firewall, "_enter", ("false",))
        with pytest.raises(CannotStart, match=r"cannot be set .*docker\.firewall: verify"):
            await runtime.prepare()


class TestTheCheck:
    async def test_it_tries_the_isolation_beside_a_node_at_work(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("hang()")
        networks = bench.engine.networks()
        (finding,) = await check._engine(bench.node(), None)
        assert finding.ok, finding
        assert bench.engine.networks() == networks
        assert await runtime.adopt() == {7: reference}

    async def test_it_tells_what_is_open_and_what_does_not_answer(self, bench: Any) -> None:
        (open_,) = await check._engine(bench.node(firewall="verify"), None)
        (silent,) = await check._engine(bench.node(host="unix:///nowhere/docker.sock"), None)
        assert open_.problem == Problem.ISOLATION
        assert silent.problem == Problem.ENGINE
