"""Reads the settings of a node: once, from YAML and `HANSE_NODE_*`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hanse_core.errors import Invalid
from hanse_node import secrets
from hanse_node.database_settings import FILE_TYPES
from hanse_node.settings import Settings

PREFIX = "HANSE_NODE_"


def load(path: Path, name: str | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises `Invalid` naming file, key and cause."""
    environment = os.environ if environment is None else environment
    raw = read_yaml(path)
    overlay(raw, environment)
    raw["name"] = name or raw.get("name") or path.stem
    raw.setdefault("directory", str(_default_directory(raw["name"], environment)))
    _anchor(raw, path.resolve().parent)
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise not_valid(f"the configuration {path}", error) from None
    return settings.read_from(path.resolve())


def not_valid(what: str, error: ValidationError) -> Invalid:
    """Put what pydantic found into words, key by key."""
    errors: dict[str, list[str]] = {}
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        errors.setdefault(".".join(str(part) for part in item["loc"]) or "settings", []).append(_cause(item))
    return Invalid(f"{what} is not valid", errors=errors)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a mapping. Raises `Invalid` naming the file, and the line where there is one."""
    try:
        raw = yaml.safe_load(path.read_text())
    except OSError as error:
        raise Invalid(f"the configuration {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise Invalid(f"the configuration {path} is not valid YAML{line}") from None
    if not isinstance(raw, dict):
        raise Invalid(f"the configuration {path} must be a mapping of settings")
    return raw


def overlay(raw: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Let `HANSE_NODE_LIMITS__SECONDS=10` win over `limits: {seconds: …}`; lists and mappings are given as JSON."""
    for variable, text in environment.items():
        if not variable.startswith(PREFIX):
            continue
        *outer, last = variable.removeprefix(PREFIX).lower().split("__")
        target = raw
        for part in outer:
            target[part] = target = dict(target.get(part) or {})
        target[last] = yaml.safe_load(text) if text[:1] in "[{" and text else text


def _default_directory(name: str, environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_DATA_HOME") or Path(environment.get("HOME", "/")) / ".local/share"
    return Path(home) / "hanse" / "nodes" / name


def _anchor(raw: dict[str, Any], folder: Path) -> None:
    """Take relative paths as relative to the configuration file."""
    for key in ("directory", "api_key_file", "policies_file", "ca_file"):
        if isinstance(raw.get(key), str):
            raw[key] = str(folder / raw[key])
    encryption = raw.get("encryption")
    if isinstance(encryption, dict):
        raw["encryption"] = {**encryption, "private_key": _private_key(encryption, folder, Path(raw["directory"]))}
    raw.update({"proxy": _with_path(raw["proxy"], "password_file", folder)} if "proxy" in raw else {})
    if isinstance(raw.get("docker_registries"), list):
        raw["docker_registries"] = [_with_path(entry, "password_file", folder) for entry in raw["docker_registries"]]
    if isinstance(raw.get("ssh-tunnels"), list):
        raw["ssh-tunnels"] = [_with_identity(entry, folder) for entry in raw["ssh-tunnels"]]
    if isinstance(raw.get("databases"), list):
        raw["databases"] = [_anchored(database, folder) for database in raw["databases"]]


def _with_path(entry: object, key: str, folder: Path) -> object:
    if isinstance(entry, dict) and isinstance(entry.get(key), str):
        return {**entry, key: str(folder / entry[key])}
    return entry


def _with_identity(entry: object, folder: Path) -> object:
    ssh = entry.get("ssh") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(ssh, dict):
        return entry
    return {**entry, "ssh": {**ssh, "identity": _with_path(ssh.get("identity"), "key", folder)}}


def _private_key(encryption: Mapping[str, object], folder: Path, directory: Path) -> object:
    """Without a name it is v4's `private_key.pem`, in the node's own folder."""
    named = encryption.get("private_key")
    if named in (None, ""):
        return str(directory / "private_key.pem") if encryption.get("enabled") else None
    return str(folder / named) if isinstance(named, str) else named


def _anchored(database: object, folder: Path) -> object:
    if not isinstance(database, dict) or not isinstance(database.get("uri"), str):
        return database
    uri = secrets.anchored(database["uri"], folder)
    database = {**database, "uri": uri}
    if isinstance(env := database.get("env"), dict):
        texts = {key: secrets.anchored(value, folder) for key, value in env.items() if isinstance(value, str)}
        database["env"] = {**env, **texts}
    if "://" not in uri and (database.get("type") in FILE_TYPES or (folder / uri).exists()):
        return {**database, "uri": str(folder / uri)}
    return database


def _cause(item: Mapping[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        return "unknown key; see the settings reference for the known ones"
    if item["type"] == "missing":
        return "is required"
    return str(item["msg"]).removeprefix("Value error, ")
