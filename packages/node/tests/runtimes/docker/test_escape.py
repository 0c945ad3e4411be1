"""Escaping from a run: the same attempts that work in an open container fail under every profile and under gVisor."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docker_engine import OUTSIDE
from hanse_node import check
from hanse_node.docker_settings import Docker
from hanse_node.errors import CannotStart
from hanse_node.runtimes.base import Door, Limits, Mount
from hanse_node.runtimes.docker import DockerRuntime

pytestmark = [
    pytest.mark.needs("docker"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]

DATABASE = 5432
PROGRAM = (Path(__file__).parent / "escape.py").read_text()
LISTENS = """
import socket, threading
tcp, udp = (socket.socket(socket.AF_INET6, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))
for trap in (tcp, udp):
    trap.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    trap.bind(("", 9999))
tcp.listen(100)
print("ready", flush=True)
while True:
    data, peer = udp.recvfrom(100)
    udp.sendto(data, peer)
"""
FORKS = """
import os, time
children = 0
try:
    while children < 200:
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
        children += 1
except OSError as error:
    result = [children, error.strerror]
"""
GVISOR = pytest.param({"oci_runtime": "runsc"}, id="gvisor", marks=pytest.mark.needs("runsc"))


@pytest.fixture(
    params=[pytest.param({}, id="strict"), pytest.param({"profile": "v4"}, id="v4"), GVISOR],
)
def bench(request: pytest.FixtureRequest, in_containers: Any) -> Any:
    in_containers.settings |= request.param
    return in_containers


@pytest.fixture
def sandboxed(in_containers: Any) -> Any:
    in_containers.settings["oci_runtime"] = "runsc"
    return in_containers


def program(plan: dict[str, Any]) -> str:
    return PROGRAM.replace("PLAN: dict = {}", f"PLAN: dict = {plan!r}")


@pytest.fixture
async def host(bench: Any) -> AsyncIterator[list[str]]:
    """Listen on every address of the engine's host; gives those that are the host's own."""
    command = (*bench.engine.entering, "python3", "-c", LISTENS)
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    listed = bench.engine.within("ip", "-4", "-o", "address").splitlines()
    yield [line.split()[3].partition("/")[0] for line in listed if " lo " not in line]
    process.kill()
    await process.communicate()


async def test_what_works_in_an_open_container_fails_in_a_run(bench: Any, host: list[str]) -> None:
    database, unselected = bench.folder / "lung.csv", bench.folder / "heart.csv"
    for path in (database, unselected):
        path.write_text("a\n1\n")
        path.chmod(0o666)
    runtime = bench.open()
    other_spec = await bench.spec("hang()", run_id=9)
    door = Door(other_spec.proxy_socket.parent / "d", "database-1", DATABASE, label="heart")
    other_spec = replace(other_spec, doors=[door])
    other = await bench.start(other_spec)
    joined = bench.engine.ask("GET", f"/containers/{other}/json")["NetworkSettings"]["Networks"].values()
    neighbour, gateway = next((net["IPAddress"], net["Gateway"]) for net in joined)
    cable, _, registry_port = bench.engine.registry.partition(":")
    files = {
        "the token of another run": other_spec.folder / "token",
        "the input of another run": other_spec.folder / "input",
        "an unselected database": unselected, "the node's own state": bench.folder / "state/identity.json",
    }  # fmt: skip
    plan = {
        "tcp": [(cable, int(registry_port)), *((address, 9999) for address in (*host, gateway)), (gateway, DATABASE)],
        "here": sorted({*host, gateway}), "udp": 9999, "names": ["localhost"],
        "files": {what: str(path) for what, path in files.items()},
    }  # fmt: skip

    open_ = await in_the_open(bench, {**plan, "mounted": "/data.csv", "database": str(database), "folder": "/tmp"})
    assert {what for what, how in open_.items() if how != "worked"} == set()

    assert database.read_text() == "x\n1\n"
    never = [(neighbour, 80), ("169.254.169.254", 80), ("1.1.1.1", 53), ("fe80::1%eth0", 9999), ("2606:4700::1111", 53)]
    data = dict.fromkeys(["mounted", "database"], "/mnt/default.csv")
    names = ["example.org", "host.docker.internal"]
    inside = {**plan, **data, "tcp": [*plan["tcp"], *never], "names": names, "folder": "/mnt/tmp"}
    told = await bench.result(program(inside), mounts=[Mount("default", "csv", str(database), True)])
    assert {what for what, how in told.items() if how != "failed"} == set()
    assert database.read_text() == "x\n1\n"
    await runtime.stop(other)


async def in_the_open(bench: Any, plan: dict[str, Any]) -> dict[str, str]:
    """Carry the attempts out in a container that is not confined at all."""
    engine = bench.engine
    config = {
        "Image": "sample",
        "Cmd": ["python", "-c", program({**plan, "prints": True})],
        "HostConfig": {
            "CapAdd": ["SYS_ADMIN", "SYS_PTRACE", "NET_RAW", "MKNOD"],
            "SecurityOpt": ["seccomp=unconfined"],
            "MaskedPaths": [],
            "ReadonlyPaths": [],
            "PidMode": "host",
            "Binds": [
                f"{bench.folder}:{bench.folder}",
                f"{plan['database']}:/data.csv:ro",
                "/var/run/docker.sock:/var/run/docker.sock",
            ],
        },
    }
    container = engine.ask("POST", "/containers/create", json=config)["Id"]
    try:
        engine.ask("POST", f"/containers/{container}/start")
        await asyncio.to_thread(engine.ask, "POST", f"/containers/{container}/wait")
        told: dict[str, str] = json.loads(engine.output(container).splitlines()[-1])
    finally:
        engine.ask("DELETE", f"/containers/{container}", params={"force": True})
    return told


async def test_a_run_finds_only_what_is_its_own_below_mnt(bench: Any) -> None:
    code = "import os; result = sorted(os.path.join(f, n) for f, _, names in os.walk('/mnt') for n in names)"
    assert await bench.result(code) == [
        *(f"/mnt/data/task-000000007/{name}" for name in ("input", "output", "token")), "/mnt/tmp/gate",
    ]  # fmt: skip


@pytest.mark.needs("runsc")
class TestGvisor:
    async def test_a_run_is_under_another_kernel_than_this_machines(self, sandboxed: Any) -> None:
        told = await sandboxed.result("import os; result = [os.uname().release, os.getuid()]")
        assert told == ["4.4.0", 65534]

    async def test_processes_are_limited_without_the_sandboxs_own_counting(self, sandboxed: Any) -> None:
        assert await sandboxed.result(FORKS, limits=Limits(processes=20)) == [19, "Resource temporarily unavailable"]

    async def test_too_much_memory_ends_the_run(self, sandboxed: Any) -> None:
        code = "x = bytearray(400_000_000)"
        runtime, reference, _ = await sandboxed.run(code, limits=Limits(memory_bytes=128_000_000))
        ended = await runtime.wait(reference)
        assert ended.code == 137
        assert ended.reason in ("memory", "killed")  # the engine may hear of the end before it hears of the cause

    async def test_a_failure_that_comes_from_the_profile_names_it(self, sandboxed: Any) -> None:
        runtime, reference, _ = await sandboxed.run("open('/opt/cache', 'w')")
        assert "'strict'" in (await runtime.wait(reference)).note

    async def test_the_check_proves_the_isolation_and_tells_which_runtime_holds(self, sandboxed: Any) -> None:
        (finding,) = await check._engine(sandboxed.node(), None)
        assert finding.ok, finding
        assert "runsc, with a kernel of its own (4.4.0)" in finding.text

    async def test_single_images_run_under_gvisor_where_the_settings_say_so(self, in_containers: Any) -> None:
        bench, code = in_containers, "import os; result = os.uname().release"
        bench.settings["images"] = {"guarded*": {"oci_runtime": "runsc"}}
        bench.engine.ask("POST", "/images/sample/tag", params={"repo": "guarded", "tag": "latest"})
        assert await bench.result(code) == os.uname().release
        spec = replace(await bench.spec(code, run_id=8), image="guarded")
        assert await bench.answer(await bench.start(spec), spec) == "4.4.0"
        told = "OCI runtime: runsc, profile: strict"
        assert bench.opened[0].holds(spec) == told
        (finding,) = await check._engine(bench.node(), None)
        assert "the default of the engine, with this machine's kernel; runsc, with a kernel of its own" in finding.text

    async def test_a_runtime_that_is_gvisor_in_name_only_is_found_out(self, sandboxed: Any) -> None:
        docker = Docker.model_validate({**sandboxed.settings, "oci_runtime": "runsc-in-name-only"})
        runtime = DockerRuntime("p", docker, sandboxed.folder / "proving", registry_decides=lambda: False, spare=0)
        try:
            with pytest.raises(CannotStart, match=r"runsc-in-name-only.* this machine's own kernel"):
                await runtime.prepare()
        finally:
            await runtime.close()
