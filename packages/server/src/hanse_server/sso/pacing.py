"""Keeping strangers, who may ask as often as they like, from having this server ask a provider that often."""

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta

from hanse_web.clock import Clock

REMEMBERED = 10_000


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
