"""Settings of large values: where they are kept, and how much is taken."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from typing_extensions import Self

from hanse_server.settings.secrets import secret_text

_NEEDED = {"files": (), "s3": ("bucket",), "azure": ("container_name",)}


class StoreSettings(BaseModel):
    """A place for large values: a folder, an S3 bucket or an Azure container."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    type: Literal["files", "s3", "azure"] = "files"
    """What kind of place it is; the settings below belong to one kind each."""
    folder: Path | None = None
    """`files`: a folder of this server alone. Without it, one next to an SQLite database, or in the current folder."""
    prefix: str = ""
    """`s3`, `azure`: what the names of all objects begin with, where other programs use the same place."""
    bucket: str | None = None
    """`s3`: the bucket; it must exist."""
    region: str | None = None
    """`s3`: the region of the bucket."""
    endpoint: str | None = None
    """`s3`: the address of a service that is not Amazon's."""
    access_key_id: str | None = None
    """`s3`: name of the key. Without one, the credentials of the machine are used."""
    secret_access_key: SecretStr | None = None
    """`s3`: the secret of the key."""
    secret_access_key_file: Path | None = None
    """File that holds `secret_access_key`."""
    container_name: str | None = None
    """`azure`: the container; it must exist."""
    connection_string: SecretStr | None = None
    """`azure`: the connection string of the storage account, or the four settings below instead."""
    connection_string_file: Path | None = None
    """File that holds `connection_string`."""
    storage_account_name: str | None = None
    """`azure`: the storage account."""
    tenant_id: str | None = None
    """`azure`: the tenant of the application that logs in."""
    client_id: str | None = None
    """`azure`: the application that logs in."""
    client_secret: SecretStr | None = None
    """`azure`: the secret of that application."""
    client_secret_file: Path | None = None
    """File that holds `client_secret`."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in _NEEDED[self.type] if not getattr(self, name)]
        if missing:
            raise ValueError(f"a store of type {self.type} needs: {', '.join(missing)}")
        if self.type == "azure" and not (self._has("connection_string") or self._has_login()):
            raise ValueError(
                "a store of type azure needs connection_string, or storage_account_name, tenant_id, client_id and "
                "client_secret"
            )
        return self

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None or getattr(self, f"{name}_file") is not None

    def _has_login(self) -> bool:
        return bool(self.storage_account_name and self.tenant_id and self.client_id) and self._has("client_secret")

    def secret(self, name: str) -> str | None:
        """Give a secret that was set, itself or in a file. Raises `Invalid` when the file cannot be read."""
        return secret_text(name, getattr(self, name), getattr(self, f"{name}_file"))


class ValueSettings(BaseModel):
    """How large inputs and results may be, and how long an upload waits for its use."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    inline_bytes: Annotated[int, Field(ge=1024, le=1 << 20)] = 64 << 10
    """Inputs and results up to this size are kept in the database, larger ones outside of it, in `blobs`."""
    limit_bytes: Annotated[int, Field(ge=1 << 20)] = 1 << 30
    """The largest body of `POST /task`, `PATCH /run` and `POST /blobstream`; more is answered 413."""
    unclaimed_hours: Annotated[float, Field(gt=0)] = 24
    """An uploaded blob that became neither input nor result within this time is deleted."""
    unclaimed_bytes: Annotated[int, Field(ge=1 << 20)] = 16 << 30
    """How much one user or station may have uploaded without using it as an input or result."""

    @property
    def unclaimed_life(self) -> timedelta:
        return timedelta(hours=self.unclaimed_hours)
