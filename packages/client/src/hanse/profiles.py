"""Logins kept between commands, in files that only their owner can read."""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from hanse._login import Tokens
from hanse_core.errors import Invalid, Unauthenticated
from hanse_core.locks import alone


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
    return _folder() / f"{name}.json"


def known_keys(url: str) -> Path:
    """Give the file of the public keys that were seen at a server: one for all its profiles, beside them."""
    return _folder() / "keys" / f"{quote(url, safe='')}.json"


def _folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "hanse"


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


def remove(name: str = "default") -> None:
    """Forget a login."""
    path_of(name).unlink(missing_ok=True)


class Kept:
    """Keeps the tokens of a profile where other programs find them, and takes from there what they renewed.

    A refresh token works once; so programs renew one after the other, under a lock that lies beside the profile.
    """

    def __init__(self, name: str, profile: Profile) -> None:
        self._name = name
        self._profile = profile

    @contextmanager
    def alone(self) -> Iterator[None]:
        path = path_of(self._name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with alone(path.with_suffix(".lock")):
            yield

    def newest(self) -> Tokens | None:
        with suppress(Invalid, Unauthenticated):
            stored = load(self._name)
            if (stored.url, stored.username) == (self._profile.url, self._profile.username):
                return stored.tokens
        return None

    def keep(self, tokens: Tokens | None) -> None:
        if self.newest() is None:
            return  # Somebody logged out meanwhile, or in as another.
        if tokens is None:
            remove(self._name)
        else:
            save(self._name, replace(self._profile, tokens=tokens))
