"""Keeping strangers, who may ask as often as they like, from having this server ask a provider that often.

A provider that is asked too much for nothing may shut this server out, and with it everybody. What is counted here is
counted in this process: that bounds it well enough.
"""

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta

from hanse_core.errors import Unavailable
from hanse_web.clock import Clock

REMEMBERED = 10_000
MOST = 100
"""What one network may cause in vain before it must pause; a whole class may log in from behind one address."""
WINDOW = timedelta(minutes=10)


class Pacing:
    """Remembers when each device code was last asked about, for the newest ones, in this process."""

    def __init__(self, clock: Clock, remembered: int = REMEMBERED) -> None:
        self._clock = clock
        self._remembered = remembered
        self._next: OrderedDict[bytes, datetime] = OrderedDict()

    def may_go(self, code: str, interval: float) -> bool:
        """Tell whether the interval has passed since it was last asked; the first time always."""
        key, now = hashlib.sha256(code.encode()).digest(), self._clock.now()
        if (earliest := self._next.get(key)) is not None and now < earliest:
            return False
        # A little less than the interval, for clients whose clock is as exact as the provider's.
        self._next[key] = now + timedelta(seconds=interval * 0.9)
        self._next.move_to_end(key)
        if len(self._next) > self._remembered:
            self._next.popitem(last=False)
        return True


class Patience:
    """Counts what each network caused in vain, in a window of time."""

    def __init__(self, clock: Clock, most: int = MOST, remembered: int = REMEMBERED) -> None:
        self._clock = clock
        self._most = most
        self._remembered = remembered
        self._counts: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def require(self, network: str) -> None:
        """Refuse a network that has caused too much. Raises `Unavailable`."""
        since, count = self._current(network)
        if count >= self._most:
            left = int((since + WINDOW - self._clock.now()).total_seconds()) + 1
            raise Unavailable("too many logins failed from where you are; try again later", retry_after=left)

    def note(self, network: str) -> None:
        """Count one more."""
        since, count = self._current(network)
        self._counts[network] = since, count + 1
        self._counts.move_to_end(network)
        if len(self._counts) > self._remembered:
            self._counts.popitem(last=False)

    def _current(self, network: str) -> tuple[datetime, int]:
        now = self._clock.now()
        since, count = self._counts.get(network, (now, 0))
        return (since, count) if now < since + WINDOW else (now, 0)
