"""The token a run gets instead of the server's: the same claims, signed here, good for this run's socket only.

HS256 by hand: a JWT library would bring `cryptography` into every node for one HMAC.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from hanse_node.errors import CannotStart

RUN = "hanse_run"
"""The one claim that is ours: which run the token belongs to."""
_HEADER = {"alg": "HS256", "typ": "JWT"}
_SECRET_BYTES = 32


def load_secret(path: Path) -> bytes:
    """Read this node's signing secret, made at the first start; it must survive restarts, as running algorithms do."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = path.read_bytes()
        if len(secret) != _SECRET_BYTES:
            raise CannotStart(f"the proxy secret {path} is damaged; remove it and start again") from None
        return secret
    secret = secrets.token_bytes(_SECRET_BYTES)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(secret)
    return secret


def issue(secret: bytes, run_id: int, server_token: str) -> str:
    """Give a run its token, with the claims that algorithms read from the server's."""
    claims = {**_claims(server_token), RUN: run_id}
    signed = f"{_encode(_HEADER)}.{_encode(claims)}"
    return f"{signed}.{_signature(secret, signed)}"


def run_of(secret: bytes, token: str) -> int | None:
    """Tell for which run this node issued a token; None when it did not."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(secret, signed).encode(), signature.encode()):
        return None
    run_id = _claims(token).get(RUN)
    return run_id if isinstance(run_id, int) else None


def _claims(token: str) -> dict[str, object]:
    part = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _encode(part: dict[str, object] | dict[str, str]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _signature(secret: bytes, signed: str) -> str:
    return _base64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
