"""Delivery of events: at once when rung, in order, again when it failed."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from hanse_web import outbox
from hanse_web.clock import FixedClock
from hanse_web.db import Base, make_engine
from hanse_web.outbox import Dispatcher, Event, MemoryBus, enqueue


@pytest.fixture
def engine(empty_uri: str) -> Iterator[Engine]:
    """A database with the table of events only."""
    engine = make_engine(empty_uri)
    Base.metadata.create_all(engine, tables=[Base.metadata.tables["outbox_event"]])
    yield engine
    engine.dispose()


def put(engine: Engine, clock: FixedClock, *names: str) -> None:
    with Session(engine) as session, session.begin():
        for name in names:
            enqueue(session, clock, Event(name, None, ["room"]))


class FailingBus(MemoryBus):
    """Loses its connection for a number of times."""

    def __init__(self, failures: int, error: type[Exception] = ConnectionError) -> None:
        super().__init__()
        self.failures = failures
        self.error = error
        self.complete = asyncio.Event()

    async def publish(self, event: Event) -> None:
        if self.failures:
            self.failures -= 1
            raise self.error("the broker is away")
        await super().publish(event)
        self.complete.set()


async def test_events_are_told_in_the_order_in_which_they_happened(engine: Engine, clock: FixedClock) -> None:
    names = [f"event {number}" for number in range(outbox.BATCH + 50)]
    put(engine, clock, *names)
    bus = MemoryBus()
    assert await Dispatcher(engine, bus).deliver() == len(names)
    assert [told.name for told in bus.told] == names


async def test_what_could_not_be_told_is_told_later(engine: Engine, clock: FixedClock) -> None:
    put(engine, clock, "first", "second")
    bus = FailingBus(1)
    dispatcher = Dispatcher(engine, bus)
    with pytest.raises(ConnectionError):
        await dispatcher.deliver()
    assert await dispatcher.deliver() == 2
    assert [told.name for told in bus.told] == ["first", "second"]


@pytest.mark.parametrize("error", [ConnectionError, RuntimeError])
async def test_the_timer_delivers_what_nobody_rang_for_also_after_failures(
    engine: Engine, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    monkeypatch.setattr(outbox, "SWEEP_SECONDS", 0.02)
    put(engine, clock, "forgotten")
    bus = FailingBus(2, error)
    running = asyncio.create_task(Dispatcher(engine, bus).run())
    await asyncio.wait_for(bus.complete.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [told.name for told in bus.told] == ["forgotten"]


async def test_ringing_delivers_without_waiting_for_the_timer(
    engine: Engine, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SWEEP_SECONDS", 3600)
    bus = FailingBus(0)
    dispatcher = Dispatcher(engine, bus)
    running = asyncio.create_task(dispatcher.run())
    put(engine, clock, "news")
    dispatcher.ring()
    await asyncio.wait_for(bus.complete.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_being_stopped_at_the_moment_of_ringing_is_not_overheard(engine: Engine) -> None:
    dispatcher = Dispatcher(engine, MemoryBus())
    running = asyncio.create_task(dispatcher.run())
    await asyncio.sleep(0.1)  # it has looked at its table, and waits
    dispatcher.ring()
    await asyncio.sleep(0)  # the wait is over, and who waited has not run yet
    running.cancel()
    _, pending = await asyncio.wait({running}, timeout=5)
    assert not pending
    assert running.cancelled()
