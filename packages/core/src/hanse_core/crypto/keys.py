"""RSA keys of an organization: make, load, and the form in which public keys are published."""

import base64
import hashlib
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hanse_core.errors import Invalid

KEY_BITS = 4096


def generate() -> rsa.RSAPrivateKey:
    """Make a new 4096-bit key pair (takes a second or so)."""
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def private_to_pem(key: rsa.RSAPrivateKey) -> bytes:
    """Write a private key as unencrypted PKCS#1 PEM, the form that stock tools write and read."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def load_private(path: Path) -> rsa.RSAPrivateKey:
    """Read an unencrypted PEM private key (PKCS#1 or PKCS#8). Raises `Invalid` naming the file."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Invalid(f"the private key {path} cannot be read: {error}") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Invalid(f"the private key {path} is not an RSA key; v4 encryption needs RSA")
    return key


def publish(key: rsa.RSAPrivateKey | rsa.RSAPublicKey) -> str:
    """Give the wire form of a public key: base64 of its PEM (SubjectPublicKeyInfo) bytes."""
    public = key.public_key() if isinstance(key, rsa.RSAPrivateKey) else key
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(pem).decode("ascii")


def load_public(published: str) -> rsa.RSAPublicKey:
    """Read a published public key. Raises `Invalid` when it is absent or no RSA key."""
    if not published:
        raise Invalid("the organization has not published a public key; its node or a member must do so first")
    try:
        key = serialization.load_pem_public_key(base64.b64decode(published))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Invalid(f"the published public key cannot be read: {error}") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise Invalid("the published public key is not an RSA key; v4 encryption needs RSA")
    return key


def fingerprint(published: str) -> str:
    """Give a short name of a published key to compare by telephone: SHA-256 of its PEM bytes, in hex groups of four."""
    digest = hashlib.sha256(base64.b64decode(published)).hexdigest()
    return " ".join(digest[i : i + 4] for i in range(0, 32, 4))
