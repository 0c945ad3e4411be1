"""`hanse server user`: accounts repaired straight in the database."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hanse_core.command import main
from hanse_server.accounts.models import User
from hanse_server.settings import Settings
from hanse_web.outbox import OutboxEvent

Run = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def people(make: Any) -> None:
    """Organization alpha with a researcher."""
    alpha = make.organization("alpha")
    make.user("alice", alpha, roles=["Researcher"])
    make.role("Curator", alpha)
    make.role("Curator of gamma", make.organization("gamma"))


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `hanse server user …` on the test's database; gives the exit code and what was printed."""

    def call(*arguments: str) -> tuple[int, str]:
        code = main(["server", "user", *arguments, "--database", settings.uri])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return call


def user(session: Session, name: str) -> User:
    session.rollback()
    session.expire_all()
    found: User = session.query(User).filter_by(username=name).one()
    return found


def test_the_list_shows_everybody(run: Run) -> None:
    code, printed = run("list")
    assert code == 0
    assert [line.split() for line in printed.splitlines()] == [
        ["ID", "USERNAME", "ORGANIZATION", "ROLES", "2FA", "STATE"],
        ["1", "root", "root", "Root", "no"],
        ["2", "alice", "alpha", "Researcher", "no"],
    ]


async def test_a_user_who_was_added_can_log_in(run: Run, anonymous: Any) -> None:
    names = ("--organization", "alpha", "--role", "Viewer", "--email", "bob@example.org")
    code, printed = run("add", "bob", *names, "--generate")
    assert code == 0
    (password,) = re.findall(r"^ {4}(\S+)$", printed, re.MULTILINE)
    answer = await anonymous.post("/token/user", json={"username": "bob", "password": password})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("alice", "--organization", "alpha", "--email", "x@example.org"), "user with the username alice already"),
        (("bob", "--organization", "alpha", "--email", "alice@example.org"), "user with the email"),
        (("bob", "--organization", "omega", "--email", "x@example.org"), "there are: root, alpha, gamma"),
        (("bob", "--organization", "alpha", "--email", "nonsense"), "email: "),
        (("bob", "--organization", "alpha", "--email", "x@example.org", "--role", "Rot"), "there are: Root, Viewer"),
        (("bob", "--organization", "alpha", "--email", "x@example.org", "--role", "Curator of gamma"), "Curator\n"),
        (("bob", "--organization", "alpha", "--email", "x@example.org", "--role", "node"), "no role node"),
    ],
)
def test_a_user_who_cannot_be_added_is_refused_with_the_reason(
    run: Run, session: Session, arguments: tuple[str, ...], told: str
) -> None:
    code, printed = run("add", *arguments, "--generate")
    assert code == 1
    assert told in printed
    assert session.query(User).count() == 2


def test_a_password_from_a_file_replaces_the_old_one_and_ends_all_sessions(
    run: Run, session: Session, tmp_path: Path
) -> None:
    before = user(session, "alice")
    old, version = before.password, before.token_version
    (tmp_path / "password").write_text("Better-horse-2\n")
    code, printed = run("password", "alice", "--password-file", str(tmp_path / "password"))
    assert code == 0
    assert "Better" not in printed
    after = user(session, "alice")
    assert after.password != old
    assert after.token_version > version
    assert [event.data for event in session.query(OutboxEvent)] == [{"id": after.id}]


def test_a_weak_password_is_refused_and_not_repeated(run: Run, session: Session, tmp_path: Path) -> None:
    old = user(session, "alice").password
    (tmp_path / "password").write_text("weakling")
    code, printed = run("password", "alice", "--password-file", str(tmp_path / "password"))
    assert code == 1
    assert "password: " in printed
    assert "weakling" not in printed
    assert user(session, "alice").password == old


def test_without_a_terminal_the_command_says_how_to_give_a_password(run: Run) -> None:
    code, printed = run("password", "alice")
    assert code == 1
    assert "--generate or --password-file" in printed


def test_a_password_is_asked_for_twice(run: Run, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    old = user(session, "alice").password
    answers = iter(["Better-horse-2", "Better-horse-3", "Better-horse-2", "Better-horse-2"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    code, printed = run("password", "alice")
    assert (code, "differ" in printed) == (1, True)
    assert user(session, "alice").password == old
    assert run("password", "alice")[0] == 0
    assert user(session, "alice").password != old


def test_a_forgotten_second_factor_is_set_up_anew(run: Run, session: Session) -> None:
    alice = user(session, "alice")
    alice.otp_secret, version = "A" * 32, alice.token_version
    session.commit()
    code, printed = run("reset-2fa", "alice")
    assert (code, "is forgotten" in printed) == (0, True)
    assert user(session, "alice").otp_secret is None
    assert user(session, "alice").token_version > version
    assert "nothing to do" in run("reset-2fa", "alice")[1]


def test_a_blocked_user_is_shown_and_unlocked(run: Run, session: Session) -> None:
    from hanse_web.clock import SystemClock

    alice = user(session, "alice")
    alice.failed_login_attempts, alice.last_login_attempt = 50, SystemClock().now()
    session.commit()
    assert "blocked" in run("list")[1]
    assert run("unlock", "alice")[0] == 0
    assert "blocked" not in run("list")[1]


def test_roles_are_shown_given_and_taken(run: Run) -> None:
    assert run("roles", "alice") == (0, "alice holds Researcher.\n")
    changed = run("roles", "alice", "--add", "Curator", "--add", "Viewer", "--remove", "Researcher")
    assert changed == (0, "alice holds Curator, Viewer.\n")
    assert run("roles", "alice", "--remove", "Researcher")[0] == 1


def test_somebody_always_holds_root(run: Run) -> None:
    code, printed = run("roles", "root", "--remove", "Root")
    assert (code, "nobody would hold" in printed) == (1, True)
    assert run("roles", "root") == (0, "root holds Root.\n")


def test_an_unknown_user_and_a_missing_database_are_named(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no user zoe" in run("unlock", "zoe")[1]
    assert main(["server", "user", "list", "--database", "sqlite:////nowhere/x.sqlite"]) == 1
    assert "does not exist" in capsys.readouterr().err
