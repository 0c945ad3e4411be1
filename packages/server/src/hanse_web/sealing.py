"""Encrypting what lies in the database and must be read again: a copy of the database alone opens none of it."""

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hanse_core.errors import Unavailable

VERSION = "1:"
NONCE_BYTES = 12
KEY_BYTES = 32


class Seal:
    """Seals texts under a key of its own per purpose, derived from the signing secret."""

    def __init__(self, secret: str, purpose: str) -> None:
        self._purpose = purpose
        self._cipher = AESGCM(_derive(secret, f"hanse seal {purpose}"))
        self._digest_key = _derive(secret, f"hanse digest {purpose}")

    def seal(self, text: str, owner: str) -> str:
        """Encrypt a text that belongs to `owner`; put into another owner's row it does not open."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), owner.encode())
        return VERSION + base64.urlsafe_b64encode(sealed).decode()

    def open(self, sealed: str, owner: str) -> str:
        """Decrypt. Raises `Unavailable` when it was sealed under another secret, or for another owner."""
        try:
            raw = base64.urlsafe_b64decode(sealed.removeprefix(VERSION))
            return self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], owner.encode()).decode()
        except (ValueError, InvalidTag) as error:
            raise Unavailable(
                f"what the database holds for the {self._purpose} cannot be read; was jwt_secret_key changed? "
                "Set it back, or ask an administrator"
            ) from error

    def digest(self, text: str) -> str:
        """Hash a text of few possibilities; without the key nobody finds it by trying them all."""
        return hmac.new(self._digest_key, text.encode(), hashlib.sha256).hexdigest()


def _derive(secret: str, info: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info.encode()).derive(secret.encode())
