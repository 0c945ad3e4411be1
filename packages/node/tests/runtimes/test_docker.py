"""What only containers can do, and do wrong, on a real engine."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest

from docker_engine import OUTSIDE, Engine
from hanse_node import ending
from hanse_node.copies import with_copies
from hanse_node.docker_settings import Docker, Registry
from hanse_node.errors import CannotStart
from hanse_node.main import build_docker
from hanse_node.policy_file import Rulebook
from hanse_node.runtimes.base import Exit, ImageMissing, Limits, Mount, RunSpec, StartFailed
from hanse_node.runtimes.docker import DockerRuntime
from hanse_node.runtimes.docker.networks import Network
from hanse_node.runtimes.docker.probe import Probe
from hanse_node.settings import load
from hanse_node.sources import Selection

pytestmark = [
    pytest.mark.needs("docker"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]

ABSENT = "sha256:" + "0" * 64
STATUS = """
import os
lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
def writes(path):
    try:
        open(path, "w").close()
        return True
    except OSError as error:
        return os.strerror(error.errno)
result = {
    "uid": os.getuid(), "capabilities": lines["CapEff"].strip() + lines["CapBnd"].strip(),
    "privileges": lines["NoNewPrivs"].strip(), "filter": lines["Seccomp"].strip(),
    "root": writes("/written"), "scratch": writes("/tmp/written"), "job": writes(variable("TEMPORARY_FOLDER") + "/w"),
}
"""
GIVES_UP_WHEN_FULL = """
import os, time
children = 0
while True:
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    children += 1
"""


@pytest.fixture
def bench(in_containers: Any) -> Any:
    return in_containers


@pytest.fixture
def roomy(bench: Any) -> Any:
    """The same bench, where the image has the profile `v4`."""
    bench.settings["images"] = {"sample": {"profile": "v4"}}
    return bench


@pytest.fixture(params=["strict", "v4"])
def profiled(request: pytest.FixtureRequest, bench: Any) -> Any:
    """The same bench, under each profile."""
    bench.settings["profile"] = request.param
    return bench


def left(bench: Any) -> dict[str, object]:
    """Give what a node has at its engine."""
    namespace = f"--net=/run/netns/{bench.engine.name}"
    rules = [
        line
        for program in ("iptables", "ip6tables")
        for line in subprocess.check_output(["nsenter", namespace, program, "-S"], text=True).splitlines()
        if "HANSE-" in line
    ]
    networks = {name for name in bench.engine.networks() if name.startswith("hanse-")}
    return {"containers": bench.engine.containers("eu.hanse.node"), "networks": networks, "rules": rules}


NOTHING = {"containers": [], "networks": set(), "rules": []}


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


class TestProfiles:
    async def test_a_strict_run_has_no_privileges_and_writes_only_what_is_its_own(self, bench: Any) -> None:
        assert await bench.result(STATUS) == {
            "uid": 65534, "capabilities": "0" * 32, "privileges": "1", "filter": "2",
            "root": "Read-only file system", "scratch": True, "job": True,
        }  # fmt: skip

    async def test_under_v4_it_is_root_on_a_root_of_its_own_and_still_without_capabilities(self, roomy: Any) -> None:
        assert await roomy.result(STATUS) == {
            "uid": 0, "capabilities": "0" * 32, "privileges": "1", "filter": "2",
            "root": True, "scratch": True, "job": True,
        }  # fmt: skip
        assert await roomy.result("import os; result = os.path.exists('/written')", run_id=8) is False

    async def test_a_capability_is_given_back_to_the_images_that_need_it(self, bench: Any) -> None:
        bench.settings["images"] = {"samp*": {"profile": "v4", "capabilities": ["CAP_CHOWN"]}}
        code = "import os; os.chown(variable('OUTPUT_FILE'), 7, 7); result = os.stat(variable('OUTPUT_FILE')).st_uid"
        assert await bench.result(code) == 7

    async def test_a_failure_that_comes_from_the_profile_names_it(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("open('/opt/cache', 'w')")
        ended = await runtime.wait(reference)
        assert (ended.code, ended.reason) == (1, None)
        assert "'strict'" in ended.note
        assert "'v4'" in ended.note

    async def test_a_note_repeats_nothing_of_what_was_printed(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("print('Anna Bloom, 1961'); open('/canary', 'w')")
        assert "Bloom" not in (await runtime.wait(reference)).note

    async def test_databases_cannot_be_written(self, profiled: Any) -> None:
        file, folder = profiled.folder / "lung.csv", profiled.folder / "scans"
        file.write_text("a,b\n1,2\n")
        file.chmod(0o666)
        folder.mkdir()
        folder.chmod(0o777)
        mounts = [Mount("default", "csv", str(file), True), Mount("scans", "folder", str(folder), True)]
        code = STATUS + (
            "result = [writes(variable('DEFAULT_DATABASE_URI')), writes(variable('SCANS_DATABASE_URI') + '/x')]"
        )
        assert await profiled.result(code, mounts=mounts) == ["Read-only file system"] * 2
        assert file.read_text() == "a,b\n1,2\n"

    async def test_copies_can_be_changed_by_any_user_of_the_container(self, profiled: Any) -> None:
        file, folder = profiled.folder / "lung.csv", profiled.folder / "scans"
        file.write_text("a\n1\n")
        file.chmod(0o640)
        (folder / "one").mkdir(parents=True)
        (folder / "one/scan").write_text("old")
        folder.chmod(0o750)
        selected = [Selection("default", "csv", str(file), True), Selection("scans", "folder", str(folder), True)]
        code = (
            "result = []\n"
            "for path in (variable('DEFAULT_DATABASE_URI'), variable('SCANS_DATABASE_URI') + '/one/scan'):\n"
            "    open(path, 'a').write('new'); result.append(open(path).read())\n"
            "open(variable('SCANS_DATABASE_URI') + '/two', 'w').close()\n"
        )
        (profiled.folder / "own").mkdir()
        copied = with_copies(selected, {"default", "scans"}, profiled.folder / "own")
        mounts = [Mount(**asdict(one)) for one in copied]
        assert await profiled.result(code, mounts=mounts) == ["a\n1\nnew", "oldnew"]
        assert (file.read_text(), (folder / "one/scan").read_text()) == ("a\n1\n", "old")

    async def test_a_database_that_only_its_group_may_read_can_be_read(self, bench: Any) -> None:
        file = bench.folder / "lung.csv"
        file.write_text("a\n1\n")
        os.chown(file, 0, 4711)
        file.chmod(0o640)
        mounts = [Mount("default", "csv", str(file), True)]
        assert await bench.result("result = open(variable('DEFAULT_DATABASE_URI')).read()", mounts=mounts) == "a\n1\n"

    async def test_a_database_that_algorithms_may_not_read_is_named_before_the_start(self, bench: Any) -> None:
        file = bench.folder / "lung.csv"
        file.touch(mode=0o600)
        runtime = bench.open()
        with pytest.raises(StartFailed, match=r"'default' may not be read by the user 65534:65534"):
            await runtime.start(await bench.spec("", mounts=[Mount("default", "csv", str(file), True)]))


class TestLimits:
    async def test_too_much_memory_ends_the_run_and_is_told(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("x = bytearray(400_000_000)", limits=Limits(memory_bytes=64_000_000))
        assert await runtime.wait(reference) == Exit(137, "memory")

    async def test_a_fork_bomb_stops_at_the_limit_and_leaves_nothing(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run(GIVES_UP_WHEN_FULL, limits=Limits(processes=20))
        ended = await runtime.wait(reference)
        assert ended.code == 1
        assert "limits.processes" in ended.note

    async def test_processors_are_limited(self, bench: Any) -> None:
        _, reference, _ = await bench.run("pass", limits=Limits(cpus=0.5))
        assert bench.engine.ask("GET", f"/containers/{reference}/json")["HostConfig"]["NanoCpus"] == 500_000_000

    async def test_a_result_larger_than_allowed_cannot_be_written(self, bench: Any) -> None:
        code = "open(variable('OUTPUT_FILE'), 'wb').write(b'x' * 2_000_000)"
        runtime, reference, spec = await bench.run(code, limits=Limits(output_bytes=1_000_000))
        assert "limits.output_bytes" in (await runtime.wait(reference)).note
        assert (spec.folder / "output").stat().st_size <= 1_000_000

    async def test_a_flood_of_100_mb_is_cut_to_its_ends(self, bench: Any) -> None:
        code = "print('first'); [print('x' * 1_000_000) for _ in range(100)]; print('last')"
        runtime, reference, _ = await bench.run(code, limits=Limits(log_bytes=10_000))
        assert await runtime.wait(reference) == Exit(0)
        text = (await runtime.logs(reference)).decode()
        assert text.endswith("x\nlast\n")
        assert "bytes left out here]" in text
        assert len(text) < 10_100

    async def test_bytes_that_are_no_text_do_not_end_the_log(self, bench: Any) -> None:
        code = "import os; os.write(1, b'\\xff\\x00 one\\n'); os.write(2, b'\\x80 two\\n'); os.write(1, b'three')"
        runtime, reference, _ = await bench.run(code)
        await runtime.wait(reference)
        printed = await runtime.logs(reference)
        assert all(piece in printed for piece in (b"\xff\x00 one\n", b"\x80 two\n", b"three"))

    async def test_the_log_can_be_followed_while_the_run_goes_on(self, bench: Any) -> None:
        code = "print('hello'); open(variable('TEMPORARY_FOLDER') + '/gate').readline()"
        runtime, reference, _ = await bench.run(code)
        async with asyncio.timeout(30):
            while not await runtime.logs(reference):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        bench.open_gate()
        await runtime.wait(reference)
        assert await runtime.logs(reference) == b"hello\n"


class TestOutput:
    @pytest.mark.parametrize(
        "trick",
        [
            "os.symlink('/etc/passwd', path)",
            "os.mkdir(path)",
            "os.mkfifo(path)",
            "os.link(variable('INPUT_FILE'), path)",
        ],
    )
    async def test_what_is_no_plain_file_is_not_sent(self, trick: str, profiled: Any) -> None:
        code = f"import os; path = variable('OUTPUT_FILE'); os.remove(path); {trick}"
        runtime, reference, spec = await profiled.run(code)
        assert await runtime.wait(reference) == Exit(0), await runtime.logs(reference)
        with pytest.raises(ending.OutputUnusable):
            ending.read_output(spec.folder / "output", 1000)

    async def test_no_device_can_be_made(self, roomy: Any) -> None:
        code = "import os, stat; os.mknod(variable('OUTPUT_FILE') + '2', stat.S_IFCHR | 0o666, os.makedev(1, 5))"
        runtime, reference, _ = await roomy.run(code)
        assert (await runtime.wait(reference)).code == 1
        assert b"Operation not permitted" in await runtime.logs(reference)


class TestImages:
    @pytest.fixture
    def pushed(self, sample_engine: Engine) -> Iterator[str]:
        """An image that is at the registry only; gives its name and digest."""
        name = f"{sample_engine.registry}/team/sample:1"
        sample_engine.build(name, "FROM sample\nCOPY mark /\n", {"mark": os.urandom(8)})
        sample_engine.push(name)
        found = sample_engine.ask("GET", f"/images/{name}/json")
        sample_engine.ask("DELETE", f"/images/{name}")
        yield f"{name}@{found['RepoDigests'][0].partition('@')[2]}"
        with contextlib.suppress(AssertionError):
            sample_engine.ask("DELETE", f"/images/{found['RepoDigests'][0]}")

    async def spec(self, bench: Any, image: str, digest: str | None = None, run_id: int = 7) -> RunSpec:
        spec: RunSpec = await bench.spec("result = 'ran'", run_id=run_id)
        return replace(spec, image=image, digest=digest or spec.digest)

    async def test_a_tag_is_resolved_at_the_registry_pulled_by_digest_and_run(self, bench: Any, pushed: str) -> None:
        runtime = bench.open()
        tagged, _, digest = pushed.partition("@")
        assert await runtime.resolve(tagged) == digest
        reference = await runtime.start(await self.spec(bench, tagged, digest))
        bench.references.append(reference)
        assert await runtime.wait(reference) == Exit(0)
        repository = tagged.rpartition(":")[0]
        assert bench.engine.ask("GET", f"/images/{repository}@{digest}/json")["RepoTags"] == []

    async def test_the_digest_of_an_index_and_that_of_one_platform_lead_to_the_same_image(
        self, bench: Any, pushed: str
    ) -> None:
        runtime = bench.open()
        repository, platform = pushed.partition("@")[0].rpartition(":")[0], pushed.partition("@")[2]
        index = await asyncio.to_thread(push_index, f"{repository}:several", platform)
        assert await runtime.resolve(f"{repository}:several") == index != platform
        reference = await runtime.start(await self.spec(bench, f"{repository}:several", index))
        bench.references.append(reference)
        assert await runtime.wait(reference) == Exit(0)
        used = bench.engine.ask("GET", f"/containers/{reference}/json")["Image"]
        assert await runtime._images.fetch(f"{repository}:several", platform) == used
        await runtime.remove(reference)
        bench.engine.ask("DELETE", f"/images/{used}", params={"force": True})

    async def test_a_digest_in_the_name_is_believed_without_asking(self, bench: Any) -> None:
        assert await bench.open().resolve(f"nowhere.example:1/x/y@{ABSENT}") == ABSENT

    async def test_what_is_here_is_not_pulled_again(self, bench: Any, pushed: str) -> None:
        runtime = bench.open()
        tagged, _, digest = pushed.partition("@")
        await runtime.fetch(tagged, digest)
        pulls = await self.pulls_of(bench.engine, lambda: runtime.fetch(tagged, digest))
        assert pulls == []

    async def pulls_of(self, engine: Engine, work: Callable[[], Any]) -> list[str]:
        since = engine.ask("GET", "/info")["SystemTime"]
        await work()
        until = engine.ask("GET", "/info")["SystemTime"]
        window = {"since": _seconds(since), "until": _seconds(until), "filters": json.dumps({"event": ["pull"]})}
        answer = engine._http.get("/events", params=window)
        return answer.text.splitlines()

    async def test_a_wrong_digest_is_an_image_that_cannot_be_had(self, bench: Any, pushed: str) -> None:
        runtime = bench.open()
        with pytest.raises(ImageMissing, match="cannot be pulled"):
            await runtime.start(await self.spec(bench, pushed.partition("@")[0], ABSENT))
        assert await runtime.adopt() == {}

    async def test_a_missing_image_is_named_with_the_cause(self, bench: Any) -> None:
        with pytest.raises(ImageMissing, match=r"team/nothing:1'.*(unknown|not found)"):
            await bench.open().resolve(f"{bench.engine.registry}/team/nothing:1")

    @pytest.mark.parametrize(
        "name", ["", "a b", "UPPER/case", "x@sha256:12", "../../etc", "a//b", "x?y=1", "http://h/x"]
    )
    async def test_what_is_no_name_never_reaches_the_engine(self, bench: Any, name: str) -> None:
        with pytest.raises(ImageMissing, match="is not the name of an image"):
            await bench.open().resolve(name)

    async def test_the_id_of_another_image_does_not_run_under_an_allowed_name(self, bench: Any) -> None:
        runtime = bench.open()
        other = await runtime.resolve("sample")
        allowed = f"{bench.engine.registry}/team/allowed:1"
        with pytest.raises(ImageMissing):
            await runtime.start(await self.spec(bench, f"{allowed}@{other}", other))

    async def test_where_the_registry_decides_a_local_image_is_not_enough(self, bench: Any) -> None:
        runtime = DockerRuntime("bench", Docker.model_validate(bench.settings), bench.folder / "other")
        try:
            with pytest.raises(ImageMissing, match="require_algorithm_pull"):
                await runtime.resolve("sample")
        finally:
            await runtime.close()

    async def test_the_policy_in_its_own_file_says_whether_the_registry_decides_also_once_it_has_changed(
        self, bench: Any
    ) -> None:
        policy, folder = bench.folder / "policy.yaml", bench.folder / "by-file"
        policy.write_text("allowed_algorithms: sample\nrequire_algorithm_pull: false\n")
        docker = {**bench.settings, "network_namespace": str(bench.settings["network_namespace"])}
        fields = {"api_key": "k", "server_url": "http://localhost", "policies_file": str(policy), "docker": docker}
        (bench.folder / "node.yaml").write_text(json.dumps({**fields, "directory": str(folder)}))
        settings = load(bench.folder / "node.yaml", environment={})
        book = Rulebook(settings, environment={})
        runtime = build_docker(settings, folder, lambda: book.edition.policies)
        try:
            assert await runtime.resolve("sample") == await bench.open().resolve("sample")
            policy.write_text("allowed_algorithms: sample\n")
            book.look(), book.look()
            with pytest.raises(ImageMissing, match="require_algorithm_pull"):
                await runtime.resolve("sample")
        finally:
            await runtime.close()

    async def test_a_private_registry_gets_its_credentials(self, bench: Any, private_registry: str) -> None:
        name = f"{private_registry}/team/private:1"
        bench.engine.build(name, "FROM sample\nCOPY mark /\n", {"mark": os.urandom(8)})
        credentials = {"X-Registry-Auth": "eyJ1c2VybmFtZSI6Im5vZGUiLCJwYXNzd29yZCI6InNlY3JldCJ9"}
        assert '"error"' not in bench.engine._http.post(f"/images/{name}/push", headers=credentials).text
        bench.engine.ask("DELETE", f"/images/{name}")
        registry = Registry.model_validate({"registry": private_registry, "username": "node", "password": "secret"})
        docker = Docker.model_validate(bench.settings)
        stranger = DockerRuntime("bench", docker, bench.folder / "stranger")
        member = DockerRuntime("bench", docker, bench.folder / "member", registries=[registry])
        try:
            with pytest.raises(ImageMissing, match=r"no basic auth credentials|unauthorized"):
                await stranger.resolve(name)
            digest = await member.resolve(name)
            with pytest.raises(ImageMissing):
                await stranger.fetch(name, digest)
            await member.fetch(name, digest)
        finally:
            await stranger.close()
            await member.close()
        bench.engine.ask("DELETE", f"/images/{name.rpartition(':')[0]}@{digest}")

    async def test_who_gives_up_waiting_for_a_pull_does_not_end_it_for_the_others(self, bench: Any) -> None:
        runtime = bench.open()
        async with silent_registry(bench.engine) as (address, asked):
            image = f"{address}/team/slow:1"
            first, second = (asyncio.create_task(runtime.fetch(image, ABSENT)) for _ in range(2))
            await until(lambda: "manifests" in asked)
            first.cancel()
            await asyncio.wait({first})
            assert (first.cancelled(), second.done()) == (True, False)
            second.cancel()
            await asyncio.wait({second})
            assert asked.count("manifests") == 1
            third = asyncio.create_task(runtime.fetch(image, ABSENT))
            await until(lambda: asked.count("manifests") == 2)
            third.cancel()
            await asyncio.wait({third})
        assert left(bench)["containers"] == []

    async def test_a_silent_registry_is_given_up(self, bench: Any) -> None:
        bench.settings["pull_silence"] = 0.3
        runtime = bench.open()
        async with silent_registry(bench.engine) as (address, _):
            with pytest.raises(ImageMissing, match="no progress"):
                await runtime.fetch(f"{address}/team/slow:1", ABSENT)


def push_index(name: str, platform: str) -> str:
    """Put an index that leads to this platform's manifest in the registry; gives its digest."""
    host, _, path = name.partition("/")
    repository, _, tag = path.rpartition(":")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    with httpx.Client(base_url=f"http://{host}/v2/{repository}/manifests/") as registry:
        manifest = registry.get(platform, headers={"Accept": kind})
        machine = {"os": "linux", "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]}
        entry = {"mediaType": kind, "digest": platform, "size": len(manifest.content), "platform": machine}
        lists = "application/vnd.docker.distribution.manifest.list.v2+json"
        index = {"schemaVersion": 2, "mediaType": lists, "manifests": [entry]}
        put = registry.put(tag, content=json.dumps(index), headers={"Content-Type": lists})
        assert put.status_code == 201, put.text
        return str(put.headers["Docker-Content-Digest"])


def _seconds(text: str) -> str:
    from datetime import datetime

    return str(datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp())


@contextlib.asynccontextmanager
async def silent_registry(engine: Engine) -> AsyncIterator[tuple[str, list[str]]]:
    """Be a registry that never gives a manifest; tells what was asked for."""
    asked: list[str] = []
    serving: set[asyncio.Task[None]] = set()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.read(2000):
                if not request.startswith(b"GET"):  # which is TLS
                    break
                if request.startswith(b"GET /v2/ "):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                else:
                    asked.append(request.split(b"/")[4].decode())
        finally:
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.get_running_loop().create_task(keep(reader, writer)))

    server = await asyncio.start_server(begin, engine.gateway, 0)
    async with server:
        yield f"{engine.gateway}:{server.sockets[0].getsockname()[1]}", asked
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


