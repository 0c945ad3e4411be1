"""What only processes can do wrong, with and without a sandbox."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hanse_node.runtimes.base import Exit, Limits, Mount, StartFailed
from hanse_node.runtimes.process import Bubblewrap, ProcessImage
from hanse_node.runtimes.process.inside.processes import identity
from hanse_node.runtimes.process.references import Reference
from waiting import until

BOTH = ["unsandboxed", pytest.param("sandboxed", marks=pytest.mark.needs("bwrap"))]
LEAVES_A_DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(variable('TEMPORARY_FOLDER') + '/daemon-lives', 'w').close()
        os.set_inheritable(1, False)
        time.sleep(3600)
    os._exit(0)
while not os.path.exists(variable('TEMPORARY_FOLDER') + '/daemon-lives'):
    time.sleep(0.01)
"""


@pytest.fixture(params=BOTH)
def bench(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def alive_below(folder: Path) -> list[int]:
    """Give the processes whose command line, environment or working folder names the bench's folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            told = [(entry / name).read_bytes() for name in ("cmdline", "environ")] + [os.readlink(entry / "cwd")]
        except OSError:
            continue
        if any(str(folder) in (text if isinstance(text, str) else text.decode(errors="replace")) for text in told):
            found.append(int(entry.name))
    return found


def command_lines(pids: list[int]) -> bytes:
    return b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids)


async def test_a_flood_of_100_mb_is_cut_to_its_ends(bench: Any) -> None:
    code = "print('first'); [print('x' * 1_000_000) for _ in range(100)]; print('last')"
    runtime, reference, _ = await bench.run(code, limits=Limits(log_bytes=10_000))
    assert await runtime.wait(reference) == Exit(0)
    text = (await runtime.logs(reference)).decode()
    assert text.startswith("first\n")
    assert text.endswith("x\nlast\n")
    assert "[log cut: 99990111 bytes left out here]" in text
    assert len(text) < 10_100


async def test_errors_and_prints_share_the_log_in_order(bench: Any) -> None:
    code = "import sys; print('one'); print('two', file=sys.stderr); print('three')"
    runtime, reference, _ = await bench.run(code)
    await runtime.wait(reference)
    assert await runtime.logs(reference) == b"one\ntwo\nthree\n"


async def test_the_log_can_be_followed_while_the_run_goes_on(bench: Any) -> None:
    code = "print('hello'); open(variable('TEMPORARY_FOLDER') + '/gate').readline()"
    runtime, reference, _ = await bench.run(code)
    await until(Reference.parse(reference).state.joinpath("log").read_bytes)
    assert (await runtime.logs(reference)).startswith(b"h")
    bench.open_gate()
    await runtime.wait(reference)
    assert await runtime.logs(reference) == b"hello\n"


async def test_a_signal_is_told_as_a_shell_would(bench: Any) -> None:
    runtime, reference, _ = await bench.run("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    assert await runtime.wait(reference) == Exit(128 + signal.SIGTERM)


async def test_nothing_an_algorithm_started_outlives_it(bench: Any) -> None:
    runtime, reference, _ = await bench.run(LEAVES_A_DAEMON)
    assert await runtime.wait(reference) == Exit(0)
    assert alive_below(bench.folder) == []


async def test_stopping_ends_what_left_its_session(bench: Any) -> None:
    runtime, reference, _ = await bench.run(LEAVES_A_DAEMON + "\nhang()")
    await until((bench.folder / "job" / "daemon-lives").exists)
    await runtime.stop(reference)
    assert await runtime.wait(reference) == Exit(137, "killed")
    assert alive_below(bench.folder) == []


async def test_without_its_supervisor_a_run_is_lost_and_nothing_of_it_lives(bench: Any) -> None:
    runtime, reference, _ = await bench.run(LEAVES_A_DAEMON + "\nhang()")
    await until((bench.folder / "job" / "daemon-lives").exists)
    os.kill(Reference.parse(reference).pid, signal.SIGKILL)
    assert await runtime.wait(reference) == Exit(-1, "lost")
    await until(lambda: not alive_below(bench.folder))


async def test_too_many_processes_end_the_run(bench: Any) -> None:
    code = "import os, time\nfor _ in range(200):\n    if os.fork() == 0:\n        time.sleep(50)\nhang()"
    runtime, reference, _ = await bench.run(code, limits=Limits(processes=20))
    assert await runtime.wait(reference) == Exit(137, "processes")
    assert alive_below(bench.folder) == []


async def test_what_forks_faster_than_one_can_look_is_ended_all_the_same(bench: Any) -> None:
    # The bomb disarms itself after 3 s, in case the test fails.
    code = """
import os, time
until = time.monotonic() + 3
while time.monotonic() < until:
    os.fork()
    time.sleep(0.05)
"""
    runtime, reference, _ = await bench.run(code, limits=Limits(processes=20))
    assert await runtime.wait(reference) == Exit(137, "processes")
    assert alive_below(bench.folder) == []


async def test_more_memory_than_allowed_is_refused_to_the_algorithm(bench: Any) -> None:
    runtime, reference, _ = await bench.run("x = bytearray(10**9)", limits=Limits(memory_bytes=300_000_000))
    assert await runtime.wait(reference) == Exit(1)
    assert b"MemoryError" in await runtime.logs(reference)


async def test_too_large_an_output_is_refused_to_the_algorithm(bench: Any) -> None:
    runtime, reference, spec = await bench.run("result = 'x' * 10_000", limits=Limits(output_bytes=1000))
    assert (await runtime.wait(reference)).code == 1
    assert b"File too large" in await runtime.logs(reference)
    assert (spec.folder / "output").stat().st_size <= 1000


@pytest.mark.parametrize("trick", ["os.symlink('/etc/passwd', path)", "os.mkfifo(path)", "os.mkdir(path)"])
async def test_what_is_no_plain_file_never_becomes_a_result(bench: Any, trick: str) -> None:
    code = f"import os; path = variable('OUTPUT_FILE'); os.unlink(path); {trick}"
    runtime, reference, spec = await bench.run(code)
    assert await runtime.wait(reference) == Exit(0, "output")
    assert (spec.folder / "output").is_file()
    assert (spec.folder / "output").read_bytes() == b""


async def test_a_deleted_output_is_an_empty_result(bench: Any) -> None:
    runtime, reference, spec = await bench.run("import os; os.unlink(variable('OUTPUT_FILE'))")
    assert await runtime.wait(reference) == Exit(0)
    assert (spec.folder / "output").read_bytes() == b""


async def test_a_run_is_no_child_that_waits_to_be_collected(bench: Any) -> None:
    runtime, reference, _ = await bench.run("pass")
    await runtime.wait(reference)
    assert identity(Reference.parse(reference).pid) != Reference.parse(reference).started
    await runtime.remove(reference)
    assert list((bench.folder / "state" / "runs").iterdir()) == []


async def test_the_algorithm_has_no_descriptor_but_the_standard_ones(bench: Any) -> None:
    found = await bench.result("import os; result = sorted(map(int, os.listdir('/proc/self/fd')))[:-1]")
    # The input is open while the text runs, and /proc/self/fd itself is.
    assert found == [0, 1, 2, 3]


async def test_no_secret_of_a_database_appears_on_a_command_line(bench: Any) -> None:
    mounts = [Mount("default", "sql", "postgresql://h/d", False, {"password": "planted-secret"})]
    runtime, reference, _ = await bench.run("print(environment()); hang()", mounts=mounts)
    await until(Reference.parse(reference).state.joinpath("log").read_bytes)
    encoded = (await runtime.logs(reference)).partition(b"DEFAULT_DB_PARAM_PASSWORD': '")[2].partition(b"'")[0]
    assert len(encoded) > 10
    commands = command_lines(alive_below(bench.folder))
    assert len(commands) >= 2
    assert encoded not in commands
    assert b"planted-secret" not in commands
    assert not (Reference.parse(reference).state / "plan").exists()


async def test_a_missing_database_file_is_named(bench: Any) -> None:
    runtime = bench.open()
    spec = await bench.spec("", mounts=[Mount("default", "csv", "/nowhere/lung.csv", True)])
    with pytest.raises(StartFailed, match=r"'default' is not there: /nowhere/lung\.csv"):
        await runtime.start(spec)
    assert await runtime.adopt() == {}


async def test_a_command_that_does_not_exist_is_named(bench: Any) -> None:
    image = ProcessImage("sample_algorithm", bench.images["sample"].python, ("/no/such/program",))
    bench.images["sample"] = image
    runtime = bench.open()
    with pytest.raises(StartFailed, match=r"/no/such/program.*No such file"):
        await runtime.start(await bench.spec(""))
    assert await runtime.adopt() == {}
    assert alive_below(bench.folder) == []


async def test_a_package_that_changed_since_the_decision_is_not_run(bench: Any) -> None:
    runtime = bench.open()
    with pytest.raises(StartFailed, match="has changed"):
        await runtime.start(replace(await bench.spec(""), digest="sha256:another"))


async def test_the_same_run_is_not_started_twice(bench: Any) -> None:
    runtime, reference, spec = await bench.run("hang()")
    with pytest.raises(StartFailed, match="run 7 is already running"):
        await runtime.start(spec)
    await runtime.stop(reference)


NODE = """
import asyncio, sys
from pathlib import Path
from hanse_node.runtimes.base import RunSpec
from hanse_node.runtimes.process import Bubblewrap, ProcessImage, ProcessRuntime

async def main(folder, python, isolated):
    image = ProcessImage("sample_algorithm", python, ("python", "-m", "sample_algorithm"))
    runtime = ProcessRuntime({"sample": image}, folder / "state", Bubblewrap.find() if isolated == "yes" else None)
    digest = await runtime.resolve("sample")
    spec = RunSpec(7, 3, 2, "sample", digest, folder / "run-7", folder / "job", folder / "p7" / "s")
    print(await runtime.start(spec), flush=True)
    await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
"""


async def test_a_run_survives_the_killing_of_its_node(bench: Any) -> None:
    runtime = bench.open()
    code = "print('before'); result = open(variable('TEMPORARY_FOLDER') + '/gate').readline(); print('after')"
    spec = await bench.spec(code)
    isolated = "no" if bench.sandbox is None else "yes"
    command = [sys.executable, "-c", textwrap.dedent(NODE), bench.folder, bench.images["sample"].python, isolated]
    node = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert node.stdout is not None
    reference = (await node.stdout.readline()).decode().strip()
    node.kill()
    await node.wait()
    assert await runtime.adopt() == {7: reference}
    waiting = asyncio.create_task(runtime.wait(reference))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    bench.open_gate()
    assert await waiting == Exit(0)
    assert json.loads((spec.folder / "output").read_text()) == "go\n"
    assert await runtime.logs(reference) == b"before\nafter\n"


async def test_what_never_began_is_cleared_away_at_the_next_start(bench: Any) -> None:
    runtime = bench.open()
    (bench.folder / "state" / "runs" / "99").mkdir()
    assert await runtime.adopt() == {}
    assert not (bench.folder / "state" / "runs" / "99").exists()


@pytest.mark.needs("bwrap")
async def test_a_broken_sandbox_is_told_in_its_own_words(sandboxed: Any) -> None:
    sandboxed.sandbox = replace(sandboxed.sandbox, options=("--no-such-option",))
    runtime = sandboxed.open()
    with pytest.raises(StartFailed, match="no-such-option"):
        await runtime.start(await sandboxed.spec(""))
    assert await runtime.adopt() == {}


def test_without_bubblewrap_a_plain_warning_is_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert Bubblewrap.find() is None
    assert "algorithms run without isolation; for demos and authors only" in capsys.readouterr().out
