"""One suite for every engine: memory, processes with and without a sandbox, and containers."""

import asyncio
import json
import os
from dataclasses import replace
from typing import Any

import pytest

from hanse_core.protocol import decode_variable
from hanse_node import contract
from hanse_node.runtimes.base import Context, Door, Exit, ImageMissing, Limits, Mount, StartFailed

WAITS_AT_THE_GATE = "with open(variable('TEMPORARY_FOLDER') + '/gate') as gate: result = gate.readline()"
ENGINES = [
    "in_memory",
    "unsandboxed",
    pytest.param("sandboxed", marks=pytest.mark.needs("bwrap")),
    pytest.param("in_containers", marks=[pytest.mark.needs("docker"), pytest.mark.timeout(300)]),
]


@pytest.fixture(params=ENGINES)
def bench(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


class TestResolving:
    async def test_an_image_has_the_same_digest_each_time(self, bench: Any) -> None:
        runtime = bench.open()
        digest = await runtime.resolve("sample")
        assert digest.startswith("sha256:")
        assert len(digest) == 7 + 64
        assert await bench.open().resolve("sample") == digest

    async def test_an_unknown_image_is_named(self, bench: Any) -> None:
        with pytest.raises(ImageMissing, match="'elsewhere/thing'"):
            await bench.open().resolve("elsewhere/thing")


class TestStarting:
    async def test_a_run_reads_its_input_and_leaves_its_result(self, bench: Any) -> None:
        assert await bench.result("result = 'stored'") == "stored"

    async def test_a_run_receives_the_environment_of_the_contract(self, bench: Any) -> None:
        mounts = [Mount("second", "sql", "postgresql://h/d", False, {"user": "u"}, query="q"), self.file(bench)]
        received = await bench.result("result = environment()", mounts=mounts, environment={"MINIMUM": "5"})
        assert isinstance(received, dict)
        plain = {name: decode_variable(value) for name, value in received.items()}
        expected = contract.plain_environment(
            replace(await bench.spec("", run_id=8), mounts=mounts, environment={"MINIMUM": "5"}),
            contract.View("folder", "temporary", {"second": "postgresql://h/d", "default": "file"}),
        )
        assert set(expected) <= set(plain)
        assert plain["USER_REQUESTED_DATABASE_LABELS"] == "second,default"
        assert (plain["SECOND_QUERY"], plain["SECOND_DB_PARAM_USER"], plain["MINIMUM"]) == ("q", "u", "5")
        assert received["API_PATH"] == ""
        assert plain["HOST"].startswith("http://")
        assert plain["PORT"].isdigit()

    async def test_every_announced_path_can_be_read(self, bench: Any) -> None:
        names = "('TOKEN_FILE', 'DEFAULT_DATABASE_URI')"
        code = f"import pathlib; result = [pathlib.Path(variable(name)).read_text() for name in {names}]"
        assert await bench.result(code, mounts=[self.file(bench)]) == ["token", "a,b\n1,2\n"]

    async def test_a_run_finds_its_context_in_a_file_where_that_is_wanted(self, bench: Any) -> None:
        bench.open()
        code = "import json, pathlib; told = json.loads(pathlib.Path(environment()['RUN_CONTEXT_FILE']).read_text())\n"
        code += "result = [told, variable('DEFAULT_DATABASE_URI'), variable('OUTPUT_FILE')]"
        mount = replace(self.file(bench), arguments='{"bind": "dataset"}')
        spec = await bench.spec(code, mounts=[mount])
        context = Context(node_id=3, collaboration_id=1, method="central", positional=[1], named={"column": "age"})
        told, database, output = await bench.answer(await bench.start(replace(spec, context=context)), spec)
        extension = told.pop("x-vantage6")
        assert told == {
            "schema_version": "0.1",
            "entrypoint": {"name": "central"},
            "arguments": {"positional": [1], "named": {"column": "age"}},
            "executor": {"id": 3, "kind": "vantage6-node"},
            "inputs": [{"id": "default", "uri": database, "type": "csv", "arguments": {"bind": "dataset"}}],
            "outputs": [{"id": "result", "uri": output}],
        }
        assert (extension["run_id"], extension["task_id"], extension["collaboration_id"]) == (7, 3, 1)
        assert "RUN_CONTEXT_FILE" not in await bench.result("result = environment()", run_id=8)

    async def test_a_copy_of_a_database_may_be_changed(self, bench: Any) -> None:
        mount = replace(self.file(bench), writable=True)
        os.chmod(mount.uri, 0o666)
        code = "file = open(variable('DEFAULT_DATABASE_URI'), 'a'); file.write('3,4'); file.close()"
        await bench.result(code + "; result = 1", mounts=[mount])
        assert (bench.folder / "lung.csv").read_text() == "a,b\n1,2\n3,4"

    async def test_a_database_elsewhere_is_reached_by_the_uri_that_the_run_is_told(self, bench: Any) -> None:
        def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello")
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        bench.open()
        code = """
import socket, urllib.parse
where = urllib.parse.urlsplit(variable("LUNG_DATABASE_URI"))
with socket.create_connection((where.hostname, where.port), 10) as line:
    result = [line.recv(9).decode(), where.username, where.path]
"""
        mount = Mount("lung", "sql", f"postgresql://u:p@127.0.0.1:{port}/d", False)
        spec = await bench.spec(code, mounts=[mount])
        door = Door(spec.proxy_socket.parent / "lung", "database-1", port, label="lung")
        behind = await asyncio.start_unix_server(greet, str(door.path))
        spec = replace(spec, doors=[door])
        assert await bench.answer(await bench.start(spec), spec) == ["hello", "u", "/d"]
        for one in (server, behind):
            one.close()

    async def test_runs_side_by_side_keep_their_results_apart(self, bench: Any) -> None:
        code = "result = variable('OUTPUT_FILE')"
        started = [await bench.run(code, run_id=number) for number in range(1, 5)]
        ended = await asyncio.gather(*(runtime.wait(reference) for runtime, reference, _ in started))
        assert ended == [Exit(0)] * 4
        assert len({(spec.folder / "output").read_text() for _, _, spec in started}) == 4

    async def test_an_unknown_image_leaves_nothing_behind(self, bench: Any) -> None:
        runtime = bench.open()
        spec = replace(await bench.spec(""), image="elsewhere/thing")
        with pytest.raises(ImageMissing):
            await runtime.start(spec)
        assert await runtime.adopt() == {}

    async def test_a_name_that_cannot_be_a_variable_leaves_nothing_behind(self, bench: Any) -> None:
        runtime = bench.open()
        with pytest.raises(StartFailed, match="NO-NAME"):
            await runtime.start(await bench.spec("", environment={"NO-NAME": "x"}))
        assert await runtime.adopt() == {}

    def file(self, bench: Any) -> Mount:
        path = bench.folder / "lung.csv"
        path.write_text("a,b\n1,2\n")
        return Mount("default", "csv", str(path), True)


class TestEnding:
    async def test_the_exit_code_is_that_of_the_algorithm(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("import sys; print('oh no'); sys.exit(3)")
        assert await runtime.wait(reference) == Exit(3)
        assert b"oh no" in await runtime.logs(reference)

    async def test_an_exception_is_exit_code_1_and_its_traceback_in_the_log(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("raise ValueError('nonsense')")
        assert await runtime.wait(reference) == Exit(1)
        assert b"ValueError: nonsense" in await runtime.logs(reference)

    async def test_a_run_that_writes_nothing_ends_well_with_an_empty_output(self, bench: Any) -> None:
        runtime, reference, spec = await bench.run("pass")
        assert await runtime.wait(reference) == Exit(0)
        assert (spec.folder / "output").read_bytes() == b""

    async def test_an_ended_run_tells_again_how_it_ended_to_many(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("pass")
        assert await asyncio.gather(runtime.wait(reference), runtime.wait(reference)) == [Exit(0), Exit(0)]
        assert await runtime.wait(reference) == Exit(0)

    async def test_a_run_over_its_time_is_ended(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("hang()", limits=Limits(seconds=0.3))
        assert await runtime.wait(reference) == Exit(137, "time")

    async def test_a_stopped_run_is_killed(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("hang()")
        waiting = asyncio.create_task(runtime.wait(reference))
        await runtime.stop(reference)
        assert await waiting == Exit(137, "killed")

    async def test_stopping_an_ended_run_changes_nothing(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("pass")
        await runtime.wait(reference)
        await runtime.stop(reference)
        assert await runtime.wait(reference) == Exit(0)

    async def test_giving_up_waiting_does_not_end_the_run(self, bench: Any) -> None:
        runtime, reference, spec = await bench.run(WAITS_AT_THE_GATE)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await runtime.wait(reference)
        bench.open_gate()
        assert await runtime.wait(reference) == Exit(0)
        assert json.loads((spec.folder / "output").read_text()) == "go\n"


class TestLogs:
    async def test_a_log_is_given_from_an_offset_on(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("print('hello')")
        await runtime.wait(reference)
        assert await runtime.logs(reference) == b"hello\n"
        assert await runtime.logs(reference, 2) == b"llo\n"

    async def test_a_long_log_is_cut_and_says_so(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("print('first' + 'x' * 50_000)", limits=Limits(log_bytes=1000))
        await runtime.wait(reference)
        text = await runtime.logs(reference)
        assert text.startswith(b"first")
        assert len(text) < 1200
        assert b"bytes left out" in text


class TestRestarting:
    async def test_a_run_is_found_again_and_followed_to_its_end(self, bench: Any) -> None:
        former, reference, spec = await bench.run(WAITS_AT_THE_GATE)
        await former.close()
        runtime = bench.open()
        assert await runtime.adopt() == {7: reference}
        waiting = asyncio.create_task(runtime.wait(reference))
        bench.open_gate()
        assert await waiting == Exit(0)
        assert json.loads((spec.folder / "output").read_text()) == "go\n"

    async def test_an_adopted_run_can_be_stopped(self, bench: Any) -> None:
        former, reference, _ = await bench.run("hang()")
        await former.close()
        runtime = bench.open()
        await runtime.stop(reference)
        assert await runtime.wait(reference) == Exit(137, "killed")

    async def test_an_ended_run_is_known_until_it_is_removed(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("pass")
        await runtime.wait(reference)
        assert await bench.open().adopt() == {7: reference}
        await runtime.remove(reference)
        assert await bench.open().adopt() == {}

    async def test_a_removed_run_is_lost_and_can_be_removed_again(self, bench: Any) -> None:
        runtime, reference, _ = await bench.run("hang()")
        await runtime.remove(reference)
        await runtime.remove(reference)
        assert (await runtime.wait(reference)).reason == "lost"
        assert await runtime.logs(reference) == b""

    @pytest.mark.parametrize("reference", ["", "damaged", "{}", "[1]"])
    async def test_a_reference_that_nobody_gave_is_lost(self, bench: Any, reference: str) -> None:
        runtime = bench.open()
        await runtime.stop(reference)
        assert (await runtime.wait(reference)).reason == "lost"
        assert await runtime.logs(reference) == b""
        await runtime.remove(reference)

    async def test_a_removed_run_may_be_started_again(self, bench: Any) -> None:
        runtime, reference, spec = await bench.run("result = 1")
        await runtime.wait(reference)
        await runtime.remove(reference)
        again = await runtime.start(spec)
        assert await runtime.wait(again) == Exit(0)
        await runtime.remove(again)
