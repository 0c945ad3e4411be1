"""API keys of nodes: made here, shown once, kept only as a hash by which a login finds its node."""

import hashlib
import uuid

_PURPOSE = b"hanse-node-key"


def new_key() -> str:
    """Make an API key: a random UUID, as the v4 wire has it."""
    return str(uuid.uuid4())


def hash_of(api_key: str) -> str:
    """Hash an API key for look-up.

    A key is 122 random bits, so one fast hash suffices; a secret in it would only lock all nodes out
    when that secret is replaced.
    """
    return hashlib.blake2b(uuid.UUID(api_key).bytes, digest_size=32, person=_PURPOSE).hexdigest()
