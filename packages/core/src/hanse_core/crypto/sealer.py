"""How a payload travels: in the clear (base64) or sealed for one organization.

`cryptography` is imported by the envelope only: a process that works in the clear does not pay 8 MB for it.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Protocol

from hanse_core.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from hanse_core.crypto.streams import Opener


class Sealer(Protocol):
    """Turns payload bytes into the string on the wire and back."""

    def seal(self, message: bytes, public_key: str) -> str:
        """Seal for the organization whose published key is given (unused in the clear)."""

    def open(self, sealed: str) -> bytes:
        """Open what was sealed for us. Raises `Invalid` when that cannot be done."""


class PlainSealer:
    """For collaborations without encryption: standard base64 of the bytes."""

    def seal(self, message: bytes, public_key: str = "") -> str:
        return base64.b64encode(message).decode("ascii")

    def open(self, sealed: str) -> bytes:
        try:
            return base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Invalid("the payload is not base64; is the collaboration encrypted after all?") from error


class EnvelopeSealer:
    """For encrypted collaborations: the v4 envelope under RSA keys of the organizations."""

    def __init__(self, private_key: rsa.RSAPrivateKey) -> None:
        from hanse_core.crypto import keys

        self._private_key = private_key
        self.public_key = keys.publish(private_key)

    def seal(self, message: bytes, public_key: str) -> str:
        from hanse_core.crypto import envelope, keys

        return envelope.seal(message, keys.load_public(public_key))

    def opener(self, *, is_blob: bool) -> Opener:
        """Give what opens a payload piece by piece."""
        from hanse_core.crypto.streams import Opener

        return Opener(self._private_key, is_blob=is_blob)

    def open(self, sealed: str) -> bytes:
        from hanse_core.crypto import envelope

        return b"" if not sealed else envelope.open_sealed(sealed, self._private_key)
