"""Settings of login sessions."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class SessionLimits(BaseModel):
    """How long somebody stays logged in; the limit for idleness is `refresh_token_expires_hours`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    max_days: Annotated[float, Field(gt=0, le=3650)] = 30
    """After so many days a user must log in again, however active."""
    access_token_max_days: Annotated[float, Field(ge=0, le=3650)] = 365
    """The longest life of a personal access token for scripts; with 0 nobody can make one."""
    most_open: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    """How many sessions of one user may be open; with one more, the one that was unused for longest ends."""
    rotation_grace_seconds: Annotated[float, Field(ge=0, le=600)] = 60
    """How long the former refresh token is accepted beside the newest, for clients that ask twice at once."""

    @property
    def absolute(self) -> timedelta:
        return timedelta(days=self.max_days)

    @property
    def grace(self) -> timedelta:
        return timedelta(seconds=self.rotation_grace_seconds)
