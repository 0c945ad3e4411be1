"""Which sockets are open here, and whose they are."""

from dataclasses import dataclass

from hanse_web.access import Actor


@dataclass(frozen=True, slots=True)
class Connection:
    """One authenticated socket."""

    actor: Actor
    rooms: tuple[str, ...]


class Connections:
    """Keeps the authenticated sockets of this process. An identity is online while it has at least one."""

    def __init__(self) -> None:
        self._by_sid: dict[str, Connection] = {}
        self._sids: dict[int, set[str]] = {}

    def add(self, sid: str, connection: Connection) -> bool:
        """Note a socket; tells whether it is the first of its identity."""
        sids = self._sids.setdefault(connection.actor.id, set())
        sids.add(sid)
        self._by_sid[sid] = connection
        return len(sids) == 1

    def remove(self, sid: str) -> tuple[Connection | None, bool]:
        """Forget a socket; gives what it was, and whether it was the last of its identity."""
        connection = self._by_sid.pop(sid, None)
        if connection is None:
            return None, False
        sids = self._sids[connection.actor.id]
        sids.discard(sid)
        if sids:
            return connection, False
        del self._sids[connection.actor.id]
        return connection, True

    def get(self, sid: str) -> Connection | None:
        """Give the connection behind a socket, if it is authenticated."""
        return self._by_sid.get(sid)

    def sids_of(self, identity_id: int) -> list[str]:
        """Give the sockets of an identity."""
        return sorted(self._sids.get(identity_id, ()))

    @property
    def identities(self) -> set[int]:
        """Everybody who has a socket here."""
        return set(self._sids)
