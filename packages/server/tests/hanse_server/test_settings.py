"""What an operator can set, and what happens when it is wrong."""

from pathlib import Path

import pytest

from hanse_core.errors import Invalid
from hanse_server.settings import Settings, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "server.yaml"


def test_the_keys_of_a_stock_configuration_are_understood(file: Path) -> None:
    file.write_text(
        """
        ip: 0.0.0.0
        port: 5001
        api_path: /v4/
        uri: sqlite:////var/lib/hanse/server.sqlite
        jwt_secret_key: of-more-than-thirty-two-bytes-please
        token_expires_hours: 1
        refresh_token_expires_hours: 24
        password_policy: {max_failed_attempts: 3, inactivation_minutes: 30}
        cors_allowed_origins: ["https://ui.example"]
        server_name: cotopaxi
        """
    )
    settings = load(file)
    assert (settings.ip, settings.port, settings.api_path, settings.server_name) == ("0.0.0.0", 5001, "/v4", "cotopaxi")
    assert settings.access_life.total_seconds() == 3600
    assert settings.password_policy.max_failed_attempts == 3
    assert settings.password_policy.inactivation.total_seconds() == 1800
    assert settings.cors_allowed_origins == ("https://ui.example",)
    assert settings.jwt_secret_text() == "of-more-than-thirty-two-bytes-please"


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("port: 1\nip: 10.0.0.1\nserver_name: from-file\npassword_policy: {max_failed_attempts: 3}\n")
    monkeypatch.setenv("HANSE_SERVER_PORT", "2")
    monkeypatch.setenv("HANSE_SERVER_IP", "10.0.0.2")
    monkeypatch.setenv("HANSE_SERVER_PASSWORD_POLICY__INACTIVATION_MINUTES", "7")
    settings = load(file, port=3, uri=None)
    assert (settings.port, settings.ip, settings.server_name) == (3, "10.0.0.2", "from-file")
    assert settings.password_policy.inactivation_minutes == 7
    assert settings.password_policy.max_failed_attempts == 3


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [
        ("prot: 5000", "prot", "there is no such setting; is port meant?"),
        ("port: 70000", "port", "must be 65535 or less"),
        ("port: often", "port", "must be a whole number"),
        ("password_policy: {max_attempts: 3}", "password_policy.max_attempts", "there is no such setting"),
        ("password_policy: strict", "password_policy", "must consist of keys and values"),
        ("two_factor_auth: sometimes", "two_factor_auth", "must be true or false"),
        ("log_level: chatty", "log_level", "must be 'debug', 'info', 'warning' or 'error'"),
        ("api_path: /", "api_path", "must name a path"),
        ("cors_allowed_origins: '('", "cors_allowed_origins", "not a regular expression"),
        ("token_expires_hours: 0", "token_expires_hours", "must be more than 0"),
    ],
)
def test_a_wrong_setting_is_refused_naming_its_key_in_plain_words(file: Path, text: str, key: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(Invalid) as refused:
        load(file)
    assert list(refused.value.errors) == [key]
    assert told in refused.value.errors[key][0]


def test_a_refresh_token_must_outlive_an_access_token(file: Path) -> None:
    file.write_text("token_expires_hours: 48")
    with pytest.raises(Invalid) as refused:
        load(file)
    assert "longer" in str(refused.value.errors)


def test_a_secret_is_not_shown_when_something_else_is_wrong(file: Path) -> None:
    file.write_text("jwt_secret_key: planted-secret\nroot_password: {planted: secret}\nport: x")
    with pytest.raises(Invalid) as refused:
        load(file)
    assert "planted" not in refused.value.message + str(refused.value.errors)


def test_an_unknown_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANSE_SERVER_ROOT_PASWORD", "x")
    with pytest.raises(Invalid, match="HANSE_SERVER_ROOT_PASWORD"):
        load()


def test_a_file_that_is_missing_or_no_yaml_is_refused(file: Path) -> None:
    with pytest.raises(Invalid, match="does not exist"):
        load(file)
    file.write_text("port: [")
    with pytest.raises(Invalid, match="not valid YAML"):
        load(file)
    for text in ("just a sentence", "[]", "5000: port"):
        file.write_text(text)
        with pytest.raises(Invalid, match="keys and values"):
            load(file)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Invalid, match="not valid YAML"):
        load(file)
    with pytest.raises(Invalid, match="cannot be read"):
        load(file.parent)


def test_an_empty_file_leaves_everything_as_it_is(file: Path) -> None:
    file.write_text("# nothing set\n")
    assert load(file).port == Settings().port


def test_secrets_are_read_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("A-secret-1\n")
    monkeypatch.setenv("HANSE_SERVER_ROOT_PASSWORD_FILE", str(tmp_path / "password"))
    assert load().root_password_text() == "A-secret-1"
    monkeypatch.setenv("HANSE_SERVER_ROOT_PASSWORD_FILE", str(tmp_path / "missing"))
    with pytest.raises(Invalid, match="root_password_file cannot be read"):
        load().root_password_text()
    (tmp_path / "missing").write_bytes(b"\xff")
    with pytest.raises(Invalid, match="root_password_file is not a text"):
        load().root_password_text()


def test_settings_cannot_be_changed_afterwards_nor_shown_with_secrets() -> None:
    settings = Settings(root_password="planted")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]
    assert "planted" not in repr(settings)
