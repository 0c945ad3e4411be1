"""What an operator decides about a node: read once from YAML and `HANSE_NODE_*`, then frozen.

A plain pydantic model instead of pydantic-settings, whose import would cost an idle node 7 MB.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from hanse_core.errors import Invalid
from hanse_node import connections, secrets
from hanse_node.columns import KINDS
from hanse_node.docker_settings import Devices, Docker, Registry
from hanse_node.egress_settings import STOCK, HttpProxy, Way, WayName, Whitelist
from hanse_node.policy.model import Policies, Text
from hanse_node.tunnel_settings import HostName, Service, Tunnel

PREFIX = "HANSE_NODE_"
FILE_TYPES = frozenset({"csv", "tsv", "parquet", "excel", "folder", "sqlite", "duckdb"})
ONE_TABLE = frozenset({"csv", "tsv", "parquet", "excel"})
"""Types whose columns are shared unless it is refused; the schema of a whole database says more, and is asked for."""
LONGEST_DIRECTORY = 80
"""Unix socket addresses end at 107 bytes, and a run's socket lies below the directory."""

Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]


def _or_empty(value: object) -> object:
    return {} if value is None else value


def _or_nothing(value: object) -> object:
    return () if value is None else value


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Database(_Frozen):
    label: Label
    uri: str
    type: str
    mount_mode: Literal["ro", "copy"] = "ro"
    env: dict[str, Text] = {}
    egress: tuple[WayName, ...] = ()
    share_columns: bool | None = None

    @model_validator(mode="after")
    def _readable_columns(self) -> "Database":
        if self.share_columns and (self.type not in KINDS or (self.type != "sql" and "://" in self.uri)):
            kinds = ", ".join(sorted(KINDS))
            raise ValueError(f"share_columns: columns can be read of files and databases of these types: {kinds}")
        return self

    @property
    def shares_columns(self) -> bool:
        return self.is_path and self.type in ONE_TABLE if self.share_columns is None else self.share_columns

    @property
    def is_path(self) -> bool:
        """Tell whether the URI names a file or folder rather than a connection."""
        return "://" not in self.uri and (self.type in FILE_TYPES or Path(self.uri).exists())


class Encryption(_Frozen):
    enabled: bool = False
    private_key: Path | None = None


class Recipe(_Frozen):
    """How the process runtime runs one image."""

    package: str
    python: str | None = None
    command: tuple[str, ...] | None = None


class RunLimits(_Frozen):
    seconds: Annotated[float, Field(gt=0)] | None = 3600
    memory_bytes: Annotated[int, Field(gt=0)] | None = None
    cpus: Annotated[float, Field(gt=0)] | None = None
    processes: Annotated[int, Field(gt=0)] | None = 512
    log_bytes: Annotated[int, Field(gt=0)] = 1_000_000
    output_bytes: Annotated[int, Field(gt=0)] = 150_000_000
    parallel_runs: Annotated[int, Field(gt=0)] = 4


class RunLogs(_Frozen):
    days: Annotated[float, Field(ge=0)] = 30
    bytes: Annotated[int, Field(gt=0)] = 100_000_000


class Logging(BaseModel):
    """Of the stock logging section only the level has a meaning here; logs go to standard error."""

    model_config = ConfigDict(extra="allow", frozen=True)

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"


