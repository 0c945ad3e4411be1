"""Logins kept between commands, in files that only their owner can read."""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hanse._http import Tokens
from hanse_core.errors import Invalid, Unauthenticated


@dataclass(frozen=True)
class Profile:
    """Which user at which server."""

    url: str
    username: str
    tokens: Tokens
    ca_file: str | None = None


def path_of(name: str) -> Path:
    """Give the file of a profile: `$XDG_CONFIG_HOME/hanse/NAME.json`, by default below `~/.config`."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise Invalid(f"{name!r} cannot name a profile; use letters, digits, '.', '_' and '-'")
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "hanse" / f"{name}.json"


def save(name: str, profile: Profile) -> Path:
    """Store a login, replacing the file at once so that a reader never sees half of it."""
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fields = {
        "url": profile.url,
        "username": profile.username,
        "access_token": profile.tokens.access,
        "refresh_token": profile.tokens.refresh,
        "user_id": profile.tokens.user_id,
        "ca_file": profile.ca_file,
    }
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(descriptor, "w") as file:
        json.dump(fields, file)
    Path(temporary).replace(path)
    return path


def load(name: str = "default") -> Profile:
    """Read a stored login. Raises `Unauthenticated` when there is none, `Invalid` when others could have read it."""
    path = path_of(name)
    try:
        mode, text = path.stat().st_mode, path.read_text()
    except FileNotFoundError as error:
        raise Unauthenticated(f"there is no login {name!r}; run `hanse login --server URL --user NAME`") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise Invalid(f"others may read {path}, which holds your login; run `chmod 600 {path}`, or log in again")
    try:
        fields = json.loads(text)
        tokens = Tokens(fields["access_token"], fields["refresh_token"], int(fields["user_id"]))
        return Profile(fields["url"], fields["username"], tokens, fields.get("ca_file"))
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(f"{path} is damaged; remove it and log in again") from error


def stored_tokens(name: str) -> Tokens | None:
    """Give the tokens that are stored now; None where there are none to be had."""
    try:
        return load(name).tokens
    except (Invalid, Unauthenticated):
        return None


def saver(name: str, profile: Profile) -> Callable[[Tokens], None]:
    """Give what stores renewed tokens of a profile."""
    return lambda tokens: (save(name, replace(profile, tokens=tokens)), None)[1]
