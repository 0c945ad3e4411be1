"""What can go wrong at a node beyond the common tree, each with its remedy in the message."""

from hanse_core.errors import HanseError, Unauthenticated, Unavailable


class Unreachable(Unavailable):
    """The server gave no answer; `sent` tells whether it may have received the request."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class WrongKey(Unauthenticated):
    """The server does not know this node's API key."""


class CannotStart(HanseError):
    """The node refuses to start; the message says what to change."""


class JournalUnreadable(CannotStart):
    """The journal exists but cannot be used; it is never silently made anew."""
