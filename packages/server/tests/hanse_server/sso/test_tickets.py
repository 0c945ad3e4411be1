"""What the server hands out to get back unchanged."""

from datetime import UTC, datetime, timedelta

import pytest

from hanse_core.errors import Unauthenticated
from hanse_server.sso.tickets import Tickets
from hanse_web.clock import FixedClock

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 1, tzinfo=UTC))


def test_a_ticket_opens_for_its_purpose_and_provider_and_in_its_time_only(clock: FixedClock) -> None:
    tickets = Tickets("a secret", clock)
    ticket = tickets.seal("login", "hospital", {"state": "s"}, HOUR)
    assert tickets.open("login", "hospital", ticket) == {"state": "s"}
    assert Tickets("a secret", clock).open("login", "hospital", ticket) == {"state": "s"}
    for other, purpose in ((tickets, "device"), (Tickets("another", clock), "login")):
        with pytest.raises(Unauthenticated, match="start again"):
            other.open(purpose, "hospital", ticket)
    with pytest.raises(Unauthenticated, match="another provider"):
        tickets.open("login", "university", ticket)
    clock.moment += HOUR
    with pytest.raises(Unauthenticated, match="too long"):
        tickets.open("login", "hospital", ticket)


def test_a_ticket_tells_nothing_and_cannot_be_changed(clock: FixedClock) -> None:
    tickets = Tickets("a secret", clock)
    ticket = tickets.seal("login", "hospital", {"verifier": "planted"}, HOUR)
    assert "planted" not in ticket
    for place in (5, 20, -9):
        changed = list(ticket)
        changed[place] = "A" if changed[place] != "A" else "B"
        with pytest.raises(Unauthenticated):
            tickets.open("login", "hospital", "".join(changed))


@pytest.mark.parametrize("text", ["", "x", "é", "A" * 10_000, "====", "\ud800"])
def test_what_is_no_ticket_is_refused(text: str, clock: FixedClock) -> None:
    with pytest.raises(Unauthenticated):
        Tickets("a secret", clock).open("login", "hospital", text)
