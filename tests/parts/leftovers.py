"""What a test run leaves on the machine: nothing, or it fails; and what killed runs left is removed by later ones.

Orphans of the run come to its first process, whatever they did to leave their parents.
"""

import ctypes
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SECONDS = 20.0
"""How long programs that were told to end may take for it."""
_BECOME_THEIR_PARENT = 36  # PR_SET_CHILD_SUBREAPER
_OWNED = "hanse-tests"
_RUN = "HANSE_TEST_RUN"


def watch() -> None:
    """Begin, in the first process of a test run and in its workers."""
    if _RUN not in os.environ:  # a worker finds that of the process that started it
        os.environ[_RUN] = str(os.getpid())
        ctypes.CDLL(None).prctl(_BECOME_THEIR_PARENT, 1, 0, 0, 0)


def require_none(session: pytest.Session) -> None:
    """Fail the run if something of it is still there after its workers have ended."""
    if os.environ.get(_RUN) != str(os.getpid()):
        return
    left = found()
    end = time.monotonic() + SECONDS
    while left and time.monotonic() < end:
        time.sleep(0.1)
        left = found()
    if left:
        print("\nthis run left on the machine:", *left, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def found() -> list[str]:
    """Name the programs and links of this run that are still there."""
    return [*_programs(os.getpid()), *(f"link {name}" for name, run, *_ in _links() if run == os.environ[_RUN])]


def _programs(parent: int) -> Iterator[str]:
    for tasks in Path(f"/proc/{parent}/task").glob("*/children"):
        for pid in map(int, _read(tasks).split()):
            yield from _programs(pid)
            if command := _read(Path(f"/proc/{pid}/cmdline")).replace("\0", " ").strip():  # empty of one that has ended
                yield f"process {pid}: {command[:200]}"


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # it ended just now
        return ""


def owner(folder: Path) -> str:
    """Write whose link into an engine's network this is, as the link's alias."""
    return f"{_OWNED} {os.environ.get(_RUN, os.getpid())} {os.getpid()} {folder}"


def sweep() -> None:
    """Remove the networks and folders of engines whose process was killed before it could."""
    for name, _, pid, folder in _links():
        if not Path(f"/proc/{pid}").exists():
            for command in (["ip", "netns", "delete", name], ["ip", "link", "delete", name]):
                subprocess.run(command, check=False, capture_output=True, timeout=30)
            shutil.rmtree(folder, ignore_errors=True)


def _links() -> Iterator[tuple[str, str, str, str]]:
    """Give name, test run, process and folder of each link that an engine made."""
    if shutil.which("ip") is None:
        return
    told = subprocess.run(["ip", "-json", "link"], check=True, capture_output=True, text=True, timeout=30).stdout
    for link in json.loads(told or "[]"):
        mark, *words = link.get("ifalias", "-").split() or ["-"]
        if mark == _OWNED and len(words) == 3:
            yield (link["ifname"], *words)
