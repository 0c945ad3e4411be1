"""What an operator can set: a YAML file, environment variables `HANSE_SERVER_*`, and the command line."""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from typing_extensions import Self

from hanse_core.errors import Invalid
from hanse_core.protocol import API_PATH
from hanse_server.settings.algorithm_stores import AlgorithmStores, Development
from hanse_server.settings.mail import Smtp
from hanse_server.settings.network import Networks
from hanse_server.settings.oidc import Providers
from hanse_server.settings.passwords import PasswordPolicy
from hanse_server.settings.secrets import secret_text
from hanse_server.settings.sessions import SessionLimits
from hanse_server.settings.stores import StoreSettings, ValueSettings
from hanse_server.settings.vpn import VpnServer
from hanse_web.wording import wording

PREFIX = "HANSE_SERVER_"


class Settings(BaseSettings):
    """The settings of the server; each is documented by the text below it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    ip: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` for all."""
    port: Annotated[int, Field(ge=0, le=65535)] = 5000
    """Port to listen on."""
    api_path: str = API_PATH
    """Path below which all endpoints are."""
    uri: str = "sqlite:///hanse-server.sqlite"
    """Where the database is: `sqlite:////folder/file.sqlite` or `postgresql://user:password@host/name`."""
    server_name: str = "hanse"
    """Name of this server, as people see it."""
    jwt_secret_key: SecretStr | None = None
    """Secret that signs tokens, at least 32 bytes, and encrypts second factors: back it up. A new one ends all logins.
    Without it one is generated and kept next to an SQLite database."""
    jwt_secret_key_file: Path | None = None
    """File that holds `jwt_secret_key`."""
    token_expires_hours: Annotated[float, Field(gt=0)] = 6
    """Life of an access token."""
    refresh_token_expires_hours: Annotated[float, Field(gt=0)] = 48
    """Life of a refresh token, so the time after which an idle session ends; longer than that of an access token."""
    sessions: SessionLimits = SessionLimits()
    """How long somebody stays logged in."""
    password_policy: PasswordPolicy = PasswordPolicy()
    """Which passwords are good enough, and when wrong ones block an account."""
    two_factor_auth: bool = False
    """Whether every user needs a second factor; otherwise those of organizations that want it, and who set it up."""
    password_workers: Annotated[int, Field(ge=1, le=64)] = 2
    """How many passwords are checked at the same time; each takes 19 MiB of memory."""
    root_password: SecretStr | None = None
    """Password of the first user, `root`, on an empty database. Without it a random one is printed once."""
    root_password_file: Path | None = None
    """File that holds `root_password`."""
    trusted_proxies: Networks = ()
    """Addresses or networks of proxies in front, whose `X-Forwarded-For` is believed; of nobody else."""
    smtp: Smtp = Smtp()
    """The server through which mail is sent."""
    mail_to_console: bool = False
    """Whether mails are printed instead of sent; for development only, as they hold what resets passwords."""
    email_token_validity_minutes: Annotated[float, Field(gt=0)] | None = None
    """How long the token in a mail that resets a password or a second factor is valid; 60 minutes by itself."""
    invitation_validity_days: Annotated[float, Field(gt=0)] = 7
    """How long an invitation can be accepted."""
    support_email: str | None = None
    """Address, named in mails, of those who help users."""
    oidc: Providers = ()
    """OpenID Connect providers through which people may log in, beside those with a password.
    The documentation has an example: how to set up single sign-on."""
    server_url: str | None = None
    """Address under which others reach this server, such as `https://hanse.example`; stores ask it about tokens."""
    algorithm_stores: AlgorithmStores = AlgorithmStores()
    """Which algorithm stores may be coupled, and what they decide."""
    max_open_subtasks: Annotated[int, Field(ge=1)] = 10_000
    """How many unfinished subtasks one computation may have at the same time."""
    vpn_server: VpnServer | None = None
    """The eduVPN server from which nodes get their profiles."""
    dev: Development = Development()
    """For those who try everything on one machine."""
    cors_allowed_origins: tuple[str, ...] = ("*",)
    """Web pages that may call the API: `*`, or regular expressions that match their whole origin."""
    blobs: StoreSettings = StoreSettings()
    """Where inputs and results are kept that are too large for the database."""
    large_result_store: StoreSettings | None = None
    """A store for the v4 blob protocol. With it, all inputs and results are uploaded and downloaded as blobs."""
    values: ValueSettings = ValueSettings()
    """How large inputs and results may be."""
    runs_data_cleanup_days: Annotated[int | None, Field(ge=0)] = None
    """Results of runs that ended longer ago are deleted; 0 for never. Collaborations may set less, but not more."""
    runs_data_cleanup_include_input: bool = False
    """Whether the inputs of these runs are deleted, too."""
    log_format: Literal["plain", "json"] = "plain"
    """How log lines look: `plain` for people, `json` for programs."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important log lines that are shown."""

    @property
    def access_life(self) -> timedelta:
        return timedelta(hours=self.token_expires_hours)

    @property
    def refresh_life(self) -> timedelta:
        return timedelta(hours=self.refresh_token_expires_hours)

    @property
    def recovery_life(self) -> timedelta:
        return timedelta(minutes=self.email_token_validity_minutes or self.smtp.email_token_validity_minutes or 60)

    @property
    def invitation_life(self) -> timedelta:
        return timedelta(days=self.invitation_validity_days)

    @property
    def public_url(self) -> str | None:
        """Give the address of this server's API, as others reach it."""
        if self.server_url is None:
            return None
        bare = self.server_url.rstrip("/")
        return bare if bare.endswith(self.api_path) else bare + self.api_path

    def jwt_secret_text(self) -> str | None:
        """Give the signing secret that was set, if any."""
        return secret_text("jwt_secret_key", self.jwt_secret_key, self.jwt_secret_key_file)

    def root_password_text(self) -> str | None:
        """Give the password that was set for root, if any."""
        return secret_text("root_password", self.root_password, self.root_password_file)

    @field_validator("api_path")
    @classmethod
    def _path(cls, value: str) -> str:
        path = "/" + value.strip("/")
        if path == "/":
            raise ValueError("must name a path such as /api")
        return path

    @field_validator("server_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/\s]+", value):
            raise ValueError("must be an address such as https://hanse.example")
        return value

    @field_validator("cors_allowed_origins", mode="before")
    @classmethod
    def _one_origin(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("cors_allowed_origins")
    @classmethod
    def _expressions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*":
                _require_expression(origin)
        return value

    @model_validator(mode="after")
    def _lives(self) -> Self:
        if self.refresh_life < self.access_life + timedelta(seconds=1):
            raise ValueError("refresh_token_expires_hours must be longer than token_expires_hours")
        return self


def _require_expression(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error


def load(path: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings; what the command line gives goes before the environment, and that before the file."""
    _refuse_unknown_variables(os.environ)
    content = {} if path is None else read_yaml(path)

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource, **named: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return named["init_settings"], named["env_settings"], InitSettingsSource(settings_cls, content)

    try:
        return FromFile(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise Invalid("the settings are not valid", errors=_explain(error)) from error
    except SettingsError as error:
        raise Invalid(f"the settings cannot be read: {error}") from error


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a file of keys and values; an empty one holds none."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Invalid(f"the file {path} does not exist") from error
    except OSError as error:
        raise Invalid(f"the file {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"the file {path} is not valid YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise Invalid(f"the file {path} must consist of keys and values, such as `port: 5000`")
    return content


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(
        name for name in environment if name.upper().startswith(PREFIX) and name.upper().partition("__")[0] not in known
    )
    if unknown:
        raise Invalid(f"these environment variables name no setting: {', '.join(unknown)}")


def _explain(error: ValidationError) -> dict[str, list[str]]:
    explained: dict[str, list[str]] = {}
    for problem in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in problem["loc"]) or "settings"
        text = _unknown(name) if problem["type"] == "extra_forbidden" else wording(problem)
        explained.setdefault(name, []).append(text)
    return explained


def _unknown(name: str) -> str:
    near = get_close_matches(name, Settings.model_fields, 1)
    return "there is no such setting" + (f"; is {near[0]} meant?" if near else "")
