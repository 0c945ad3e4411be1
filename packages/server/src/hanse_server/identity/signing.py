"""The secret that signs tokens: given, or generated once and kept where only the server reads it."""

import os
import secrets
import tempfile
from pathlib import Path

import structlog

from hanse_core.errors import Invalid
from hanse_server.settings import Settings
from hanse_web.db import sqlite_file

MINIMUM_BYTES = 32
MINIMUM_VARIETY = 8
REMEDY = "make one with `openssl rand -base64 48` and give it as jwt_secret_key or in the file jwt_secret_key_file"

log = structlog.get_logger()


def signing_secret(settings: Settings) -> str:
    """Give the secret. Raises `Invalid`, with a remedy, for a weak one or where none can be kept."""
    return existing_secret(settings) or _generate(_file_of(settings))


def existing_secret(settings: Settings) -> str | None:
    """Give the secret that was set, or generated before; None where a start would generate it."""
    given = settings.jwt_secret_text()
    if given is not None:
        require_strong(given)
        return given
    file = _file_of(settings)
    return _read(file) if file.exists() else None


def _file_of(settings: Settings) -> Path:
    database = sqlite_file(settings.uri)
    if database is None:
        raise Invalid(f"jwt_secret_key is not set, and all servers on one database need the same one; {REMEDY}")
    return database.with_name(database.name + ".jwt-secret")


def require_strong(secret: str) -> None:
    """Refuse a secret that can be guessed. Raises `Invalid`."""
    if len(secret.encode()) < MINIMUM_BYTES or len(set(secret)) < MINIMUM_VARIETY:
        raise Invalid(f"jwt_secret_key is too weak: it needs {MINIMUM_BYTES} random bytes or more; {REMEDY}")


def _generate(file: Path) -> str:
    secret = secrets.token_urlsafe(48)
    try:
        # Readable by the owner only; complete before it has its name, and only the first of two servers names it.
        with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8") as made:
            made.write(secret + "\n")
            made.flush()
            os.link(made.name, file)
    except FileExistsError:
        return _read(file)
    except OSError as error:
        raise Invalid(f"the signing secret cannot be kept in {file}: {error.strerror}; {REMEDY}") from error
    log.info("signing-key-generated", file=str(file))
    return secret


def _read(file: Path) -> str:
    if file.stat().st_mode & 0o077:
        raise Invalid(f"others can read the signing secret; run `chmod 600 {file}`, or delete the file for a new one")
    secret = file.read_text(encoding="utf-8").strip()
    require_strong(secret)
    return secret
