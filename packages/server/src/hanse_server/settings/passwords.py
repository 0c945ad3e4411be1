"""Settings of passwords."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class PasswordPolicy(BaseModel):
    """Which passwords are good enough, when wrong ones block an account, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    minimum_length: Annotated[int, Field(ge=8, le=128)] = 8
    """How many characters a new password needs; never less than 8, nor more than 128."""
    max_failed_attempts: Annotated[int, Field(ge=1)] = 5
    """Wrong passwords in a row after which an account is blocked for the address that they came from."""
    inactivation_minutes: Annotated[float, Field(gt=0)] = 15
    """How long it stays blocked the first time; each further time twice as long, up to a day."""
    max_failed_attempts_anywhere: Annotated[int, Field(ge=1)] = 50
    """Wrong passwords from all addresses after which an account is blocked for those it never logged in from."""
    max_failed_attempts_per_address: Annotated[int, Field(ge=1)] = 50
    """Wrong passwords for any accounts after which an address must pause: a minute, then twice as long, up to an hour.
    Who has logged in from there before need not."""
    between_user_emails_minutes: Annotated[float, Field(ge=0)] = 60
    """How much time passes at least between two mails of a kind to a user: blocked account, lost password."""

    @property
    def between_mails(self) -> timedelta:
        return timedelta(minutes=self.between_user_emails_minutes)

    @property
    def inactivation(self) -> timedelta:
        return timedelta(minutes=self.inactivation_minutes)
