"""Payloads that are too large for one text: written and opened piece by piece, in the forms of the v4 wire.

In a blob, a sealed payload is `b64(key)$b64(iv)$` and then the raw ciphertext; one in the clear is base64. Within a
JSON body it is as in `envelope`, base64 all along.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hanse_core.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

_PIECE = 3 << 16
"""Bytes that are written at a time: what base64 makes of them has no padding."""
_LONGEST_HEAD = 8192
"""Before so many bytes, what is sealed shows two separators: keys of 16,384 bits have less."""
_SEPARATOR = b"$"


class BlobPayload:
    """A message as a blob, in the clear or sealed for one organization. It can be written again, the same each time."""

    def __init__(self, message: bytes, recipient: rsa.RSAPublicKey | None = None) -> None:
        self._message = message
        self._head = b""
        self._key = self._iv = b""
        if recipient is not None:
            self._head, self._key, self._iv = _new_head(recipient)

    @property
    def size(self) -> int:
        """How many bytes it has as a blob."""
        plain = len(self._message)
        return len(self._head) + plain if self._head else (plain + 2) // 3 * 4

    def pieces(self) -> Iterator[bytes]:
        """Write it."""
        write = _cipher(self._key, self._iv).update if self._head else base64.b64encode
        if self._head:
            yield self._head
        view = memoryview(self._message)
        for start in range(0, len(view), _PIECE):
            yield write(view[start : start + _PIECE])


class Writer:
    """Writes a blob as its message arrives, in the clear or sealed for one organization."""

    def __init__(self, recipient: rsa.RSAPublicKey | None = None) -> None:
        self._head = self._carry = b""
        self._cipher: Any = None
        if recipient is not None:
            self._head, key, iv = _new_head(recipient)
            self._cipher = _cipher(key, iv)

    def feed(self, data: bytes) -> bytes:
        """Give what can be written so far."""
        if self._cipher is not None:
            head, self._head = self._head, b""
            written: bytes = head + self._cipher.update(data)
            return written
        data = self._carry + data
        whole = len(data) // 3 * 3
        self._carry = data[whole:]
        return base64.b64encode(data[:whole])

    def finish(self) -> bytes:
        """Give the rest once all has arrived."""
        return self._head + base64.b64encode(self._carry)


class Opener:
    """Opens a payload as it arrives, whichever form it has.

    Attributes:
        is_sealed: it was sealed; known once it is finished.
    """

    def __init__(self, private_key: rsa.RSAPrivateKey | None, *, is_blob: bool) -> None:
        self._private_key = private_key
        self._is_blob = is_blob
        self._head: bytearray | None = bytearray()
        self._base64: _Base64 | None = _Base64()
        self._cipher: Any = None

    @property
    def is_sealed(self) -> bool:
        return self._cipher is not None

    def feed(self, data: bytes) -> bytes:
        """Give what can be read so far of what was not given yet. Raises `Invalid` when it cannot be opened."""
        if self._head is None:
            return self._read(data)
        self._head += data
        if self._head.count(_SEPARATOR) < 2 and len(self._head) < _LONGEST_HEAD:
            return b""
        return self._begin()

    def finish(self) -> bytes:
        """Give the rest once all has arrived."""
        rest = self._begin() if self._head is not None else b""
        if self._base64 is not None:
            rest += self._decrypted(self._base64.finish())
        return rest

    def _begin(self) -> bytes:
        head, self._head = bytes(self._head or b""), None
        parts = head.split(_SEPARATOR, 2)
        if len(parts) < 3:
            return self._read(head)
        if self._private_key is None:
            raise Invalid("the payload is encrypted, and there is no key to open it")
        self._cipher = _opened(self._private_key, parts[0], parts[1])
        if self._is_blob:
            self._base64 = None
        return self._read(parts[2])

    def _read(self, data: bytes) -> bytes:
        return self._decrypted(data if self._base64 is None else self._base64.feed(data))

    def _decrypted(self, data: bytes) -> bytes:
        if self._cipher is None:
            return data
        read: bytes = self._cipher.update(data)
        return read


class _Base64:
    """Decodes base64 that arrives in pieces of any length."""

    def __init__(self) -> None:
        self._carry = b""
        self._is_over = False

    def feed(self, data: bytes) -> bytes:
        data = self._carry + data
        whole = len(data) // 4 * 4
        self._carry = data[whole:]
        return self._decode(data[:whole])

    def finish(self) -> bytes:
        return self._decode(self._carry)

    def _decode(self, data: bytes) -> bytes:
        if data and self._is_over:
            raise Invalid("the payload goes on after its end; it is damaged")
        self._is_over = data.endswith(b"=")
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Invalid("the payload is not base64; is the collaboration encrypted after all?") from error


def _new_head(recipient: rsa.RSAPublicKey) -> tuple[bytes, bytes, bytes]:
    """Make what a sealed blob begins with; give it, the key and the initial counter."""
    from cryptography.hazmat.primitives.asymmetric import padding

    key, iv = os.urandom(32), os.urandom(16)
    wrapped = recipient.encrypt(key, padding.PKCS1v15())
    return base64.b64encode(wrapped) + _SEPARATOR + base64.b64encode(iv) + _SEPARATOR, key, iv


def _opened(private_key: rsa.RSAPrivateKey, wrapped: bytes, iv: bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric import padding

    from hanse_core.crypto.envelope import session_key

    try:
        key = session_key(private_key.decrypt(base64.b64decode(wrapped, validate=True), padding.PKCS1v15()))
        return _cipher(key, base64.b64decode(iv, validate=True))
    except ValueError as error:
        raise Invalid("the payload cannot be decrypted: it was encrypted for another key, or damaged") from error


def _cipher(key: bytes, iv: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
