"""`hanse server init`: a configuration that explains itself."""

import re
from pathlib import Path

import pytest
import yaml

from hanse_core.command import main
from hanse_server.configuration import commented, keys_of, model_of
from hanse_server.settings import Settings, load


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A configuration as the command writes it."""
    file = tmp_path / "server.yaml"
    assert main(["server", "init", str(file)]) == 0
    return file


def uncommented(text: str) -> str:
    """Set every setting to the value that its comment shows."""
    return re.sub(r"^( *)#(?=\S|  )", r"\1", text, flags=re.MULTILINE)


def test_what_init_writes_is_loaded_and_has_a_strong_secret(written: Path) -> None:
    settings = load(written)
    assert len(settings.jwt_secret_text() or "") == 64
    assert settings.uri == f"sqlite:///{written.with_suffix('.sqlite')}"
    assert settings.port == Settings.model_fields["port"].default


def test_every_setting_is_in_it_with_what_it_does(written: Path) -> None:
    text = written.read_text()
    values = yaml.safe_load(uncommented(text))
    assert set(values) == set(Settings.model_fields)
    prose = " ".join(text.replace("#", " ").split())
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert " ".join(field.description.replace("#", " ").split()) in prose
        inner = model_of(field.annotation)
        if inner is not None:
            assert set(values[name]) <= keys_of(inner)
            assert len(values[name]) == len(inner.model_fields)


def test_what_the_comments_show_are_the_defaults(tmp_path: Path) -> None:
    simple = {name for name, field in Settings.model_fields.items() if model_of(field.annotation) is None}
    values = yaml.safe_load(uncommented(commented({})))
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump({name: values[name] for name in simple}))
    loaded, defaults = load(file), Settings()
    assert {name: getattr(loaded, name) for name in simple} == {name: getattr(defaults, name) for name in simple}


def test_it_is_for_its_owner_and_never_written_over(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert written.stat().st_mode & 0o777 == 0o600
    before = written.read_text()
    assert main(["server", "init", str(written)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert written.read_text() == before


def test_it_names_the_database_that_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uri, file = "postgresql://hanse@db/hanse", tmp_path / "server.yaml"
    assert main(["server", "init", str(file), "--database", "hanse"]) == 1
    assert "is not the address of a database" in capsys.readouterr().err
    assert main(["server", "init", str(file), "--database", uri]) == 0
    assert load(file).uri == uri


def test_it_is_used_from_its_folder_without_being_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["server", "init"]) == 0
    Path("hanse-server.yaml").write_text("prot: 5000")
    assert main(["server", "check"]) == 1
    assert "prot: there is no such setting" in capsys.readouterr().err


def test_two_configurations_have_different_secrets(written: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    main(["server", "init", str(other)])
    assert load(written).jwt_secret_text() != load(other).jwt_secret_text()


def test_a_value_that_is_given_stands_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "server.yaml"
    file.write_text(
        commented({"server_name": "no: really #1", "password_policy": {"max_failed_attempts": 3}, "port": 1})
    )
    settings = load(file)
    assert settings.server_name == "no: really #1"
    assert settings.port == 1
    assert settings.password_policy.max_failed_attempts == 3
    assert settings.password_policy.inactivation_minutes == 15
