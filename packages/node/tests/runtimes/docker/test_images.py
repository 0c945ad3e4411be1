"""Which images run: resolved, pulled and believed."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest

from docker_engine import OUTSIDE, Engine, registry
from hanse_node import check
from hanse_node.docker_settings import Docker, Registry
from hanse_node.findings import Problem
from hanse_node.main import build_docker
from hanse_node.policy_file import Rulebook
from hanse_node.runtimes.base import Exit, ImageMissing, RunSpec, StartFailed
from hanse_node.runtimes.docker import DockerRuntime
from hanse_node.settings_file import load
from token_server import token_server
from waiting import until

pytestmark = [
    pytest.mark.needs("docker"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]

ABSENT = "sha256:" + "0" * 64


@pytest.fixture
def pushed(sample_engine: Engine) -> Iterator[str]:
    """An image that is at the registry only; gives its name and digest."""
    name = f"{sample_engine.registry}/team/sample:1"
    sample_engine.build(name, "FROM sample\nCOPY mark /\n", {"mark": os.urandom(8)})
    sample_engine.push(name)
    found = sample_engine.ask("GET", f"/images/{name}/json")
    sample_engine.ask("DELETE", f"/images/{name}")
    yield f"{name}@{found['RepoDigests'][0].partition('@')[2]}"
    with contextlib.suppress(AssertionError):
        sample_engine.ask("DELETE", f"/images/{found['RepoDigests'][0]}")


async def spec_of(bench: Any, image: str, digest: str | None = None, run_id: int = 7) -> RunSpec:
    spec: RunSpec = await bench.spec("result = 'ran'", run_id=run_id)
    return replace(spec, image=image, digest=digest or spec.digest)


async def test_a_tag_is_resolved_at_the_registry_pulled_by_digest_and_run(bench: Any, pushed: str) -> None:
    runtime = bench.open()
    tagged, _, digest = pushed.partition("@")
    assert await runtime.resolve(tagged) == digest
    reference = await bench.start(await spec_of(bench, tagged, digest))
    assert await runtime.wait(reference) == Exit(0)
    repository = tagged.rpartition(":")[0]
    assert bench.engine.ask("GET", f"/images/{repository}@{digest}/json")["RepoTags"] == []


async def test_the_digest_of_an_index_and_that_of_one_platform_lead_to_the_same_image(bench: Any, pushed: str) -> None:
    runtime = bench.open()
    repository, platform = pushed.partition("@")[0].rpartition(":")[0], pushed.partition("@")[2]
    index = await asyncio.to_thread(push_index, f"{repository}:several", platform)
    assert await runtime.resolve(f"{repository}:several") == index != platform
    reference = await bench.start(await spec_of(bench, f"{repository}:several", index))
    assert await runtime.wait(reference) == Exit(0)
    used = bench.engine.ask("GET", f"/containers/{reference}/json")["Image"]
    assert await runtime._images.fetch(f"{repository}:several", platform) == used
    await runtime.remove(reference)
    bench.engine.ask("DELETE", f"/images/{used}", params={"force": True})


async def test_a_digest_in_the_name_is_believed_without_asking(bench: Any) -> None:
    assert await bench.open().resolve(f"nowhere.example:1/x/y@{ABSENT}") == ABSENT


@pytest.mark.parametrize(
    ("place", "declared"),
    [
        ("/usr/local/lib/python3.13/site-packages", "PYTHON_VERSION=3.13.5"),
        ("/venv/lib/python3.12/site-packages", "PYTHON_VERSION=3.12.0 VIRTUAL_ENV=/venv"),
        ("/packages", "PYTHONPATH=/usr/local/lib/sample:/packages"),
    ],
)
async def test_an_image_of_the_next_contract_is_refused_with_that_cause(bench: Any, place: str, declared: str) -> None:
    runtime, package = bench.open(), "vantage6/algorithm/decorator/__init__.py"
    for name, environment in {"team/next:1": f"PKG_NAME=x {declared}", "team/other:1": declared}.items():
        dockerfile = f"FROM sample\nENV {environment}\nCOPY package {place}/{package}\n"
        bench.engine.build(name, dockerfile, {"package": b""})
    digest = await runtime.resolve("team/next:1")
    with pytest.raises(StartFailed, match="made for vantage6 5"):
        await runtime.start(await spec_of(bench, "team/next:1", digest))
    assert await runtime.adopt() == {}
    other = await spec_of(bench, "team/other:1", await runtime.resolve("team/other:1"), run_id=8)
    assert await runtime.wait(await bench.start(other)) == Exit(0)


async def test_an_image_whose_packages_are_looked_for_in_a_file_runs(bench: Any) -> None:
    runtime = bench.open()
    declared = "PKG_NAME=x PYTHONPATH=/usr/local/lib/sample:/etc/passwd:nowhere"
    bench.engine.build("team/zipped:1", f"FROM sample\nENV {declared}\n", {})
    spec = await spec_of(bench, "team/zipped:1", await runtime.resolve("team/zipped:1"))
    assert await runtime.wait(await bench.start(spec)) == Exit(0)


async def test_what_is_here_is_not_pulled_again(bench: Any, pushed: str) -> None:
    runtime = bench.open()
    tagged, _, digest = pushed.partition("@")
    pulls = [await pulls_of(bench.engine, lambda: runtime.fetch(tagged, digest)) for _ in range(2)]
    assert [len(each) for each in pulls] == [1, 0]


async def pulls_of(engine: Engine, work: Callable[[], Any]) -> list[str]:
    """Give what the engine pulls while something is done."""

    def now() -> float:
        return datetime.fromisoformat(engine.ask("GET", "/info")["SystemTime"]).timestamp()

    since = now()
    await work()
    window = {"since": since, "until": now(), "filters": json.dumps({"event": ["pull"]})}
    return engine._http.get("/events", params=window).text.splitlines()


async def test_a_wrong_digest_is_an_image_that_cannot_be_had(bench: Any, pushed: str) -> None:
    runtime = bench.open()
    with pytest.raises(ImageMissing, match="cannot be pulled"):
        await runtime.start(await spec_of(bench, pushed.partition("@")[0], ABSENT))
    assert await runtime.adopt() == {}


async def test_a_missing_image_is_named_with_the_cause(bench: Any) -> None:
    with pytest.raises(ImageMissing, match=r"team/nothing:1'.*(unknown|not found)"):
        await bench.open().resolve(f"{bench.engine.registry}/team/nothing:1")


@pytest.mark.parametrize("name", ["", "a b", "UPPER/case", "x@sha256:12", "../../etc", "a//b", "x?y=1", "http://h/x"])
async def test_what_is_no_name_never_reaches_the_engine(bench: Any, name: str) -> None:
    with pytest.raises(ImageMissing, match="is not the name of an image"):
        await bench.open().resolve(name)


async def test_the_id_of_another_image_does_not_run_under_an_allowed_name(bench: Any) -> None:
    runtime = bench.open()
    other = await runtime.resolve("sample")
    allowed = f"{bench.engine.registry}/team/allowed:1"
    with pytest.raises(ImageMissing):
        await runtime.start(await spec_of(bench, f"{allowed}@{other}", other))


async def test_where_the_registry_decides_a_local_image_is_not_enough(bench: Any) -> None:
    runtime = DockerRuntime("bench", Docker.model_validate(bench.settings), bench.folder / "other")
    try:
        with pytest.raises(ImageMissing, match="require_algorithm_pull"):
            await runtime.resolve("sample")
    finally:
        await runtime.close()


async def test_the_policy_in_its_own_file_says_whether_the_registry_decides_also_once_it_has_changed(
    bench: Any,
) -> None:
    policy, folder = bench.folder / "policy.yaml", bench.folder / "by-file"
    policy.write_text("allowed_algorithms: sample\nrequire_algorithm_pull: false\n")
    fields = {"api_key": "k", "server_url": "http://localhost", "policies_file": str(policy), "docker": bench.settings}
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


async def test_a_private_registry_gets_its_credentials(bench: Any, private_registry: str) -> None:
    name = f"{private_registry}/team/private:1"
    bench.engine.build(name, "FROM sample\nCOPY mark /\n", {"mark": os.urandom(8)})
    credentials = {"X-Registry-Auth": "eyJ1c2VybmFtZSI6Im5vZGUiLCJwYXNzd29yZCI6InNlY3JldCJ9"}
    assert '"error"' not in bench.engine._http.post(f"/images/{name}/push", headers=credentials).text
    bench.engine.ask("DELETE", f"/images/{name}")
    docker = Docker.model_validate(bench.settings)
    logins = [
        Registry.model_validate({"registry": private_registry, "username": "node", "password": password})
        for password in ("secret", "guessed")
    ]
    stranger = DockerRuntime("bench", docker, bench.folder / "stranger")
    member, guesser = (
        DockerRuntime("bench", docker, bench.folder / login.secret(), registries=[login]) for login in logins
    )
    try:
        with pytest.raises(
            ImageMissing, match=f"the registry {private_registry} wants a username and password: add it"
        ):
            await stranger.resolve(name)
        with pytest.raises(ImageMissing, match=f"the registry {private_registry} wants another username or password"):
            await guesser.resolve(name)
        digest = await member.resolve(name)
        for other in (stranger, guesser):
            with pytest.raises(ImageMissing, match=r"(see|add it under) docker_registries$"):
                await other.fetch(name, digest)
        await member.fetch(name, digest)
        found = [
            await check._registry(runtime, login) for runtime, login in zip((member, guesser), logins, strict=True)
        ]
    finally:
        for runtime in (stranger, member, guesser):
            await runtime.close()
    assert [finding.problem for finding in found] == [Problem.NONE, Problem.IMAGE]
    assert f"the registry {private_registry} lets nobody in as 'node': " in found[1].text
    bench.engine.ask("DELETE", f"/images/{name.rpartition(':')[0]}@{digest}")


async def test_who_gives_up_waiting_for_a_pull_does_not_end_it_for_the_others(bench: Any) -> None:
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
    assert bench.engine.containers("eu.hanse.node") == []


async def test_no_more_is_pulled_at_once_than_allowed(bench: Any) -> None:
    bench.settings["parallel_pulls"] = 2
    runtime, other = bench.open(), bench.open()
    async with silent_registry(bench.engine) as (address, asked):
        image = f"{address}/team/slow:1"

        def pull(number: int, by: Any = runtime) -> asyncio.Task[None]:
            return asyncio.create_task(by.fetch(image, f"sha256:{number:064}"))

        pulls = [pull(1), pull(2)]
        await until(lambda: asked.count("manifests") == 2)
        pulls += [pull(3), pull(4), pull(5, other)]  # the last one would be behind those that must wait
        await until(lambda: asked.count("manifests") > 2)
        assert asked.count("manifests") == 3
        for number, begun in enumerate(pulls[:2], 4):
            begun.cancel()
            await until(lambda number=number: asked.count("manifests") == number)
        for begun in pulls:
            begun.cancel()
        await asyncio.wait(pulls)


async def test_a_silent_registry_is_given_up(bench: Any) -> None:
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
    with httpx.Client(base_url=f"http://{host}/v2/{repository}/manifests/") as manifests:
        manifest = manifests.get(platform, headers={"Accept": kind})
        machine = {"os": "linux", "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]}
        entry = {"mediaType": kind, "digest": platform, "size": len(manifest.content), "platform": machine}
        lists = "application/vnd.docker.distribution.manifest.list.v2+json"
        index = {"schemaVersion": 2, "mediaType": lists, "manifests": [entry]}
        put = manifests.put(tag, content=json.dumps(index), headers={"Content-Type": lists})
        assert put.status_code == 201, put.text
        return str(put.headers["Docker-Content-Digest"])


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


@pytest.fixture(params=["htpasswd", "token"])
def private_registry(request: pytest.FixtureRequest, sample_engine: Engine, short_folder: Path) -> Iterator[str]:
    """A registry that asks for a name and a password: itself, or through a server that gives tokens for them."""
    gateway = sample_engine.gateway
    with ExitStack() as stack:
        if request.param == "token":
            access = stack.enter_context(token_server(gateway, short_folder, "node", "secret"))
        else:
            passwords = short_folder / "htpasswd"
            passwords.write_text(f"node:{bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}\n")
            access = {"htpasswd": {"realm": "ours", "path": str(passwords)}}
        yield stack.enter_context(registry(gateway, short_folder, auth=access))
