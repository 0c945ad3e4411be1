"""Proof that who redeems a code is who asked for it (RFC 7636), for a login at another server."""

import base64
import hashlib


def challenge(verifier: str) -> str:
    """Give what is shown of a verifier before it is redeemed, by method S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
