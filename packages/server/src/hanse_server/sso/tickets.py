"""What the server hands out to get back unchanged and unread: the memory of a login under way, without a table.

Whoever starts a login gets a ticket, and must bring it back to finish. So an anonymous flood of starts leaves nothing
behind, and any replica can finish what another one started.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hanse_core.errors import Unauthenticated, Unavailable
from hanse_web.clock import Clock
from hanse_web.sealing import Seal

MAXIMUM_LENGTH = 16_000


class Tickets:
    """Seals small objects, each for one purpose and a limited time."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._seal = Seal(secret, "logins under way")
        self._clock = clock

    def seal(self, purpose: str, provider: str, content: Mapping[str, Any], life: timedelta) -> str:
        """Seal an object about a login at a provider."""
        end = (self._clock.now() + life).timestamp()
        return self._seal.seal(json.dumps({"provider": provider, "content": dict(content), "end": end}), purpose)

    def open(self, purpose: str, provider: str, ticket: str) -> dict[str, Any]:
        """Open what was sealed for this purpose. Raises `Unauthenticated` for anything else, and when it is late."""
        try:
            opened = json.loads(self._seal.open(ticket[:MAXIMUM_LENGTH], purpose))
        except Unavailable as error:
            raise Unauthenticated("the ticket of this login is not one of this server; start again") from error
        if opened["end"] <= self._clock.now().timestamp():
            raise Unauthenticated("this login took too long; start again")
        if opened.get("provider") != provider:  # or a ticket that was sealed before an update, which named none
            raise Unauthenticated("this login began at another provider; start again")
        content: dict[str, Any] = opened["content"]
        return content
