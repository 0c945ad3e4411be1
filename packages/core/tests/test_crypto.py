"""The v4 envelope against ciphertexts of the stock implementation (`vectors.json`, throw-away keys)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from hanse_core.crypto import envelope, keys
from hanse_core.crypto.sealer import EnvelopeSealer, PlainSealer
from hanse_core.errors import Invalid

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors.json").read_text())


def _key(organization: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(VECTORS[organization]["private_key_pem"].encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


ALPHA, BETA = _key("organization_alpha"), _key("organization_beta")


@pytest.mark.parametrize(
    ("vector", "key"),
    [("input_for_beta", BETA), ("result_for_alpha", ALPHA), ("input_for_beta_web_interface_variant", BETA)],
)
def test_what_stock_peers_sealed_opens(vector: str, key: rsa.RSAPrivateKey) -> None:
    sealed = VECTORS[vector]["stored_string"]
    assert envelope.open_sealed(sealed, key) == VECTORS[vector]["plaintext_utf8"].encode()
    assert EnvelopeSealer(key).open(sealed) == VECTORS[vector]["plaintext_utf8"].encode()


def test_what_travels_in_the_clear_is_base64() -> None:
    vector = VECTORS["unencrypted"]
    plain = vector["plaintext_utf8"].encode()
    assert PlainSealer().seal(plain) == vector["stored_string"]
    assert PlainSealer().open(vector["stored_string"]) == plain
    assert PlainSealer().open(PlainSealer().seal(b"")) == b""


@settings(deadline=None, max_examples=25)
@given(st.binary(max_size=500))
def test_what_is_sealed_opens_again(message: bytes) -> None:
    sealed = envelope.seal(message, BETA.public_key())
    assert envelope.looks_sealed(sealed)
    opened = envelope.open_sealed(sealed, BETA)
    assert opened == message or base64.b64decode(message) == opened  # The web interface's form cannot be told apart.


def test_an_envelope_has_the_sizes_of_v4() -> None:
    wrapped, iv, body = envelope.seal(b"x" * 100, ALPHA.public_key()).split("$")
    assert [len(base64.b64decode(part)) for part in (wrapped, iv, body)] == [512, 16, 100]


def test_every_envelope_has_a_key_of_its_own() -> None:
    assert envelope.seal(b"same", ALPHA.public_key()) != envelope.seal(b"same", ALPHA.public_key())


@pytest.mark.parametrize("message", [b"", b'{"a": 1}', b"12345678", b'"text"', b"\x00\xff binary"])
def test_stock_payloads_survive_although_the_web_variant_is_read_too(message: bytes) -> None:
    assert envelope.open_sealed(envelope.seal(message, ALPHA.public_key()), ALPHA) == message


@pytest.mark.parametrize(
    ("sealed", "text"),
    [
        ("eyJtZXRob2QiOiAibSJ9", "not encrypted"),
        ("a$b", "not encrypted"),
        ("AAAA$AAAA$AAAA", "another key, or damaged"),
        ("ä$ö$ü", "another key, or damaged"),
    ],
)
def test_what_is_no_envelope_is_refused(sealed: str, text: str) -> None:
    with pytest.raises(Invalid, match=text):
        envelope.open_sealed(sealed, ALPHA)


def test_the_wrong_key_opens_nothing() -> None:
    with pytest.raises(Invalid, match="another key, or damaged"):
        envelope.open_sealed(VECTORS["input_for_beta"]["stored_string"], ALPHA)


@pytest.mark.parametrize("text", ["", "a$b", "a$b$c", "AAAA$AAAA$AAAA", "eyJtZXRob2QiOiAibSJ9"])
def test_what_does_not_look_like_an_envelope_is_told(text: str) -> None:
    assert not envelope.looks_sealed(text)


def test_an_empty_result_opens_to_nothing() -> None:
    assert EnvelopeSealer(ALPHA).open("") == b""


def test_clear_text_that_is_not_base64_is_refused() -> None:
    with pytest.raises(Invalid, match="encrypted after all"):
        PlainSealer().open(VECTORS["input_for_beta"]["stored_string"])


@pytest.mark.parametrize(("organization", "key"), [("organization_alpha", ALPHA), ("organization_beta", BETA)])
def test_public_keys_are_published_byte_for_byte_as_stock_peers_do(organization: str, key: rsa.RSAPrivateKey) -> None:
    published = VECTORS[organization]["public_key_as_sent_to_server"]
    assert keys.publish(key) == keys.publish(key.public_key()) == EnvelopeSealer(key).public_key == published
    assert keys.load_public(published).public_numbers() == key.public_key().public_numbers()


def test_private_keys_are_written_as_stock_peers_do_and_read_in_both_forms(tmp_path: Path) -> None:
    pem = keys.private_to_pem(ALPHA)
    assert pem.decode().strip() == VECTORS["organization_alpha"]["private_key_pem"].strip()
    for name, content in (
        ("pkcs1", pem),
        ("pkcs8", ALPHA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
    ):
        (tmp_path / name).write_bytes(content)
        assert keys.load_private(tmp_path / name).private_numbers() == ALPHA.private_numbers()


def test_keys_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "key.pem"
    with pytest.raises(Invalid, match=r"key\.pem cannot be read"):
        keys.load_private(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(Invalid, match=r"key\.pem cannot be read"):
        keys.load_private(path)
    path.write_bytes(elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(Invalid, match="not an RSA key"):
        keys.load_private(path)
    with pytest.raises(Invalid, match="has not published"):
        keys.load_public("")
    with pytest.raises(Invalid, match="cannot be read"):
        keys.load_public("bm9uc2Vuc2U=")


def test_fingerprints_are_short_and_differ() -> None:
    alpha, beta = keys.fingerprint(keys.publish(ALPHA)), keys.fingerprint(keys.publish(BETA))
    assert alpha != beta
    assert len(alpha.split()) == 8
