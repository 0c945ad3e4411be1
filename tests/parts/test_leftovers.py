"""A test run that leaves something on the machine fails; what a killed one left goes when the next begins."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import leftovers
from docker_engine import Engine

LEAVES = """
import subprocess

def test_a_program_goes_on():
    subprocess.run(["setsid", "--fork", "sleep", "{seconds}"], check=True)
"""
HOOKS = """
import leftovers
import pytest

def pytest_configure():
    leftovers.SECONDS = 3
    leftovers.watch()

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    yield
    leftovers.require_none(session)
"""
KILLED = """
import os, signal
from docker_engine import Engine

engine = Engine()
engine._connect()
print(engine.name, engine.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "HANSE_TEST_RUN"}
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
@pytest.mark.parametrize(("seconds", "code"), [("0.5", 0), ("300", 1)])
def test_a_run_fails_that_leaves_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...], seconds: str, code: int
) -> None:
    file = tmp_path / "test_leaving.py"
    file.write_text(LEAVES.format(seconds=seconds))
    (tmp_path / "conftest.py").write_text(HOOKS)
    done = _python("-m", "pytest", "-p", "no:cacheprovider", "-c", "/dev/null", *workers, str(file))
    lines = [line for line in done.stdout.splitlines() if line.startswith("  process ")]
    assert done.returncode == code, done.stdout + done.stderr
    assert len(lines) == code
    for line in lines:
        assert line.endswith(f": sleep {seconds}")
        os.kill(int(line.split()[1].rstrip(":")), 9)


@pytest.mark.needs("docker")
def test_what_a_killed_run_left_of_an_engine_is_removed() -> None:
    name, folder = _python("-c", KILLED).stdout.split()
    assert Path(folder).exists()
    assert Path("/run/netns", name).exists()
    with Engine():
        pass
    assert not Path(folder).exists()
    assert not Path("/run/netns", name).exists()
    assert name not in [link for link, *_ in leftovers._links()]
