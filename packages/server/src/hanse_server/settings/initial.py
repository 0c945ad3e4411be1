"""What stock deployments set for the very first start, by environment variables of their own."""

from collections.abc import Mapping
from pathlib import Path

import bcrypt

from hanse_core.errors import Invalid

HASH_VARIABLE = "V6_INIT_SUPER_PASS_HASHED"
LENGTH = 60
MOST_ROUNDS = 15


def initial_root_hash(environment: Mapping[str, str]) -> str | None:
    """Give the bcrypt hash of root's first password, if one is set; a file goes before a value."""
    name, hashed = HASH_VARIABLE, environment.get(HASH_VARIABLE, "")
    if file := environment.get(HASH_VARIABLE + "_FILE"):
        name = HASH_VARIABLE + "_FILE"
        try:
            hashed = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"the file {file} that {name} names cannot be read: {error}") from error
    if not hashed and name == HASH_VARIABLE:
        return None
    if not _is_good(hashed):
        raise Invalid(f"{name} must hold the bcrypt hash of a password, of the form $2b$12$…; or leave it unset")
    return hashed


def _is_good(hashed: str) -> bool:
    rounds = hashed[4:6]
    if not hashed.startswith("$2b$") or len(hashed) != LENGTH or not rounds.isdecimal() or int(rounds) > MOST_ROUNDS:
        return False
    try:
        return not bcrypt.checkpw(b"", hashed.encode())
    except ValueError:
        return False
