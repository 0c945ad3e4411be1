"""Settings of logins through OpenID Connect providers."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from typing_extensions import Self

from hanse_core.permissions import DEFAULT_ROLES, IDENTITY_ROLES
from hanse_server.settings.secrets import secret_text

ROOT_ROLE = DEFAULT_ROLES[0].name
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures with a public key; `none` and those with a shared secret are not among them."""
_STRICT = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class GroupGrant(BaseModel):
    """What the members of one group of the provider get."""

    model_config = _STRICT

    organization: Annotated[str, Field(min_length=1)]
    """Name of the organization to which the members belong."""
    roles: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the roles that they hold: default roles, or roles of that organization. Never Root."""

    @field_validator("roles")
    @classmethod
    def _no_root(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        refused = sorted(set(value) & {ROOT_ROLE, *IDENTITY_ROLES})
        if refused:
            raise ValueError(f"a group cannot give the role {', '.join(refused)}; give it to a user by hand if need be")
        return value


class OidcProvider(BaseModel):
    """One OpenID Connect provider, such as the Keycloak or the Entra ID of a hospital."""

    model_config = _STRICT

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    """Short name of the provider in addresses and commands: small letters, digits and hyphens."""
    label: str = ""
    """What people read on the button; by default the name."""
    issuer: str
    """Address of the provider, exactly as its tokens state it (`iss`)."""
    client_id: Annotated[str, Field(min_length=1)]
    """Name under which this server is registered at the provider."""
    client_secret: SecretStr | None = None
    """Secret of this server at the provider."""
    client_secret_file: Path | None = None
    """File that holds `client_secret`."""
    ca_file: Path | None = None
    """Certificate authorities to trust for the provider; by default those of the machine."""
    scopes: tuple[str, ...] = ("openid", "profile", "email", "offline_access")
    """What is asked for at the provider. Without `offline_access` most providers give no refresh token, and then a
    login ends `grace_hours` after it began."""
    groups_claim: Annotated[str, Field(min_length=1)] = "groups"
    """Claim with the groups of the user; a path with dots leads into objects, such as `realm_access.roles`."""
    groups: dict[str, GroupGrant] = {}
    """What each listed group gives; groups that are not listed give nothing."""
    require_group: bool = True
    """Refuse whoever is in none of the listed groups. Where no groups are listed, nobody is refused for that."""
    unknown_users: Literal["refuse", "create"] = "refuse"
    """What happens to people who are not known yet: `refuse` until an administrator or they themselves link the
    identity to an account, or `create` an account from the organization of their groups."""
    redirect_uris: tuple[str, ...] = ()
    """Addresses to which the provider may send people back, compared exactly; those of the user interface."""
    loopback: bool = True
    """Let the Python client log in through a browser on the same machine (`http://127.0.0.1:PORT/callback`)."""
    device_login: bool = True
    """Let people log in by a code that they enter in a browser elsewhere, as notebooks do. Somebody who is sent such a
    code by a stranger, and enters it, lets the stranger in; switch it off where nobody needs it."""
    second_factor: Literal["asked", "trusted"] = "asked"
    """Where this server or the organization requires a second factor: `asked` for here, whatever the provider says, or
    `trusted` where the provider proves one, and asked for otherwise."""
    second_factor_proofs: Annotated[tuple[str, ...], Field(min_length=1)] = ("mfa",)
    """Values in the claim `amr`, or of the claim `acr`, of an ID token that prove a second factor."""
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("RS256", "PS256", "ES256")
    """Signatures that are accepted on the provider's tokens."""
    grace_hours: Annotated[float, Field(ge=0)] = 8
    """How long a login goes on while the provider cannot be asked whether the user is still welcome."""
    roles_last_days: Annotated[float, Field(gt=0)] = 7
    """How long roles from groups are held without being confirmed, through whichever way the user logs in."""
    access_tokens_last_days: Annotated[float, Field(gt=0)] = 7
    """How long personal access tokens that were made after a login here work without the user being confirmed."""

    @property
    def title(self) -> str:
        return self.label or self.name

    def secret(self) -> str:
        """Give the secret of this server at the provider. Raises `Invalid` when its file cannot be read."""
        found = secret_text(f"client_secret of {self.name}", self.client_secret, self.client_secret_file)
        assert found is not None  # noqa: S101
        return found

    @property
    def grace(self) -> timedelta:
        return timedelta(hours=self.grace_hours)

    @property
    def access_tokens_last(self) -> timedelta:
        return timedelta(days=self.access_tokens_last_days)

    @property
    def roles_last(self) -> timedelta:
        return timedelta(days=self.roles_last_days)

    @field_validator("issuer")
    @classmethod
    def _safe_issuer(cls, value: str) -> str:
        if not is_safe(value) or urlsplit(value).query or urlsplit(value).fragment:
            raise ValueError("must be an https address without query (http only on this machine)")
        return value

    @field_validator("redirect_uris")
    @classmethod
    def _safe_redirects(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            if not is_safe(address) or urlsplit(address).fragment or "*" in address:
                raise ValueError(f"{address} must be an exact https address (http only on this machine)")
        return value

    @field_validator("scopes")
    @classmethod
    def _openid(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value or any(re.search(r"\s", scope) for scope in value):
            raise ValueError("must contain openid, one scope per item")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.client_secret is None) == (self.client_secret_file is None):
            raise ValueError("needs either client_secret or client_secret_file")
        if self.unknown_users == "create" and not (self.groups and self.require_group):
            raise ValueError("unknown_users: create needs groups, and require_group, to know where people belong")
        return self


def require_distinct(providers: tuple[OidcProvider, ...]) -> tuple[OidcProvider, ...]:
    """Refuse two providers that would be taken for each other."""
    for what in ("name", "issuer"):
        seen = [getattr(each, what) for each in providers]
        if len(set(seen)) < len(seen):
            raise ValueError(f"two providers have the same {what}")
    return providers


def is_safe(address: str) -> bool:
    """Tell whether an address is https, or http on this machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


Providers = Annotated[tuple[OidcProvider, ...], AfterValidator(require_distinct)]
