"""When an account is blocked, and what an old refresh token means."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """How many failures are allowed in a row, and how long the pause is that follows; it doubles every time."""

    allowed: int
    pause: timedelta
    longest: timedelta

    @property
    def memory(self) -> timedelta:
        """After so long without a failure the count starts again."""
        return 2 * self.longest


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often somebody failed in a row, and when last."""

    failed: int = 0
    last: datetime | None = None

    def blocked_for(self, limit: Limit, now: datetime) -> timedelta:
        """Give how long even the right answer is refused from now on; zero when it is not."""
        series = self.failed // limit.allowed
        if self.last is None or series == 0 or self.failed % limit.allowed:
            return timedelta(0)
        # A doubling per day of age would overflow long before anybody has waited for it.
        pause = min(limit.longest, limit.pause * 2 ** min(series - 1, 30))
        end: datetime = self.last + pause
        return max(timedelta(0), end - now)

    def is_blocked(self, limit: Limit, now: datetime) -> bool:
        """Tell whether even the right answer is refused now."""
        return self.blocked_for(limit, now) > timedelta(0)

    def after_failure(self, limit: Limit, now: datetime) -> "Attempts":
        """Count one more, or the first after a long time."""
        if self.last is None or now - self.last >= limit.memory:
            return Attempts(1, now)
        return Attempts(self.failed + 1, now)


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
