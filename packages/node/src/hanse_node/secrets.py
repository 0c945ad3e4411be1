"""Secrets that the configuration names instead of telling: `${file:PATH}` and `${env:NAME}`, looked up for each run."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from hanse_core.errors import Invalid

_REFERENCE = re.compile(r"\$\{(file|env):([^}]+)\}")


class SecretMissing(Invalid):
    """A secret that is named cannot be had; the message names the file or variable, so it is for this station only."""


def reveal(text: str, *, in_uri: bool = False, environment: Mapping[str, str] | None = None) -> str:
    """Put secrets in the place of their names, percent-encoded in a URI. Raises `SecretMissing`."""
    environment = os.environ if environment is None else environment

    def found(reference: re.Match[str]) -> str:
        value = _file(reference[2]) if reference[1] == "file" else environment.get(reference[2])
        if not value:
            raise SecretMissing(f"the environment of this node has no {reference[2]}")
        return quote(value, safe="") if in_uri else value

    return _REFERENCE.sub(found, text)


def without(text: str) -> str:
    """Give what a text says itself."""
    return _REFERENCE.sub("", text)


def anchored(text: str, folder: Path) -> str:
    """Take the paths of secrets as relative to a folder."""
    return _REFERENCE.sub(lambda r: f"${{file:{folder / r[2]}}}" if r[1] == "file" else r[0], text)


def _file(path: str) -> str:
    try:
        value = Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SecretMissing(f"{path} cannot be read: {cause}") from None
    if not value:
        raise SecretMissing(f"{path} is empty")
    return value
