"""Payloads in pieces: what is written is what is opened, and what `envelope` reads and writes too."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from hanse_core.crypto import envelope
from hanse_core.crypto.streams import BlobPayload, Opener, Writer
from hanse_core.errors import Invalid

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
messages = st.binary(max_size=300)


def opened(data: bytes, size: int, key: rsa.RSAPrivateKey | None = KEY, *, is_blob: bool = True) -> bytes:
    opener = Opener(key, is_blob=is_blob)
    return b"".join(opener.feed(data[at : at + size]) for at in range(0, len(data), size)) + opener.finish()


@settings(deadline=None)
@given(message=messages, size=st.integers(1, 400), is_sealed=st.booleans())
def test_a_blob_is_opened_however_it_is_cut(message: bytes, size: int, is_sealed: bool) -> None:
    payload = BlobPayload(message, KEY.public_key() if is_sealed else None)
    blob = b"".join(payload.pieces())
    assert len(blob) == payload.size
    assert opened(blob, size) == message
    assert b"".join(payload.pieces()) == blob


@settings(deadline=None)
@given(message=messages, size=st.integers(1, 400), is_sealed=st.booleans())
def test_a_blob_is_written_however_its_message_arrives(message: bytes, size: int, is_sealed: bool) -> None:
    writer = Writer(KEY.public_key() if is_sealed else None)
    parts = [writer.feed(message[at : at + size]) for at in range(0, len(message), size)]
    blob = b"".join([*parts, writer.finish()])
    assert opened(blob, 100) == message
    assert len(blob) == BlobPayload(message, KEY.public_key() if is_sealed else None).size


@settings(deadline=None)
@given(message=messages, size=st.integers(1, 400))
def test_what_is_sealed_within_a_body_is_opened_too(message: bytes, size: int) -> None:
    sealed = envelope.seal(message, KEY.public_key()).encode()
    assert opened(sealed, size, is_blob=False) == message


def test_a_blob_has_the_form_of_the_wire() -> None:
    large = bytes(range(256)) * 3000
    assert b"".join(BlobPayload(large).pieces()) == base64.b64encode(large)
    wrapped, iv, cipher = b"".join(BlobPayload(large, KEY.public_key()).pieces()).split(b"$", 2)
    assert len(base64.b64decode(iv)) == envelope.IV_BYTES
    text = b"$".join([wrapped, iv, base64.b64encode(cipher)]).decode()
    assert envelope.open_sealed(text, KEY) == large


def test_a_sealed_payload_needs_the_right_key() -> None:
    blob = b"".join(BlobPayload(b"{}", KEY.public_key()).pieces())
    with pytest.raises(Invalid, match="no key"):
        opened(blob, 100, None)
    with pytest.raises(Invalid, match="another key"):
        opened(blob, 100, rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.mark.parametrize("damaged", [b"e30=e30=", b"e3", b"e30*", b"e30=\n"])
def test_what_is_no_base64_is_refused(damaged: bytes) -> None:
    for size in (1, 3, 4, 100):
        with pytest.raises(Invalid, match=r"base64|damaged"):
            opened(damaged, size)


def test_an_opener_knows_whether_it_was_sealed() -> None:
    opener = Opener(KEY, is_blob=True)
    opener.feed(base64.b64encode(json.dumps(1).encode()))
    opener.finish()
    assert not opener.is_sealed
