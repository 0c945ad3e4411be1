"""Settings of the eduVPN server that lets algorithms at different nodes talk to each other."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from typing_extensions import Self

from hanse_server.settings.secrets import secret_text


class VpnServer(BaseModel):
    """How a profile for a node is got from the portal of an eduVPN server."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: str = Field(pattern=r"^https?://[^/]+")
    """Address of the eduVPN server."""
    redirect_url: str
    """Address that the portal was told to send its codes to; nothing needs to listen there."""
    client_id: str
    """Name of this server at the portal."""
    client_secret: SecretStr | None = None
    """Secret of this server at the portal."""
    client_secret_file: Path | None = None
    """File that holds `client_secret`."""
    portal_username: str
    """Account at the portal, for which all profiles are made."""
    portal_userpass: SecretStr | None = None
    """Password of that account."""
    portal_userpass_file: Path | None = None
    """File that holds `portal_userpass`."""

    @model_validator(mode="after")
    def _secrets(self) -> Self:
        for name in ("client_secret", "portal_userpass"):
            if getattr(self, name) is None and getattr(self, f"{name}_file") is None:
                raise ValueError(f"{name} or {name}_file must be given")
        return self

    def secret(self, name: str) -> str:
        """Give `client_secret` or `portal_userpass`."""
        return secret_text(f"vpn_server.{name}", getattr(self, name), getattr(self, f"{name}_file")) or ""
