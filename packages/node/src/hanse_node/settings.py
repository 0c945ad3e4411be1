"""What an operator decides about a node; `settings_file` reads it.

A plain pydantic model instead of pydantic-settings, whose import would cost an idle node 7 MB.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    StringConstraints,
    model_validator,
)

from hanse_core.errors import Invalid
from hanse_node import connections, secrets
from hanse_node.database_settings import Database
from hanse_node.docker_settings import Devices, Docker, Registry
from hanse_node.egress_settings import STOCK, HttpProxy, Way, WayName, Whitelist
from hanse_node.policy.model import Policies, Text
from hanse_node.tunnel_settings import HostName, Service, Tunnel

LONGEST_DIRECTORY = 80
"""Unix socket addresses end at 107 bytes, and a run's socket lies below the directory."""


def _or_empty(value: object) -> object:
    return {} if value is None else value


def _or_nothing(value: object) -> object:
    return () if value is None else value


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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

    def read_from(self, path: Path) -> "Settings":
        """Note the file that they were read from."""
        self._source = path
        return self

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
