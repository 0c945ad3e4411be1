"""When an account is blocked."""

from dataclasses import dataclass
from datetime import datetime

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
