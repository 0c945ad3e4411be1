"""`hanse server …` as an operator uses it: real processes."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from hanse_core.command import main
from hanse_server import migrations

HANSE = [sys.executable, "-c", "import sys; from hanse_core.command import main; sys.exit(main())"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., "Running"]]:
    """Start servers in a folder of the test's; whatever still runs at the end is stopped."""
    started: list[Running] = []

    def launch(*arguments: str, **environment: str) -> Running:
        running = Running(tmp_path, arguments, environment)
        started.append(running)
        return running

    yield launch
    for running in started:
        running.stop(signal.SIGKILL)


class Running:
    """A server process: its address, what it printed, how it ended."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        database = f"sqlite:///{folder}/server.sqlite"
        command = [*HANSE, "server", "start", "--port", "0", "--database", database, *arguments]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "HANSE_SERVER_LOG_FORMAT": "json", **environment},
        )
        self.log = ""

    def address(self) -> str:
        """Wait until it serves."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log += line
            if found := re.search(r'"url": "([^"]+)"', line):
                return found[1]
        raise AssertionError(self.log)

    def stop(self, number: int) -> tuple[int, str]:
        """End it; gives the exit code and all that it printed."""
        if self.process.returncode is None:
            self.process.send_signal(number)
            out, err = self.process.communicate(timeout=30)
            self.out, self.log = out, self.log + err
        return self.process.returncode, self.out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_starts_on_nothing_and_ends_cleanly(start: Callable[..., Running], number: int) -> None:
    server = start()
    address = server.address()
    assert httpx.get(f"{address}/health").json() == {"database": True}
    code, printed = server.stop(number)
    assert code == 0
    (password,) = re.findall(r"^ {4}(\S+)$", printed, re.MULTILINE)
    assert len(password) >= 20
    assert password not in server.log
    assert "server-stopped" in server.log


def test_root_logs_in_with_what_was_printed_also_after_a_restart(start: Callable[..., Running]) -> None:
    first = start()
    address = first.address()
    _, printed = first.stop(signal.SIGTERM)
    (password,) = re.findall(r"^ {4}(\S+)$", printed, re.MULTILINE)
    second = start()
    login = {"username": "root", "password": password}
    answer = httpx.post(f"{second.address()}/token/user", json=login)
    assert answer.status_code == 200
    _, printed = second.stop(signal.SIGTERM)
    assert printed == ""
    assert address


def test_a_given_root_password_is_not_printed(start: Callable[..., Running], tmp_path: Path) -> None:
    (tmp_path / "password").write_text("Planted-password-1\n")
    server = start(HANSE_SERVER_ROOT_PASSWORD_FILE=str(tmp_path / "password"))
    login = {"username": "root", "password": "Planted-password-1"}
    assert httpx.post(f"{server.address()}/token/user", json=login).status_code == 200
    _, printed = server.stop(signal.SIGTERM)
    assert printed == ""
    assert "Planted" not in server.log


def test_a_busy_port_is_one_clear_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        database = f"sqlite:///{tmp_path}/server.sqlite"
        code = main(["server", "start", "--port", str(port), "--database", database])
    assert code == 1
    told = capsys.readouterr().err
    assert told == (
        f"hanse: port {port} of 127.0.0.1 is in use by another program; stop that one, or choose another with --port\n"
    )


def test_check_names_each_problem_with_its_remedy(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANSE_SERVER_JWT_SECRET_KEY", "weak")
    monkeypatch.setenv("HANSE_SERVER_PORT", "0")
    assert main(["server", "check", "--database", f"sqlite:///{tmp_path}/nowhere/x.sqlite"]) == 1
    told = capsys.readouterr().out
    assert "openssl rand" in told
    assert "nowhere" in told
    monkeypatch.delenv("HANSE_SERVER_JWT_SECRET_KEY")
    assert main(["server", "check", "--database", f"sqlite:///{tmp_path}/x.sqlite"]) == 0
    assert list(tmp_path.iterdir()) == [], "a check changes nothing"


def test_migrate_brings_the_tables_up_to_date(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["server", "migrate", "--database", f"sqlite:///{tmp_path}/x.sqlite"]
    assert main(command) == 0
    assert migrations.head() in capsys.readouterr().out
    assert main(command) == 0
    assert "already" in capsys.readouterr().out


def test_the_help_is_written_without_loading_the_server() -> None:
    code = "import sys; import hanse_server.cli; print([n for n in sys.modules if n in {'fastapi', 'sqlalchemy'}])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert printed.stdout.strip() == "[]"


def test_unknown_settings_stop_the_start(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "server.yaml").write_text("prot: 1")
    assert main(["server", "start", "--config", str(tmp_path / "server.yaml")]) == 1
    assert "prot: there is no such setting" in capsys.readouterr().err


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    import logging

    import structlog

    root = logging.getLogger()
    handlers, level, before = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)
