"""What a login session remembers about its provider, sealed in its row."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

from hanse_core.errors import Unavailable
from hanse_web.sealing import Seal

BUSY = timedelta(seconds=60)
"""How long one refresh at the provider may take, before another one is tried."""


@dataclass(frozen=True, slots=True)
class External:
    """Who was logged in, with which groups, and how to ask whether that is still so."""

    identity_id: int
    groups: tuple[str, ...]
    refresh_token: str | None = field(repr=False)
    confirmed: float
    busy_until: float = 0
    """Providers take a refresh token only once, so only one refresh at a time may be under way."""

    def confirmed_within(self, life: timedelta, now: datetime) -> bool:
        """Tell whether the provider has confirmed this no longer ago."""
        return now.timestamp() - self.confirmed <= life.total_seconds()

    def is_busy(self, now: datetime) -> bool:
        """Tell whether somebody is asking the provider right now."""
        return now.timestamp() < self.busy_until

    def busy(self, now: datetime) -> "External":
        """Say that the provider is being asked."""
        return replace(self, busy_until=(now + BUSY).timestamp())

    def idle(self) -> "External":
        """Say that nobody asks any more."""
        return replace(self, busy_until=0)

    def sealed(self, seal: Seal, user_id: int) -> str:
        """Write it so that only this server can read it, and only for this user."""
        return seal.seal(json.dumps(asdict(self)), str(user_id))


def opened(seal: Seal, user_id: int, sealed: str | None) -> External | None:
    """Read it; None when that is impossible because the server's secret has changed."""
    try:
        fields = json.loads(seal.open(sealed or "", str(user_id)))
    except Unavailable:
        return None
    return External(**{**fields, "groups": tuple(fields["groups"])})
