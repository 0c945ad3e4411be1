"""Settings of passwords."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class PasswordPolicy(BaseModel):
    """When wrong passwords block an account, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    max_failed_attempts: Annotated[int, Field(ge=1)] = 5
    """Wrong passwords in a row after which an account is blocked."""
    inactivation_minutes: Annotated[float, Field(gt=0)] = 15
    """How long a blocked account stays blocked after the last wrong password."""

    @property
    def inactivation(self) -> timedelta:
        return timedelta(minutes=self.inactivation_minutes)
