"""What a run may do, by the profile of its image, and what counts as its output."""

import os
from dataclasses import asdict
from typing import Any

import pytest

from docker_engine import OUTSIDE
from hanse_node import ending
from hanse_node.copies import with_copies
from hanse_node.runtimes.base import Exit, Mount, StartFailed
from hanse_node.sources import Selection

pytestmark = [
    pytest.mark.needs("docker"),
    pytest.mark.timeout(300),
    pytest.mark.allow_hosts(["127.0.0.1", OUTSIDE]),
]

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


async def test_a_strict_run_has_no_privileges_and_writes_only_what_is_its_own(bench: Any) -> None:
    assert await bench.result(STATUS) == {
        "uid": 65534, "capabilities": "0" * 32, "privileges": "1", "filter": "2",
        "root": "Read-only file system", "scratch": True, "job": True,
    }  # fmt: skip


async def test_under_v4_it_is_root_on_a_root_of_its_own_and_still_without_capabilities(roomy: Any) -> None:
    assert await roomy.result(STATUS) == {
        "uid": 0, "capabilities": "0" * 32, "privileges": "1", "filter": "2",
        "root": True, "scratch": True, "job": True,
    }  # fmt: skip
    assert await roomy.result("import os; result = os.path.exists('/written')", run_id=8) is False


async def test_a_capability_is_given_back_to_the_images_that_need_it(bench: Any) -> None:
    bench.settings["images"] = {"samp*": {"profile": "v4", "capabilities": ["CAP_CHOWN"]}}
    code = "import os; os.chown(variable('OUTPUT_FILE'), 7, 7); result = os.stat(variable('OUTPUT_FILE')).st_uid"
    assert await bench.result(code) == 7


async def test_a_failure_that_comes_from_the_profile_names_it(bench: Any) -> None:
    runtime, reference, _ = await bench.run("open('/opt/cache', 'w')")
    ended = await runtime.wait(reference)
    assert (ended.code, ended.reason) == (1, None)
    assert "'strict'" in ended.note
    assert "'v4'" in ended.note


async def test_a_note_repeats_nothing_of_what_was_printed(bench: Any) -> None:
    runtime, reference, _ = await bench.run("print('Anna Bloom, 1961'); open('/canary', 'w')")
    assert "Bloom" not in (await runtime.wait(reference)).note


async def test_databases_cannot_be_written(profiled: Any) -> None:
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


async def test_copies_can_be_changed_by_any_user_of_the_container(profiled: Any) -> None:
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


async def test_a_database_that_only_its_group_may_read_can_be_read(bench: Any) -> None:
    file = bench.folder / "lung.csv"
    file.write_text("a\n1\n")
    os.chown(file, 0, 4711)
    file.chmod(0o640)
    mounts = [Mount("default", "csv", str(file), True)]
    assert await bench.result("result = open(variable('DEFAULT_DATABASE_URI')).read()", mounts=mounts) == "a\n1\n"


async def test_a_database_that_algorithms_may_not_read_is_named_before_the_start(bench: Any) -> None:
    file = bench.folder / "lung.csv"
    file.touch(mode=0o600)
    runtime = bench.open()
    with pytest.raises(StartFailed, match=r"'default' may not be read by the user 65534:65534"):
        await runtime.start(await bench.spec("", mounts=[Mount("default", "csv", str(file), True)]))


@pytest.mark.parametrize(
    "trick",
    [
        "os.symlink('/etc/passwd', path)",
        "os.mkdir(path)",
        "os.mkfifo(path)",
        "os.link(variable('INPUT_FILE'), path)",
    ],
)
async def test_what_is_no_plain_file_is_not_sent(trick: str, profiled: Any) -> None:
    code = f"import os; path = variable('OUTPUT_FILE'); os.remove(path); {trick}"
    runtime, reference, spec = await profiled.run(code)
    assert await runtime.wait(reference) == Exit(0), await runtime.logs(reference)
    with pytest.raises(ending.OutputUnusable):
        ending.read_output(spec.folder / "output", 1000)


async def test_no_device_can_be_made(roomy: Any) -> None:
    code = "import os, stat; os.mknod(variable('OUTPUT_FILE') + '2', stat.S_IFCHR | 0o666, os.makedev(1, 5))"
    runtime, reference, _ = await roomy.run(code)
    assert (await runtime.wait(reference)).code == 1
    assert b"Operation not permitted" in await runtime.logs(reference)
