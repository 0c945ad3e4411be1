"""Actors that were loaded a moment ago, so that not every request asks the database who is asking.

What this process writes about rights counts at once: it forgets everybody. What another replica writes counts
here after `LIFE` at the latest.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from hanse_web.access import Actor, NodeActor, UserActor
from hanse_web.clock import Clock

LIFE = timedelta(seconds=2)
MOST = 5_000
"""Actors that are remembered; with one more all are forgotten."""

_WRITE = re.compile(r"\s*(INSERT INTO|DELETE FROM|UPDATE(?= \S+ SET)) \"?(\w+)\"?(?: SET (.*?)(?: WHERE |$))?", re.S)
_ASSIGNED = re.compile(r"\"?(\w+)\"?\s*=")
_MAY_WRITE = re.compile(r"\b(INSERT|UPDATE|DELETE|TRUNCATE|MERGE|REPLACE)\b(?! OF\b)", re.I)


@dataclass(frozen=True, slots=True)
class _Known:
    actor: Actor
    since: datetime
    epoch: int


class KnownActors:
    """Remembers users and nodes by their token; algorithm containers end with their run and are looked up always."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self.epoch = 0
        """Grows whenever everybody is forgotten."""
        self.listeners: list[Callable[[], None]] = []
        """Called whenever everybody is forgotten."""

    def find(self, token: str) -> Actor | None:
        """Give who has this token, if that was looked up a moment ago; whether the token is valid is not asked."""
        known = self._known.get(token)
        if known is None or known.epoch != self.epoch or abs(self._clock.now() - known.since) >= LIFE:
            return None
        return known.actor

    def keep(self, token: str, actor: Actor, epoch: int) -> None:
        """Remember an actor; not when everybody was forgotten since it was looked up, which `epoch` tells."""
        if epoch != self.epoch or not isinstance(actor, UserActor | NodeActor):
            return
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[token] = _Known(actor, self._clock.now(), epoch)

    def forget(self) -> None:
        """Forget everybody, because somebody's rights may have changed; from whichever thread."""
        self.epoch += 1
        self._known.clear()
        for listener in self.listeners:
            listener()


@dataclass(frozen=True, slots=True)
class Unrelated:
    """What may be written without anybody's rights changing; everything that is not named here changes them."""

    tables: Collection[str] = ()
    inserts: Collection[str] = ()
    """Tables whose new rows take nothing away and give nothing to those who are known already."""
    deletes: Collection[str] = ()
    """Tables from which only such rows are removed as give nobody anything any more."""
    columns: Mapping[str, Collection[str]] = field(default_factory=dict)

    def judge(self) -> Callable[[str], bool]:
        """Give a function that tells of an SQL statement whether it may change somebody's rights."""

        @lru_cache(maxsize=1024)
        def changes_rights(statement: str) -> bool:
            found = _WRITE.match(statement)
            if found is None:
                return _MAY_WRITE.search(statement) is not None
            kind, table, assigned = found.groups()
            by_kind = {"INSERT INTO": self.inserts, "DELETE FROM": self.deletes}
            if table in self.tables or table in by_kind.get(kind, ()):
                return False
            if kind != "UPDATE" or "SELECT" in assigned:
                return True
            return not set(_ASSIGNED.findall(assigned)) <= set(self.columns.get(table, ()))

        return changes_rights
