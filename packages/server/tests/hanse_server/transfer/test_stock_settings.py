"""The configuration of a v4 server becomes ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hanse_core.command import main
from hanse_server.settings import Settings, load

SECRET = "a secret of the v4 server, which has more than 32 bytes"
STOCK: dict[str, Any] = {
    "description": "production",
    "ip": "0.0.0.0",
    "port": 7601,
    "api_path": "/api",
    "uri": "postgresql://vantage:db-secret@db.example/vantage",
    "allow_drop_all": False,
    "jwt_secret_key": SECRET,
    "logging": {"level": "DEBUG", "file": "server.log", "use_console": True, "backup_count": 5},
}
Translate = Callable[..., tuple[Settings, str]]


@pytest.fixture
def translate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Translate:
    """Import a configuration; gives the settings that the new file means, and what was printed."""

    def run(*options: str, **more: Any) -> tuple[Settings, str]:
        stock, made = tmp_path / "stock.yaml", tmp_path / "hanse.yaml"
        stock.write_text(yaml.safe_dump({**STOCK, **more}))
        assert main(["server", "import", str(stock), "--output", str(made), *options]) == 0
        assert made.stat().st_mode & 0o777 == 0o600
        return load(made), capsys.readouterr().out

    return run


def test_a_dry_run_shows_what_is_carried_and_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stock = tmp_path / "stock.yaml"
    stock.write_text(yaml.safe_dump({**STOCK, "smtp": {"server": "mail.example", "password": "mail-secret"}}))
    assert main(["server", "import", str(stock), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "port: 7601" in printed
    assert "jwt_secret_key: …" in printed
    assert SECRET not in printed
    assert "mail-secret" not in printed


def test_what_means_the_same_is_carried(translate: Translate) -> None:
    settings, _ = translate(
        server_name="study server",
        token_expires_hours=2,
        refresh_token_expires_hours="24",
        two_factor_auth=True,
        password_policy={"max_failed_attempts": 3},
        smtp={"server": "mail.example", "port": 25, "username": "u@a.example", "password": "p", "MAIL_USE_TLS": False},
        support_email="help@example.org",
        server_url="https://hanse.example/api",
        cors_allowed_origins=["https://ui.example"],
        runs_data_cleanup_days=30,
        runs_data_cleanup_include_input=True,
        large_result_store={"container_name": "results", "connection_string": "AccountKey=x"},
        vpn_server={
            "url": "https://vpn.example", "redirect_url": "http://localhost", "client_id": "c", "client_secret": "s",
            "portal_username": "u", "portal_userpass": "p",
        },
    )  # fmt: skip
    assert (settings.ip, settings.port, settings.server_name) == ("0.0.0.0", 7601, "study server")
    assert settings.jwt_secret_text() == SECRET
    assert (settings.token_expires_hours, settings.refresh_token_expires_hours) == (2, 24)
    assert settings.two_factor_auth
    assert settings.password_policy.max_failed_attempts == 3
    assert (settings.smtp.server, settings.smtp.port, settings.smtp.mail_use_tls) == ("mail.example", 25, False)
    assert settings.cors_allowed_origins == ("https://ui.example",)
    assert (settings.runs_data_cleanup_days, settings.runs_data_cleanup_include_input) == (30, True)
    assert settings.large_result_store is not None
    assert settings.large_result_store.type == "azure"
    assert settings.log_level == "debug"
    assert str(settings.server_url).startswith("https://hanse.example")


def test_the_stores_and_the_vpn_portal_are_carried_with_their_secrets_which_are_not_printed(
    translate: Translate,
) -> None:
    text = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=planted-store;EndpointSuffix=core.windows.net"
    portal = {"url": "https://vpn.example", "redirect_url": "http://localhost", "client_id": "hanse"}
    settings, printed = translate(
        large_result_store={"container_name": "results", "connection_string": text},
        vpn_server={**portal, "client_secret": "planted-id", "portal_username": "u", "portal_userpass": "planted-pw"},
    )
    store, vpn = settings.large_result_store, settings.vpn_server
    assert store is not None
    assert (store.type, store.container_name, store.secret("connection_string")) == ("azure", "results", text)
    assert vpn is not None
    assert (vpn.url, vpn.redirect_url, vpn.client_id, vpn.portal_username) == (*portal.values(), "u")
    assert (vpn.secret("client_secret"), vpn.secret("portal_userpass")) == ("planted-id", "planted-pw")
    assert "planted" not in printed


def test_a_store_that_logs_in_as_an_application_is_carried(translate: Translate) -> None:
    login = {"storage_account_name": "account", "tenant_id": "tenant", "client_id": "us", "client_secret": "planted"}
    settings, printed = translate(large_result_store={"container_name": "results", **login})
    store = settings.large_result_store
    assert store is not None
    assert (store.storage_account_name, store.tenant_id, store.client_id) == ("account", "tenant", "us")
    assert store.secret("client_secret") == "planted"
    assert "planted" not in printed


def test_what_cannot_be_carried_is_named_with_the_reason(translate: Translate) -> None:
    _, printed = translate(
        ui={"enabled": True},
        algorithm_stores=[{"name": "x", "url": "y"}],
        invented=1,
        prometheus={"enabled": True},
        rabbitmq={"uri": "amqp://hanse:secret@broker/"},
    )
    for told in ("`description`", "`allow_drop_all`", "`ui`", "`algorithm_stores`", "`invented`", "`prometheus`"):
        assert f"{told} was not carried: " in printed
    assert "logging.backup_count, logging.file, logging.use_console" in printed
    assert "hanse server store add URL" in printed
    assert "`rabbitmq` was not carried: servers that share one PostgreSQL database" in printed
    assert "secret@broker" not in printed


def test_the_database_of_v4_is_not_taken_for_ours(translate: Translate, tmp_path: Path) -> None:
    settings, printed = translate()
    assert settings.uri == f"sqlite:///{tmp_path}/hanse.sqlite"
    assert "hanse server import postgresql://vantage:***@db.example/vantage" in printed
    assert "empty PostgreSQL database" in printed


def test_another_database_can_be_named(translate: Translate) -> None:
    settings, printed = translate("--database", "postgresql://db.example/hanse")
    assert settings.uri == "postgresql://db.example/hanse"
    assert "SQLite" not in printed


@pytest.mark.parametrize("weak", ["secret", None])
def test_a_weak_or_missing_secret_is_replaced_and_said(translate: Translate, weak: str | None) -> None:
    settings, printed = translate(jwt_secret_key=weak)
    assert len(settings.jwt_secret_text() or "") >= 48
    assert "everybody logs in once more" in printed


def test_what_this_server_would_refuse_is_left_out_and_named(translate: Translate) -> None:
    settings, printed = translate(port=99999, token_expires_hours=0.1, password_policy={"max_failed_attempts": 0})
    assert settings.port == Settings.model_fields["port"].default
    assert settings.token_expires_hours == 6
    for name in ("port", "token_expires_hours", "password_policy"):
        assert f"`{name}` was not carried" in printed


def test_secrets_are_not_printed(translate: Translate) -> None:
    _, printed = translate(smtp={"server": "s", "username": "u@s.example", "password": "planted-mail"})
    for planted in ("planted-mail", "db-secret", SECRET):
        assert planted not in printed


def test_what_kind_of_file_it_is_is_told_by_its_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.yaml"
    for text, told in (("a: 1", "neither the configuration"), ("- a", "keys and values"), ("a: [", "not valid YAML")):
        file.write_text(text)
        assert main(["server", "import", str(file)]) == 1
        assert told in capsys.readouterr().err
    assert main(["server", "import", str(tmp_path / "none.yaml")]) == 1
    assert "No such file" in capsys.readouterr().err
