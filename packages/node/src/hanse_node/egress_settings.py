"""What an operator decides about ways out: which destinations have a name that policy can give to runs."""

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from hanse_core.errors import Invalid

STOCK = "whitelist"
"""The name of the way out that a stock file describes."""
HTTPS = 443
_DOMAIN = re.compile(r"(\*\.|\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")


def _as_list(value: object) -> object:
    return () if value is None else [value] if isinstance(value, str | int) else value


def _domain(text: str) -> str:
    name = text.strip().lower().rstrip(".")
    if not _DOMAIN.fullmatch(name) or name.rpartition(".")[2].isdigit():
        raise ValueError(f"{text!r} is no domain: example.org, *.example.org (below it), or .example.org (both)")
    return name


WayName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
Port = Annotated[int, Field(ge=1, le=65535)]
Ports = Annotated[tuple[Port, ...], BeforeValidator(_as_list)]
Domains = Annotated[tuple[Annotated[str, AfterValidator(_domain)], ...], BeforeValidator(_as_list)]
Addresses = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_as_list)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Way(_Frozen):
    """One way out: destinations that belong together."""

    domains: Domains = ()
    addresses: Addresses = ()
    ports: Ports = (HTTPS,)
    through_proxy: bool = False

    @model_validator(mode="after")
    def _leads_somewhere(self) -> "Way":
        if not (self.domains or self.addresses):
            raise ValueError("must name domains or addresses")
        return self


class Whitelist(_Frozen):
    """The one way out of a stock file."""

    domains: Domains = ()
    ips: Addresses = ()
    ports: Ports = (HTTPS,)

    def way(self) -> Way:
        """Give it as a way of our own."""
        return Way.model_validate({"domains": self.domains, "addresses": self.ips, "ports": self.ports})


class HttpProxy(_Frozen):
    """The proxy through which this machine reaches the outside."""

    url: str
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None

    @model_validator(mode="after")
    def _usable(self) -> "HttpProxy":
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.username:
            raise ValueError("url must look like http://proxy.example:3128; username and password have their own keys")
        if self.password is not None and self.password_file is not None:
            raise ValueError("the password must be in one place: password or password_file")
        has_password = self.password is not None or self.password_file is not None
        if has_password != (self.username is not None):
            raise ValueError("username and a password belong together")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Give host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (HTTPS if self.is_secure else 80)

    @property
    def is_secure(self) -> bool:
        return self.url.startswith("https:")

    def credentials(self) -> tuple[str, str] | None:
        """Give username and password. Raises `Invalid` when the password's file cannot be read."""
        if self.username is None:
            return None
        if self.password is not None:
            return self.username, self.password.get_secret_value()
        try:
            return self.username, Path(self.password_file or "").read_text().strip()
        except OSError as error:
            raise Invalid(f"proxy.password_file {self.password_file} cannot be read: {error.strerror}") from error

    def full_url(self) -> str:
        """Give the address with the credentials in it. Raises `Invalid` as `credentials` does."""
        found = self.credentials()
        if found is None:
            return self.url
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{quote(found[0], safe='')}:{quote(found[1], safe='')}@{rest}"
