"""The v4 envelope: `b64(RSA-PKCS1v15(key)) $ b64(iv) $ b64(AES-256-CTR(message))`.

The format has no integrity check; it is kept for stock peers.
"""

import base64
import binascii
import json
import os

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from hanse_core.errors import Invalid

SEPARATOR = "$"
_KEY_BYTES = 32
IV_BYTES = 16


def seal(message: bytes, recipient: rsa.RSAPublicKey) -> str:
    """Encrypt for one organization."""
    key, iv = os.urandom(_KEY_BYTES), os.urandom(IV_BYTES)
    wrapped = recipient.encrypt(key, padding.PKCS1v15())
    return SEPARATOR.join(_b64(part) for part in (wrapped, iv, _aes_ctr(key, iv, message)))


def open_sealed(sealed: str, private_key: rsa.RSAPrivateKey) -> bytes:
    """Decrypt; raises `Invalid` when the envelope is malformed or was sealed for another key.

    Also reads the variant of the stock web interface, which encrypts the base64 text of key and message.
    """
    parts = sealed.split(SEPARATOR, 2)
    if len(parts) != 3:
        raise Invalid("the payload is not encrypted: it does not consist of three parts separated by '$'")
    try:
        wrapped, iv, body = (base64.b64decode(part) for part in parts)
        key = session_key(private_key.decrypt(wrapped, padding.PKCS1v15()))
        message = _aes_ctr(key, iv, body)
    except ValueError as error:
        raise Invalid("the payload cannot be decrypted: it was encrypted for another key, or damaged") from error
    return without_base64(message)


def looks_sealed(text: str) -> bool:
    """Tell whether a string has the outer form of an envelope: three base64 parts, the second of 16 bytes."""
    parts = text.split(SEPARATOR, 2)
    if len(parts) != 3:
        return False
    try:
        decoded = [base64.b64decode(part, validate=True) for part in parts]
    except (binascii.Error, ValueError):
        return False
    return len(decoded[1]) == IV_BYTES


def session_key(plain: bytes) -> bytes:
    """Read the key of a message, which the stock web interface writes as base64."""
    key = plain if len(plain) == _KEY_BYTES else base64.b64decode(plain, validate=True)
    if len(key) != _KEY_BYTES:
        raise ValueError("wrong length of the session key")
    return key


def without_base64(message: bytes) -> bytes:
    """Undo the web interface's extra base64, only where the text is strict base64 of JSON and not JSON itself."""
    if _is_json(message):
        return message
    try:
        inner = base64.b64decode(message, validate=True)
    except (binascii.Error, ValueError):
        return message
    return inner if message and _is_json(inner) else message


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def _aes_ctr(key: bytes, iv: bytes, data: bytes) -> bytes:
    transform = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor()
    return transform.update(data) + transform.finalize()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
