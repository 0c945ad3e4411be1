"""The shell commands, from the arguments to what is printed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hanse import Client
from hanse._login import Tokens
from hanse._transports import BlockingTransport
from hanse.profiles import Profile, load, save
from hanse_core.command import main
from hanse_core.crypto import keys
from hanse_core.errors import KeyChanged


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Any) -> Path:
    """A folder of our own for logins, and every client talks to the server in memory."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("HANSE_PASSWORD", raising=False)
    connect = BlockingTransport
    monkeypatch.setattr(Client, "_connect", lambda _, transport, **options: connect(server.transport(), **options))
    monkeypatch.setattr(BlockingTransport, "socket", lambda _: None)
    return tmp_path


@pytest.fixture
def logged_in() -> None:
    save("default", Profile("http://hanse.test", "alice", Tokens("access-1", "refresh-1", 7)))


class Terminal(io.StringIO):
    """Somebody at a keyboard."""

    def isatty(self) -> bool:
        return True


CREATE = ["task", "create", "--collaboration", "lung", "--image", "hanse/summary", "--method", "summary"]


def test_login_takes_the_password_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "password").write_text("Secret.1\n")
    arguments = ["login", "--server", "http://hanse.test", "--user", "alice", "--password-file"]
    assert main([*arguments, str(tmp_path / "password")]) == 0
    assert load().tokens.access == "access-1"
    output = capsys.readouterr().out
    assert "logged in at http://hanse.test/api as alice" in output
    assert "access-1" not in output
    assert "Secret.1" not in load.__globals__["path_of"]("default").read_text()


def test_login_takes_the_password_from_the_environment_or_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANSE_PASSWORD", "Secret.1")
    assert main(["login", "--server", "http://hanse.test", "--user", "alice", "--profile", "work"]) == 0
    monkeypatch.delenv("HANSE_PASSWORD")
    monkeypatch.setattr("getpass.getpass", lambda prompt: "Secret.1")
    assert main(["login", "--server", "http://hanse.test", "--user", "alice"]) == 0
    assert load("work").username == load("default").username == "alice"


def test_a_wrong_password_is_one_line_and_stores_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    monkeypatch.setenv("HANSE_PASSWORD", "Wrong.1")
    assert main(["login", "--server", "http://hanse.test", "--user", "alice"]) == 1
    assert capsys.readouterr().err == "hanse: Failed to login\n"
    assert not (home / "hanse").exists()


def test_login_with_a_personal_access_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: Any
) -> None:
    monkeypatch.setenv("HANSE_TOKEN", "hanse_pat_good")
    assert main(["login", "--server", "http://hanse.test", "--token"]) == 0
    assert "alice; the token is in" in (said := capsys.readouterr().out)
    assert "hanse_pat" not in said
    assert main(["task", "list"]) == 0
    assert main(["logout"]) == 0
    assert "still works elsewhere" in capsys.readouterr().out
    assert server.sent("POST", "token/revoke") == []
    assert main(["task", "list"]) == 1


def test_a_token_cannot_be_an_argument() -> None:
    with pytest.raises(SystemExit):
        main(["login", "--server", "http://hanse.test", "--token", "hanse_pat_good"])


def test_login_asks_for_the_code_of_a_second_factor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: Any
) -> None:
    monkeypatch.setenv("HANSE_PASSWORD", "no-factor-yet")
    monkeypatch.setattr("sys.stdin", Terminal("654321\n"))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["login", "--server", "http://hanse.test", "--user", "alice"]) == 0
    asked = capsys.readouterr().err
    assert "otpauth://x" in asked
    assert asked.endswith("code of your second factor: ")
    assert json.loads(server.sent("POST", "token/user")[-1].content)["mfa_code"] == "654321"


def test_without_a_terminal_a_missing_code_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HANSE_PASSWORD", "two-factor")
    assert main(["login", "--server", "http://hanse.test", "--user", "alice"]) == 1
    assert "mfa_code" in capsys.readouterr().err
    assert main(["login", "--server", "http://hanse.test", "--user", "alice", "--mfa-code", "123456"]) == 0


