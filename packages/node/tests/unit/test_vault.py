"""What the node can open, and that it never replaces a key of its organization."""

from pathlib import Path

import pytest

from hanse_core.crypto import keys
from hanse_core.errors import Invalid, KeyChanged
from hanse_node.errors import CannotStart
from hanse_node.messages import Organization
from hanse_node.settings import Encryption
from hanse_node.vault import Vault


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key.pem"
    path.write_bytes(keys.private_to_pem(keys.generate()))
    return path


@pytest.fixture
def sealed(key_file: Path) -> Vault:
    return Vault(Encryption(enabled=True, private_key=key_file))


def test_in_the_clear_payloads_are_base64() -> None:
    vault = Vault(Encryption())
    assert (vault.seal(b"[1]"), vault.open("WzFd"), vault.seal(b"")) == ("WzFd", b"[1]", "")


def test_sealed_payloads_open_with_the_private_key_only(sealed: Vault) -> None:
    text = sealed.seal(b"[1]", sealed.public_key)
    assert text.count("$") == 2
    assert sealed.open(text) == b"[1]"
    with pytest.raises(Invalid, match="public key"):
        sealed.seal(b"[1]", "")
    with pytest.raises(Invalid, match="not encrypted"):
        sealed.open("WzFd")


def test_node_and_collaboration_must_agree(sealed: Vault) -> None:
    sealed.agree(True)
    with pytest.raises(CannotStart, match="is not encrypted"):
        sealed.agree(False)
    with pytest.raises(CannotStart, match="set it to true"):
        Vault(Encryption()).agree(True)


def test_a_key_is_published_only_where_there_is_none(sealed: Vault) -> None:
    assert sealed.must_publish("")
    assert not sealed.must_publish(sealed.public_key)
    assert not Vault(Encryption()).must_publish("")
    for other in ("b3RoZXI=", "!"):
        with pytest.raises(CannotStart, match="another public key"):
            sealed.must_publish(other)


def test_a_missing_private_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"none\.pem"):
        Vault(Encryption(enabled=True, private_key=tmp_path / "none.pem"))


def test_the_vault_asks_for_what_is_believed(tmp_path: Path) -> None:
    other = keys.publish(keys.generate())
    path = tmp_path / "private.pem"
    path.write_bytes(keys.private_to_pem(keys.generate()))
    vault = Vault(Encryption(enabled=True, private_key=path), tmp_path / "keys.json")
    vault.joined(1)
    assert vault.recipient(1, Organization("alpha", "")) == vault.public_key
    with pytest.raises(KeyChanged):
        vault.recipient(1, Organization("alpha", other))
    plain = Vault(Encryption(), tmp_path / "none.json")
    assert plain.recipient(1, Organization("alpha", other)) == other
    assert not (tmp_path / "none.json").exists()
