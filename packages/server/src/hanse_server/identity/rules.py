"""When an account is blocked, and what an old refresh token means."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from hanse_server.settings.passwords import PasswordPolicy


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often a password was wrong in a row, and when it last was."""

    failed: int
    last: datetime | None

    def is_blocked(self, policy: PasswordPolicy, now: datetime) -> bool:
        """Tell whether even the right password is refused now."""
        return (
            self.failed >= policy.max_failed_attempts
            and self.last is not None
            and now - self.last < policy.inactivation
        )

    def after_failure(self, policy: PasswordPolicy, now: datetime) -> "Attempts":
        """Count one more; a count that has already led to a block that is over starts again."""
        return Attempts(1 if self.failed >= policy.max_failed_attempts else self.failed + 1, now)


class Rotation(enum.Enum):
    """What it means that somebody shows a certain refresh token of a session."""

    NEWEST = "newest"
    FORMER = "former"
    """Replaced a moment ago: a client asked twice at once, or the answer was lost on its way."""
    STOLEN = "stolen"
    """Replaced long ago: two parties hold the tokens of this session."""


def rotation(presented: int, newest: int, age: timedelta, grace: timedelta) -> Rotation:
    """Judge a refresh token by its number, and by how long ago the newest one was made."""
    if presented == newest:
        return Rotation.NEWEST
    if presented == newest - 1 and age <= grace:
        return Rotation.FORMER
    return Rotation.STOLEN
