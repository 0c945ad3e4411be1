"""A process is known by its number and its start, so that a number given away again harms nobody."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hanse_node.runtimes.base import Exit
from hanse_node.runtimes.process.inside.processes import descendants, identity
from hanse_node.runtimes.process.references import Reference


def test_a_reference_is_text_and_back(tmp_path: Path) -> None:
    reference = Reference(tmp_path, 12, "345@boot")
    assert Reference.parse(str(reference)) == reference


def test_a_number_that_belongs_to_another_process_by_now_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        reference = Reference(tmp_path, process.pid, identity(process.pid))
        descriptor = reference.open()
        assert descriptor is not None
        os.close(descriptor)
        stale = replace(reference, started="1@boot")
        assert stale.open() is None
        stale.kill()
        assert process.poll() is None
        reference.kill()
    assert process.returncode == -9


def test_a_process_that_is_gone_has_no_identity() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert identity(process.pid) == ""


def test_descendants_are_found_over_generations() -> None:
    code = "import subprocess; subprocess.run(['cat'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"x")
        process.stdin.flush()
        process.stdout.read(1)
        assert process.pid in descendants(os.getpid())
        assert len(descendants(process.pid)) == 1
        process.stdin.close()


@pytest.mark.parametrize("text", ["", "no json", "{}", '{"code": "x"}'])
def test_an_exit_that_was_not_written_whole_is_lost(tmp_path: Path, text: str) -> None:
    (tmp_path / "exit").write_text(text)
    assert Reference(tmp_path, 1, "").exit() == Exit(-1, "lost")


def test_a_written_exit_is_read(tmp_path: Path) -> None:
    (tmp_path / "exit").write_text('{"code": 137, "reason": "time"}')
    assert Reference(tmp_path, 1, "").exit() == Exit(137, "time")
