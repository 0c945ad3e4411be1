"""The mail settings of a stock configuration mean what they mean there."""

from datetime import timedelta
from pathlib import Path

import pytest

from hanse_core.errors import Invalid
from hanse_server.settings import load

STOCK = """
two_factor_auth: true
support_email: help@hospital.example
smtp:
  server: mail.hospital.example
  port: 2525
  username: hanse
  password: letmein
  email_from: noreply@hospital.example
  email_token_validity_minutes: 30
  MAIL_USE_TLS: false
  MAIL_USE_SSL: true
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "server.yaml"
    path.write_text(STOCK)
    return path


def test_a_stock_configuration_is_understood(file: Path) -> None:
    settings = load(file)
    server = settings.smtp.connection()
    assert server is not None
    assert (server.host, server.port, server.sender) == ("mail.hospital.example", 2525, "noreply@hospital.example")
    assert (server.username, server.password) == ("hanse", "letmein")
    assert (server.uses_ssl, server.uses_starttls) == (True, False)
    assert settings.recovery_life == timedelta(minutes=30)
    assert settings.two_factor_auth
    assert "letmein" not in repr(settings) + repr(server)


def test_the_outer_life_of_tokens_goes_before_the_inner_one(file: Path) -> None:
    file.write_text(STOCK + "email_token_validity_minutes: 10\n")
    assert load(file).recovery_life == timedelta(minutes=10)


def test_the_password_may_come_from_a_file_and_everything_from_the_environment(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-file\n")
    file.write_text(STOCK.replace("password: letmein", f"password_file: {secret}"))
    monkeypatch.setenv("HANSE_SERVER_SMTP__SERVER", "other.example")
    server = load(file).smtp.connection()
    assert server is not None
    assert (server.host, server.password) == ("other.example", "from-file")


@pytest.mark.parametrize(
    ("given", "port"),
    [("{}", 587), ("{MAIL_USE_SSL: true}", 465), ("{MAIL_USE_TLS: false}", 25)],
)
def test_the_port_follows_the_encryption(file: Path, given: str, port: int) -> None:
    inner = given.strip("{}")
    file.write_text(f"smtp: {{server: m.example, email_from: a@b.example{', ' + inner if inner else ''}}}")
    server = load(file).smtp.connection()
    assert server is not None
    assert server.port == port


@pytest.mark.parametrize(
    "text",
    [
        "smtp: {server: m.example}",
        "smtp: {server: m.example, email_from: nobody}",
        'smtp: {server: m.example, email_from: "a@b.example\\nBcc: c@d.example"}',
        "smtp: {server: m.example, email_from: a@b.example, username: u}",
        "smtp: {serve: m.example}",
    ],
)
def test_what_cannot_work_keeps_the_server_from_starting(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(Invalid):
        load(file)


def test_without_a_server_there_is_no_connection(file: Path) -> None:
    file.write_text("server_name: x\n")
    assert load(file).smtp.connection() is None