@pytest.fixture
def private_registry(sample_engine: Engine, short_folder: Path) -> Iterator[str]:
    """A registry that asks for a name and a password."""
    with socket.socket() as free:
        free.bind((sample_engine.gateway, 0))
        address = f"{sample_engine.gateway}:{free.getsockname()[1]}"
    passwords = short_folder / "htpasswd"
    passwords.write_text(f"node:{bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}\n")
    settings = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(short_folder / "registry")}},
        "http": {"addr": address},
        "auth": {"htpasswd": {"realm": "ours", "path": str(passwords)}},
    }
    config = short_folder / "registry.yaml"
    config.write_text(json.dumps(settings))
    with (short_folder / "registry.log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)
    try:
        host, _, port = address.partition(":")
        for _ in range(500):
            with socket.socket() as trial:
                if trial.connect_ex((host, int(port))) == 0:
                    break
            assert process.poll() is None
            trial.close()
            subprocess.run(["sleep", "0.02"], check=True)
        yield address
    finally:
        process.kill()
        process.wait(30)


class TestTheEngine:
    async def test_an_engine_that_is_not_there_is_named_with_the_remedy(self, short_folder: Path) -> None:
        runtime = DockerRuntime("x", Docker(host=f"unix://{short_folder}/nothing.sock"), short_folder / "state")
        try:
            with pytest.raises(CannotStart, match=r"nothing\.sock does not answer .*start it"):
                await runtime.prepare()
            with pytest.raises(StartFailed, match="does not answer"):
                await runtime.resolve("sample")
        finally:
            await runtime.close()

    async def test_a_run_is_followed_to_its_end_although_the_engine_was_away(self, bench: Any) -> None:
        async with Line(bench) as line:
            runtime, reference, spec = await bench.run(
                "result = open(variable('TEMPORARY_FOLDER') + '/gate').readline()"
            )
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

    async def test_isolation_is_proven_anew_when_the_engine_has_been_away(self, bench: Any) -> None:
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

    async def test_nodes_of_one_name_share_an_engine_and_nothing_else(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("hang()")
        docker = Docker.model_validate(bench.settings)
        other = DockerRuntime("bench", docker, bench.folder / "other", registry_decides=lambda: False, spare=0)
        try:
            assert await other.adopt() == {}
            assert await runtime.adopt() == {7: reference}
        finally:
            await other.close()
        await runtime.stop(reference)

    async def test_nothing_is_left_when_all_is_over(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("pass")
        await runtime.wait(reference)
        assert all(left(bench).values())
        await runtime.remove(reference)
        await runtime.close()
        assert left(bench) == NOTHING
        assert list((bench.folder / "state").rglob("log")) == []

    async def test_the_rules_stay_for_a_run_that_outlives_its_node(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("hang()")
        await runtime.close()
        assert all(left(bench).values())
        again = bench.open()
        bench.opened.reverse()
        await again.adopt()
        await again.stop(reference)
        await again.remove(reference)
        await again.close()
        assert left(bench) == NOTHING

    async def test_ten_runs_begin_and_end_at_once(self, bench: Any) -> None:
        runtime = bench.open()
        specs = [await bench.spec("result = 1", run_id=number) for number in range(10, 20)]

        async def whole(spec: RunSpec) -> Exit:
            reference = await runtime.start(spec)
            ended: Exit = await runtime.wait(reference)
            await runtime.remove(reference)
            return ended

        assert await asyncio.gather(*map(whole, specs)) == [Exit(0)] * 10
        await runtime.close()
        assert left(bench) == NOTHING

    async def test_addresses_of_ones_own_are_used_and_their_end_is_told(self, bench: Any) -> None:
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

    async def test_a_start_that_is_given_up_leaves_nothing(self, bench: Any) -> None:
        runtime = bench.open()
        spec = await bench.spec("hang()")
        for pause in (0.0, 0.05, 0.1, 0.2, 0.3):
            starting = asyncio.create_task(runtime.start(spec))
            await asyncio.sleep(pause)
            starting.cancel()
            await asyncio.wait({starting})
            if not starting.cancelled():
                await runtime.remove(starting.result())
        assert await runtime.adopt() == {}
        await runtime.close()
        assert left(bench) == NOTHING


class Line:
    """Stands between a runtime and its engine, and can be cut."""

    def __init__(self, bench: Any) -> None:
        self.path = bench.folder / "line.sock"
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
                    sink.write(data)
                    await sink.drain()
            sink.close()

        await asyncio.gather(flow(reader, other_writer), flow(other_reader, writer))
        self._writers -= {writer, other_writer}
