"""The secret that signs tokens."""

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from hanse_core.errors import Invalid
from hanse_server.identity.signing import existing_secret, signing_secret
from hanse_server.settings import Settings

STRONG = "0123456789abcdefghijklmnopqrstuv"


def test_a_given_secret_is_used(tmp_path: Path) -> None:
    assert signing_secret(Settings(jwt_secret_key=SecretStr(STRONG))) == STRONG


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(STRONG + "\n")
    assert signing_secret(Settings(jwt_secret_key_file=file)) == STRONG


@pytest.mark.parametrize("weak", ["short", "a" * 64, ""])
def test_a_weak_secret_is_refused_with_a_remedy(weak: str) -> None:
    with pytest.raises(Invalid, match="openssl rand"):
        signing_secret(Settings(jwt_secret_key=SecretStr(weak)))


def test_without_one_it_is_generated_once_and_kept_for_the_owner_only(tmp_path: Path) -> None:
    settings = Settings(uri=f"sqlite:///{tmp_path}/server.sqlite")
    assert existing_secret(settings) is None
    secret = signing_secret(settings)
    assert len(secret) >= 32
    assert signing_secret(settings) == existing_secret(settings) == secret
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_kept_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    settings = Settings(uri=f"sqlite:///{tmp_path}/server.sqlite")
    signing_secret(settings)
    (tmp_path / "server.sqlite.jwt-secret").chmod(0o644)
    with pytest.raises(Invalid, match="chmod 600"):
        signing_secret(settings)


def test_several_servers_on_one_database_must_be_given_the_same_secret() -> None:
    with pytest.raises(Invalid, match="all servers on one database"):
        signing_secret(Settings(uri="postgresql://hanse@db/hanse"))


def test_a_secret_that_cannot_be_kept_is_refused() -> None:
    with pytest.raises(Invalid, match="cannot be kept"):
        signing_secret(Settings(uri="sqlite:////nowhere/at/all/server.sqlite"))