@pytest.mark.usefixtures("logged_in")
def test_logout_ends_the_login_and_forgets_it(server: Any, capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert main(["logout", "--everywhere"]) == 0
    assert capsys.readouterr().out == "logged out alice at http://hanse.test everywhere\n"
    assert json.loads(server.sent("POST", "token/revoke")[0].content) == {"all": True}
    assert list((home / "hanse").glob("*.json")) == []


@pytest.mark.usefixtures("logged_in")
def test_logout_forgets_the_login_even_if_the_server_is_away(server: Any, home: Path) -> None:
    import httpx

    server.faults = [httpx.ReadTimeout("slow")] * 100
    assert main(["logout"]) == 1
    assert list((home / "hanse").glob("*.json")) == []


@pytest.mark.usefixtures("logged_in")
def test_a_busy_server_says_when_to_come_back(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    import httpx

    server.faults = [httpx.Response(429, json={"msg": "slowly"}, headers={"Retry-After": "90"})]
    assert main(["task", "list"]) == 1
    assert capsys.readouterr().err == "hanse: slowly\n  try again in 90 seconds\n"


def test_a_missing_password_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["login", "--server", "http://hanse.test", "--user", "a", "--password-file", "/nowhere"]) == 1
    assert "/nowhere" in capsys.readouterr().err


def test_the_password_cannot_be_an_argument() -> None:
    with pytest.raises(SystemExit):
        main(["login", "--server", "http://hanse.test", "--user", "alice", "--password", "Secret.1"])


@pytest.mark.usefixtures("logged_in")
def test_create_sends_arguments_as_json_or_text(
    server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "arguments.json").write_text('{"columns": ["age"], "by": "old"}')
    code = main(
        [*CREATE, "--organization", "alpha", "--organization", "3", "--database", "lung", "--format", "json",
         "--arguments-file", str(tmp_path / "arguments.json"), "--argument", "by=sex", "--argument", "n=5"]
    )  # fmt: skip
    assert code == 0
    task = json.loads(capsys.readouterr().out)
    assert (task["id"], task["status"]) == (1, "pending")
    import base64

    body = json.loads(server.sent("POST", "task")[0].content)
    plain = json.loads(base64.b64decode(body["organizations"][0]["input"]))
    assert plain["kwargs"] == {"columns": ["age"], "by": "sex", "n": 5}
    assert [each["id"] for each in body["organizations"]] == [2, 3]
    assert body["databases"] == [{"label": "lung"}]


@pytest.mark.usefixtures("logged_in")
@pytest.mark.parametrize(
    ("more", "text"),
    [
        (["--argument", "columns"], "not of the form NAME=VALUE"),
        (["--organization", "alfa"], "there are: alpha (2), beta (3)"),
        (["--arguments-file", "/nowhere"], "/nowhere"),
    ],
)
def test_a_mistake_is_one_line(more: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*CREATE, *more]) == 1
    error = capsys.readouterr().err
    assert text in error
    assert "Traceback" not in error


@pytest.mark.usefixtures("logged_in")
def test_create_and_wait_prints_the_results(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    server.on_status = lambda id: server.finish(id, {2: {"mean": 61.5}, 3: 1, 4: 2})
    assert main([*CREATE, "--wait", "--format", "json"]) == 0
    output = capsys.readouterr()
    answers = json.loads(output.out)["answers"]
    assert answers[0] == {"organization": "alpha", "organization_id": 2, "run_id": 1, "result": {"mean": 61.5}}
    assert "alpha: completed" in output.err


@pytest.mark.usefixtures("logged_in")
def test_a_failed_task_prints_what_arrived_and_fails(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    main(CREATE)
    server.finish(1, {2: 5})
    server.finish(1, {3: None, 4: None}, status="crashed", log="KeyError: 'agee'")
    assert main(["task", "wait", "1", "--no-progress", "--timeout", "5"]) == 1
    output = capsys.readouterr()
    assert "alpha:\n5\n" in output.out
    assert "beta: crashed\n    | KeyError: 'agee'" in output.err


@pytest.mark.usefixtures("logged_in")
def test_list_show_results_and_kill(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    main([*CREATE, "--name", "first"])
    server.finish(1, {2: {"n": 3}})
    server.finish(1, {3: None}, status="crashed", log="out of memory")
    main(CREATE)
    capsys.readouterr()

    assert main(["task", "list"]) == 0
    assert [line.split()[:3] for line in capsys.readouterr().out.splitlines()] == [
        ["id", "status", "name"],
        ["2", "pending", "summary"],
        ["1", "crashed", "first"],
    ]
    assert main(["task", "show", "1"]) == 0
    shown = capsys.readouterr().out
    assert "status: crashed" in shown
    assert "log of beta:\nout of memory" in shown
    assert main(["task", "show", "1", "--format", "json"]) == 0
    assert [run["status"] for run in json.loads(capsys.readouterr().out)["runs"]] == ["completed", "crashed", "pending"]
    assert main(["task", "results", "1"]) == 0
    assert capsys.readouterr().out == 'alpha:\n{\n  "n": 3\n}\n'
    assert main(["task", "kill", "2"]) == 0
    assert capsys.readouterr().out == "task 2 is killed by user\n"
    assert main(["task", "list", "--limit", "1", "--format", "json"]) == 0
    assert [task["status"] for task in json.loads(capsys.readouterr().out)] == ["killed by user"]


def test_without_a_login_it_says_how_to_log_in(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["task", "list"]) == 1
    assert "hanse login --server URL --user NAME" in capsys.readouterr().err


def test_the_commands_are_light_to_import() -> None:
    heavy = "{'httpx', 'pydantic', 'rich', 'cryptography', 'socketio', 'pandas'}"
    code = f"import sys, hanse, hanse.cli.login, hanse.cli.task; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_keys_are_listed_confirmed_and_passed_on(
    logged_in: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = (keys.publish(keys.generate()) for _ in range(2))
    known = Client("http://hanse.test").known_keys
    known.believed(3, first, "beta")
    with pytest.raises(KeyChanged):
        known.believed(3, other)
    assert main(["key", "ls"]) == 0
    listed = capsys.readouterr().out
    assert f"beta                     {keys.fingerprint(first)}" in listed
    assert f"{keys.fingerprint(other)}  REFUSED: hanse key trust --server http://hanse.test/api 3" in listed
    monkeypatch.setattr("builtins.input", lambda _: keys.fingerprint(first))
    assert main(["key", "trust", "3"]) == 1
    assert (
        main(["key", "trust", "3", "--server", "http://hanse.test/api", "--fingerprint", keys.fingerprint(other)]) == 0
    )
    capsys.readouterr()
    assert main(["key", "export"]) == 0
    (tmp_path / "bundle.json").write_text(capsys.readouterr().out)
    assert main(["key", "import", "--server", "https://another.test", str(tmp_path / "bundle.json")]) == 0
    assert Client("https://another.test").known_keys.bundle() == {"3": other}