class Settings(_Frozen):
    """Everything that is configured about one node."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_.-]+$")]
    api_key: SecretStr | None = None
    api_key_file: Path | None = None
    server_url: str
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    api_path: str = "/api"
    databases: Annotated[tuple[Database, ...], BeforeValidator(_or_nothing)] = ()
    encryption: Encryption = Encryption()
    policies: Annotated[Policies | None, BeforeValidator(lambda v: v or None)] = None
    policies_file: Path | None = None
    accept_v4_defaults: bool = False
    algorithm_env: Annotated[dict[str, Text], BeforeValidator(_or_empty)] = {}
    share_algorithm_logs: bool = False
    share_config: bool = True
    run_context_file: bool = False
    directory: Path
    runtime: Literal["process", "docker", "memory"] = "process"
    docker: Annotated[Docker, BeforeValidator(_or_empty)] = Docker()
    docker_registries: Annotated[tuple[Registry, ...], BeforeValidator(_or_nothing)] = ()
    algorithm_device_requests: Annotated[Devices, BeforeValidator(_or_empty)] = Devices()
    images: Annotated[dict[str, Recipe | str], BeforeValidator(_or_empty)] = {}
    limits: RunLimits = RunLimits()
    run_logs: RunLogs = RunLogs()
    egress: Annotated[dict[WayName, Way], BeforeValidator(_or_empty)] = {}
    whitelist: Annotated[Whitelist | None, BeforeValidator(lambda v: v or None)] = None
    ssh_tunnels: Annotated[tuple[Tunnel, ...], BeforeValidator(_or_nothing), Field(alias="ssh-tunnels")] = ()
    docker_services: Annotated[dict[HostName, Service], BeforeValidator(_or_empty)] = {}
    proxy: HttpProxy | None = None
    ca_file: Path | None = None
    on_stop: Literal["leave", "end"] = "leave"
    logging: Logging = Logging()

    # Keys of stock files that have no effect here; `ignored` names those that were set.
    task_dir: Any = None
    directories: Any = None
    debug: Any = None
    prometheus: Any = None
    alpine: Any = None
    node_extra_env: Any = None
    node_extra_mounts: Any = None
    node_extra_hosts: Any = None
    vpn_subnet: Any = None

    _source: Path | None = PrivateAttr(None)

    @property
    def source(self) -> Path | None:
        """The file that they were read from."""
        return self._source

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        _distinct_labels(self.databases)
        _web_address(self.server_url)
        _known_ways(self)
        if (self.api_key is None) == (self.api_key_file is None):
            raise ValueError("exactly one of api_key and api_key_file must be given")
        if self.policies is not None and self.policies_file is not None:
            raise ValueError("the policy must be in one place: under policies, or in the policies_file")
        if len(str(self.directory)) > LONGEST_DIRECTORY:
            raise ValueError(f"directory must not be longer than {LONGEST_DIRECTORY} characters (Unix socket paths)")
        return self

    @property
    def ways(self) -> dict[str, Way]:
        """The ways out by their names; that of a stock file is called `whitelist`."""
        return {**self.egress, **({STOCK: self.whitelist.way()} if self.whitelist else {})}

    @property
    def tunnels(self) -> dict[str, Tunnel]:
        """The SSH tunnels by the names under which runs know them."""
        return {tunnel.hostname: tunnel for tunnel in self.ssh_tunnels}

    @property
    def given_names(self) -> set[str]:
        """All names that policy and databases can give to runs."""
        return {*self.ways, *self.tunnels, *self.docker_services}

    @property
    def root_url(self) -> str:
        """Where the server listens, without the API path (live events are there)."""
        return self.server_url.rstrip("/") + (f":{self.port}" if self.port else "")

    @property
    def server_address(self) -> tuple[str, int]:
        """Give host and port of the server."""
        parts = urlsplit(self.root_url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def api_url(self) -> str:
        path = self.api_path.strip("/")
        return f"{self.root_url}/{path}" if path else self.root_url

    def key(self) -> str:
        """Give the API key. Raises `Invalid` when its file cannot be read."""
        if self.api_key is not None:
            return self.api_key.get_secret_value()
        try:
            return Path(self.api_key_file or "").read_text().strip()
        except OSError as error:
            raise Invalid(f"api_key_file {self.api_key_file} cannot be read: {error.strerror}") from error

    def ignored(self) -> list[str]:
        """Name the keys that were accepted because stock files have them, but that do nothing here."""
        stock = sorted(name for name, field in type(self).model_fields.items() if field.annotation is Any)
        return [_key_of(name) for name in stock if getattr(self, name) not in (None, {}, [], "", False)]


def _web_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("server_url must look like https://server.example (port and api_path have keys of their own)")


def _distinct_labels(databases: tuple[Database, ...]) -> None:
    labels = [database.label.upper() for database in databases]
    doubled = {label for label in labels if labels.count(label) > 1}
    if doubled:
        raise ValueError(f"database labels must differ (ignoring case): {', '.join(sorted(doubled))}")


def _known_ways(settings: Settings) -> None:
    if settings.whitelist is not None and STOCK in settings.egress:
        raise ValueError(f"egress.{STOCK} and {STOCK} are one name for two ways out")
    names = [*settings.ways, *(tunnel.hostname for tunnel in settings.ssh_tunnels), *settings.docker_services]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two ways out, tunnels or services have the same name: {', '.join(sorted(doubled))}")
    for database in settings.databases:
        if unknown := [name for name in database.egress if name not in settings.given_names]:
            raise ValueError(f"database '{database.label}' names a way out that egress does not define: {unknown[0]}")
        _leads_to_the_tunnel(database, settings.tunnels)
    for name, way in settings.egress.items():
        if way.through_proxy and settings.proxy is None:
            raise ValueError(f"egress.{name}.through_proxy needs proxy, which is not set")


def _leads_to_the_tunnel(database: Database, tunnels: Mapping[str, Tunnel]) -> None:
    host, port = (None if database.is_path else connections.place(secrets.without(database.uri))) or ("", 0)
    tunnel = tunnels.get(host)
    if tunnel is not None and tunnel.port != port:
        raise ValueError(f"database '{database.label}' has port {port} of the tunnel {host}, which is at {tunnel.port}")


def _key_of(name: str) -> str:
    return Settings.model_fields[name].alias or name


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
    settings._source = path.resolve()
    return settings


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
