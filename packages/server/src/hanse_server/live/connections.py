"""Which sockets are open here, and whose they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hanse_web.access import Actor


@dataclass(frozen=True, slots=True)
class Connection:
    """One authenticated socket."""

    actor: Actor
    rooms: tuple[str, ...]
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Of the token with which it was opened, by which it is judged again."""


class Connections:
    """Keeps the authenticated sockets of this process. An identity is online while it has at least one."""

    def __init__(self) -> None:
        self._by_sid: dict[str, Connection] = {}
        self._sids: dict[int, dict[str, None]] = {}
        self._silenced: set[str] = set()

    def add(self, sid: str, connection: Connection) -> bool:
        """Note a socket; tells whether it is the first of its identity."""
        sids = self._sids.setdefault(connection.actor.id, {})
        sids[sid] = None
        self._by_sid[sid] = connection
        return len(sids) == 1

    def replace(self, sid: str, connection: Connection) -> None:
        """Note what is true of a socket now."""
        if sid in self._by_sid:
            self._by_sid[sid] = connection

    def silence(self, sid: str) -> bool:
        """Note that a socket is about to be closed, so nothing is heard from it any more; False if that was known."""
        if sid in self._silenced or sid not in self._by_sid:
            return False
        self._silenced.add(sid)
        return True

    def remove(self, sid: str) -> tuple[Connection | None, bool]:
        """Forget a socket; gives what it was, and whether it was the last of its identity."""
        connection = self._by_sid.pop(sid, None)
        self._silenced.discard(sid)
        if connection is None:
            return None, False
        sids = self._sids[connection.actor.id]
        del sids[sid]
        if sids:
            return connection, False
        del self._sids[connection.actor.id]
        return connection, True

    def get(self, sid: str) -> Connection | None:
        """Give the connection behind a socket, if it is authenticated and not about to be closed."""
        return None if sid in self._silenced else self._by_sid.get(sid)

    def sids_of(self, identity_id: int) -> list[str]:
        """Give the sockets of an identity, the oldest first."""
        return list(self._sids.get(identity_id, ()))

    def all(self) -> dict[str, Connection]:
        """Give all sockets that are not about to be closed."""
        return {sid: connection for sid, connection in self._by_sid.items() if sid not in self._silenced}

    @property
    def identities(self) -> set[int]:
        """Everybody who has a socket here."""
        return set(self._sids)
