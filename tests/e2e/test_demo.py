import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)

DEMO = [sys.executable, "-m", "hanse_core", "demo"]


@pytest.fixture
def temporary(short_folder: Path) -> dict[str, str]:
    """An environment in which the demo puts its folder where the test can look for it."""
    return {**os.environ, "TMPDIR": str(short_folder)}


@pytest.fixture
def start(temporary: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*DEMO, *options],
            env=temporary,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=_heed_interrupts,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _heed_interrupts() -> None:
    """Undo what a shell does to its background jobs, and through them to this test run: that they ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _belonging_to(folder: Path) -> list[str]:
    """Give the command lines of all processes that know of a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def _until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_every_federated_number_equals_the_pooled_one(temporary: dict[str, str], short_folder: Path) -> None:
    ran = subprocess.run([*DEMO, "--json"], env=temporary, capture_output=True, text=True, timeout=150)
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert report["equal"] is True
    assert report["stations"] == {"bremen": 73, "hamburg": 67, "luebeck": 88}
    assert {row["question"] for row in report["comparisons"]} == {"summary", "survival", "one_year_survival"}
    assert all(row["difference"] < 1e-6 for row in report["comparisons"])
    assert list(short_folder.iterdir()) == []
    assert _belonging_to(short_folder) == []


def test_an_interruption_in_the_middle_leaves_nothing_behind(
    start: Callable[..., subprocess.Popen[str]], short_folder: Path
) -> None:
    demo = start()
    _until(lambda: any("hanse_algorithm" in command for command in _belonging_to(short_folder)))
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 130
    _until(lambda: not _belonging_to(short_folder), seconds=10)
    assert [path for path in short_folder.iterdir() if path.name.startswith("hanse-demo")] == []


def test_what_is_kept_running_can_be_reached_as_printed(
    start: Callable[..., subprocess.Popen[str]], short_folder: Path
) -> None:
    demo = start("--keep")
    assert demo.stdout is not None
    said = ""
    while "Ctrl-C" not in said or "api/task" not in said:
        line = demo.stdout.readline()
        assert line, said
        said += line
    url, user, password = re.search(r"server +(\S+).*?researcher +(\S+) / (\S+)", said, re.DOTALL).groups()  # type: ignore[union-attr]
    request = urllib.request.Request(
        f"{url}/api/token/user",
        data=json.dumps({"username": user, "password": password}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert "access_token" in json.load(answer)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 130
    assert _belonging_to(short_folder) == []
    assert [path for path in short_folder.iterdir() if path.name.startswith("hanse-demo")] == []
