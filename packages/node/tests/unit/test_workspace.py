"""Folders, answers, the lock, and what is read back from an algorithm."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hanse_core.states import RunStatus
from hanse_node import ending
from hanse_node.ending import OutputUnusable, read_output
from hanse_node.errors import CannotStart
from hanse_node.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def output() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="h") as folder:
        yield Path(folder) / "output"


def test_a_run_gets_its_three_files_afresh(workspace: Workspace) -> None:
    folder = workspace.prepare(22, b"old", "t")
    (folder / "rest").touch()
    folder = workspace.prepare(22, b"input", "token")
    assert folder.name == "task-000000022"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "input": b"input", "output": b"", "token": b"token",
    }  # fmt: skip
    assert folder.stat().st_mode & 0o777 == 0o700
    assert workspace.token(22) == "token"
    assert workspace.token(23) is None


def test_an_answer_is_kept_until_the_run_is_cleared(workspace: Workspace) -> None:
    workspace.prepare(1, b"", "t")
    workspace.socket(1).touch()
    workspace.keep_answer(1, {"status": "completed"})
    assert workspace.answer(1) == {"status": "completed"}
    assert workspace.strays({2}) == [1]
    assert workspace.strays({1}) == []
    workspace.clear(1)
    assert workspace.answer(1) is None
    assert workspace.strays(()) == []


def test_a_damaged_answer_counts_as_none(workspace: Workspace) -> None:
    workspace.keep_answer(1, {})
    (workspace.directory / "answers" / "1.json").write_text('{"status": "comp')
    assert workspace.answer(1) is None


def test_a_second_node_is_told_who_holds_the_directory(workspace: Workspace) -> None:
    workspace.lock()
    second = Workspace(workspace.directory)
    with pytest.raises(CannotStart, match=f"process {os.getpid()}"):
        second.lock()
    workspace.unlock()
    second.lock()
    second.unlock()


def test_a_jobs_folder_goes_some_time_after_its_last_run(workspace: Workspace) -> None:
    for job_id in (1, 2, 3):
        (workspace.temporary(job_id) / "x").touch()
    os.utime(workspace.directory / "jobs" / "1", (0, 0))
    os.utime(workspace.directory / "jobs" / "2", (0, 0))
    assert workspace.clear_jobs({2}) == [1]
    assert workspace.clear_jobs(()) == []
    assert workspace.clear_jobs((), idle_seconds=-1) in ([2, 3], [3, 2])


def test_an_output_is_read_as_it_is(output: Path) -> None:
    assert read_output(output, 10) == b""
    output.write_bytes(b"\xff not json")
    assert read_output(output, 100) == b"\xff not json"


def test_an_output_that_is_too_large_is_named(output: Path) -> None:
    output.write_bytes(b"x" * 11)
    with pytest.raises(OutputUnusable, match="11 bytes; this node sends at most 10"):
        read_output(output, 10)


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe", "folder"])
def test_nothing_but_a_plain_file_is_sent(output: Path, kind: str) -> None:
    secret = output.parent / "secret"
    secret.write_text("patients")
    make = {
        "link": lambda: output.symlink_to(secret),
        "hard link": lambda: output.hardlink_to(secret),
        "pipe": lambda: os.mkfifo(output),
        "folder": output.mkdir,
    }
    make[kind]()
    with pytest.raises(OutputUnusable, match="not a plain file"):
        read_output(output, 100)


def test_the_log_joins_what_was_printed_and_what_the_node_says() -> None:
    assert ending.log_text(b"caf\xc3\xa9 \xff\n", ["late"], share=True) == "café \ufffd\nnode > late"
    forged = ending.log_text(b"a\nnode > all is well", ["late"], share=True)
    assert forged == "a\n> node > all is well\nnode > late"
    assert ending.log_text(b"row 7", ["late"], share=False) == f"{ending.LOG_WITHHELD}\nnode > late"
    assert ending.log_text(b"", [], share=True) == ""


def test_a_failure_keeps_the_log_that_it_replaces() -> None:
    answer = ending.failed("too large", after={"log": "at work"})
    assert (answer["status"], answer["result"]) == (RunStatus.FAILED.value, "")
    assert answer["log"] == "at work\nnode > too large"


def test_what_a_run_locked_away_is_removed_too(tmp_path: Path) -> None:
    program = """
import os, sys
from pathlib import Path
from hanse_node.workspace import Workspace
if os.getuid() == 0:
    os.chown(sys.argv[1], 65534, 65534)
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
workspace = Workspace(Path(sys.argv[1]))
folder = workspace.prepare(1, b"{}", "token")
(folder / "copy" / "deeper").mkdir(parents=True)
(folder / "copy" / "deeper" / "patients.csv").write_text("rows")
(folder / "copy" / "link").symlink_to("/")
(folder / "copy" / "deeper").chmod(0)
(folder / "copy").chmod(0)
workspace.clear(1)
sys.exit(len(workspace.strays([])))
"""
    folder = Path(tempfile.mkdtemp(prefix="h"))
    try:
        subprocess.run([sys.executable, "-c", program, folder], check=True, timeout=30)
        assert not (folder / "runs" / "task-000000001").exists()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_folders_without_end_are_removed_too(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    folder = workspace.prepare(1, b"{}", "token")
    program = "import os\nfor _ in range(3000):\n    os.mkdir('deep')\n    os.chdir('deep')"
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True, timeout=30)
    workspace.clear(1)
    assert workspace.strays([]) == []


def test_what_a_run_does_to_its_token_does_not_reach_the_node(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    folder = workspace.prepare(1, b"{}", "a.b.c")
    (folder / "token").unlink()
    os.mkfifo(folder / "token")
    assert workspace.token(1) == "a.b.c"
