"""How much somebody may say on sockets: a supply that a burst may use up, and that fills again at an even rate."""

from collections import OrderedDict
from datetime import datetime

from hanse_web.clock import Clock

BURST = 1_000
PER_SECOND = 50.0
"""Stock nodes tell a status and a few lines of log per run and second."""
REMEMBERED = 10_000


class Allowance:
    """Counts what identities say, in this process, whichever of their sockets they use."""

    def __init__(
        self, clock: Clock, burst: int = BURST, per_second: float = PER_SECOND, remembered: int = REMEMBERED
    ) -> None:
        self._clock = clock
        self._burst = burst
        self._per_second = per_second
        self._remembered = remembered
        self._left: OrderedDict[int, tuple[datetime, float]] = OrderedDict()

    def take(self, identity_id: int) -> bool:
        """Use one of what is left; False where nothing is."""
        now = self._clock.now()
        since, left = self._left.get(identity_id, (now, float(self._burst)))
        left = min(float(self._burst), left + max(0.0, (now - since).total_seconds()) * self._per_second)
        is_enough = left >= 1
        self._left[identity_id] = now, left - 1 if is_enough else left
        self._left.move_to_end(identity_id)
        if len(self._left) > self._remembered:
            self._left.popitem(last=False)
        return is_enough
