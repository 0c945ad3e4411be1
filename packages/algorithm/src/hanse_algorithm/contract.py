"""What the node gives a container, and the container gives back: variables, files and the token.

The contract is that of vantage6 v4. The value of each variable is Base32 text with `!` for the padding `=`; only
`PKG_NAME` (set by the image) and `RUN_CONTEXT_FILE` are plain.
"""

from __future__ import annotations

import binascii
import json
import os
from base64 import b32decode, urlsafe_b64decode
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

from hanse_algorithm.errors import DataError, EnvironmentFault

_PLAIN = frozenset({"PKG_NAME", "RUN_CONTEXT_FILE"})
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class Database(NamedTuple):
    """A database that the task selected, as the node describes it."""

    label: str
    uri: str
    type: str = "csv"
    query: str | None = None
    sheet_name: str | None = None
    preprocessing: tuple[Mapping[str, Any], ...] = ()
    parameter: str | None = None
    """The parameter that the task binds it to; otherwise its place among the selected ones decides."""
    parameters: Mapping[str, str] = {}
    """What the station's administrator hands over with it (`env`), by names in lower case: credentials and the like."""


class Claims(NamedTuple):
    """What the run's token says about the run; the token itself proves it, to the server only."""

    image: str
    databases: list[Mapping[str, Any]]
    node_id: int
    collaboration_id: int
    organization_id: int
    task_id: int | None = None
    study_id: int | None = None
    store_id: int | None = None


def decode(value: str) -> str:
    """Undo the node's encoding; a value that is not encoded comes back as it is."""
    try:
        return b32decode(value.replace("!", "=")).decode()
    except (binascii.Error, ValueError):
        return value


def setting(name: str, default: str | None = None, environment: Mapping[str, str] | None = None) -> str | None:
    """Read a variable that the station's administrator set for algorithms (`algorithm_env`), decoded.

    Example:
        allowed = setting("MY_ALGORITHM_COLUMNS", "")
    """
    value = (os.environ if environment is None else environment).get(name)
    if value is None:
        return default
    return value if name in _PLAIN else decode(value)


def decode_proxies(environment: MutableMapping[str, str]) -> None:
    """Decode in place what libraries read from the environment themselves: the HTTP proxy variables."""
    for name in (*_PROXIES, *map(str.lower, _PROXIES)):
        if name in environment:
            environment[name] = decode(environment[name])


class Contract:
    """The container's side of the contract, read from the environment."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def text(self, name: str) -> str:
        """Read a promised variable."""
        value = setting(name, None, self._environment)
        if value is None:
            raise EnvironmentFault(f"the variable {name} is not set; the container must be started by a node")
        return value

    def optional(self, name: str) -> str | None:
        """Read a variable that the node sets only sometimes; empty counts as absent."""
        return setting(name, None, self._environment) or None

    @property
    def package(self) -> str:
        """Name the package with the functions; the image sets it."""
        return self.text("PKG_NAME")

    @property
    def input_file(self) -> Path:
        return Path(self.text("INPUT_FILE"))

    @property
    def output_file(self) -> Path:
        return Path(self.text("OUTPUT_FILE"))

    @property
    def temporary_folder(self) -> Path:
        """Name the folder that all runs of one job share at this station."""
        return Path(self.text("TEMPORARY_FOLDER"))

    @property
    def proxy_url(self) -> str:
        """Build the base address of the node's proxy from `HOST`, `PORT` and `API_PATH`."""
        host, port = self.text("HOST").rstrip("/"), self.optional("PORT")
        return f"{host}{f':{port}' if port else ''}{(self.optional('API_PATH') or '').rstrip('/')}"

    def token(self) -> str:
        """Read the run's token."""
        path = Path(self.text("TOKEN_FILE"))
        try:
            return path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise EnvironmentFault(f"the token file {path} cannot be read: {type(error).__name__}") from error

    def databases(self) -> list[Database]:
        """List the databases that the task selected, in the order of the task."""
        labels = [label.strip() for label in (self.optional("USER_REQUESTED_DATABASE_LABELS") or "").split(",")]
        bound = self._bound()
        return [self._database(label, next(bound.get(label, iter(())), None)) for label in labels if label]

    def _bound(self) -> dict[str, Iterator[str | None]]:
        """Read from the run context, where the node gives one, to which parameters the task binds each label."""
        path = self.optional("RUN_CONTEXT_FILE")
        if path is None:
            return {}
        found: dict[str, list[str | None]] = {}
        try:
            for entry in json.loads(Path(path).read_bytes())["inputs"]:
                found.setdefault(entry["id"], []).append((entry.get("arguments") or {}).get("bind"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EnvironmentFault(f"the run context {path} cannot be read: {type(error).__name__}") from error
        return {label: iter(names) for label, names in found.items()}

    def _database(self, label: str, parameter: str | None) -> Database:
        prefix = label.upper()
        uri = self.optional(f"{prefix}_DATABASE_URI")
        if uri is None:
            known = self.optional("DB_LABELS") or "none"
            raise DataError(f"this station has no database '{label}'; it has: {known}")
        return Database(
            label,
            uri,
            (self.optional(f"{prefix}_DATABASE_TYPE") or "csv").lower(),
            self.optional(f"{prefix}_QUERY"),
            self.optional(f"{prefix}_SHEET_NAME"),
            _steps(label, self.optional(f"{prefix}_PREPROCESSING")),
            parameter,
            self._parameters(f"{prefix}_DB_PARAM_"),
        )

    def _parameters(self, prefix: str) -> dict[str, str]:
        given = {name: value for name, value in self._environment.items() if name.startswith(prefix)}
        return {name.removeprefix(prefix).lower(): decode(value) for name, value in given.items()}


def _steps(label: str, text: str | None) -> tuple[Mapping[str, Any], ...]:
    try:
        steps = json.loads(text) if text else []
    except ValueError as error:
        raise DataError(f"the preprocessing of database '{label}' is not JSON") from error
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise DataError(f"the preprocessing of database '{label}' must be a list of steps")
    return tuple(steps)


def claims(token: str) -> Claims:
    """Read a token's claims without checking its signature, which only the server can."""
    try:
        payload = token.split(".")[1]
        subject = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]
        return Claims(**{name: subject[name] for name in Claims._fields if name in subject})
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise EnvironmentFault("the run's token is not a container token") from error
