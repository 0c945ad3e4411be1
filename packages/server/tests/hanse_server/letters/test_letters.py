"""Mails say what they must, and nothing that somebody chose can make them say more."""

import re
import subprocess
import zipfile
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from hanse_server.letters.writing import Letters
from hanse_web.mail import Message
from hanse_web.mail_queue import MailQueue
from hanse_web.work import Work

TOKEN = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE"
LIFE = timedelta(minutes=60)
EVIL = "Eve\r\n\r\nYour new token is:\n\nhttps://evil.example/" + "x" * 300
KINDS: dict[str, Callable[[Letters, Any, str], None]] = {
    "password reset": lambda letters, work, name: letters.password_reset(work, "a@b.example", name, TOKEN, LIFE),
    "second factor": lambda letters, work, name: letters.second_factor_reset(work, "a@b.example", name, TOKEN, LIFE),
    "blocked": lambda letters, work, name: letters.blocked_account(work, "a@b.example", name, "192.0.2.1", LIFE),
    "login method": lambda letters, work, name: letters.login_method(work, "a@b.example", name, "it changed"),
    "person": lambda letters, work, name: letters.user_invitation(work, "a@b.example", name, name, TOKEN, LIFE),
    "organization": lambda letters, work, name: letters.organization_invitation(
        work, "a@b.example", name, name, name, LIFE
    ),
}


class Tray(MailQueue):
    """A queue that only keeps what is put into it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def put(self, work: Work, message: Message, life: timedelta) -> None:
        self.messages.append(message)


def written(kind: str, name: str, support: str | None = "help@h.example") -> Message:
    tray = Tray()
    KINDS[kind](Letters(tray, "cotopaxi", support), None, name)
    (message,) = tray.messages
    return message


@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_names_the_server_and_whom_to_ask(kind: str) -> None:
    mail = written(kind, "ann")
    assert mail.subject.startswith("cotopaxi: ")
    for text in (mail.text, mail.html):
        assert "cotopaxi" in text
        assert "help@h.example" in text
        assert "ann" in text
        assert "{" not in text.replace("{ border", "")
    assert "None" not in written(kind, "ann", support=None).text


@pytest.mark.parametrize("kind", KINDS)
def test_text_and_html_say_the_same(kind: str) -> None:
    mail = written(kind, "ann")
    body = re.sub(r"</?code>", "", mail.html.split("<body", 1)[1].split(">", 1)[1])
    bare = unescape(re.sub(r"<[^>]+>", " ", body))
    assert bare.split() == [word for word in mail.text.split() if word != "--"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_somebody_chose_adds_no_line_no_address_and_no_markup(kind: str) -> None:
    mail = written(kind, EVIL)
    assert len(mail.text.splitlines()) == len(written(kind, "ann").text.splitlines())
    assert "https://evil" not in mail.text + mail.html
    marked = written(kind, "<script>alert(1)</script>")
    assert "<script" not in marked.html


def test_nothing_is_written_to_who_has_no_address() -> None:
    tray = Tray()
    work: Any = None
    Letters(tray, "cotopaxi", None).login_method(work, "user-3@no-address.invalid", "ann", "it changed")
    assert tray.messages == []


@pytest.mark.parametrize("kind", ["password reset", "second factor", "person"])
def test_the_token_stands_on_its_own_line(kind: str) -> None:
    mail = written(kind, "ann")
    assert TOKEN in mail.text.splitlines()
    assert f">{TOKEN}<" in mail.html


@pytest.mark.parametrize("kind", ["blocked", "login method", "organization"])
def test_notices_hold_no_token(kind: str) -> None:
    assert TOKEN not in written(kind, "ann").text


def test_the_templates_and_the_list_of_words_lie_in_the_package() -> None:
    names = {file.name for file in files("hanse_server.letters").joinpath("templates").iterdir()}
    stems = {name.partition(".")[0] for name in names}
    assert names == {f"{stem}.{kind}" for stem in stems for kind in ("txt", "html")}
    assert len(stems) == 7
    assert files("hanse_server.accounts").joinpath("common_words.txt").is_file()


@pytest.mark.needs("uv")
def test_the_templates_are_in_the_wheel(uv: str, tmp_path: Path) -> None:
    source = Path(__file__).parents[3]
    subprocess.run(
        [uv, "build", "--quiet", "--wheel", "--no-sources", "--out-dir", tmp_path, source], check=True, timeout=120
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "hanse_server/letters/templates/password_reset.txt" in names
    assert sum("/letters/templates/" in name and not name.endswith("/") for name in names) == 14
    assert "hanse_server/accounts/common_words.txt" in names
