"""Events as rows of the transaction that caused them, and their delivery after its commit.

A replica that crashes between commit and delivery loses nothing: whatever has no delivery time is
delivered by whoever looks next, at the latest by the slow timer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast

import structlog
from anyio import CancelScope, to_thread
from sqlalchemy import JSON, Connection, Engine, Index, Table, bindparam, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from hanse_web.clock import Clock
from hanse_web.db import Base, UtcDateTime, is_sqlite, reading, reason, single_writes

SWEEP_SECONDS = 2.0
BATCH = 200
PATIENCE_SECONDS = 0.25
"""How long told events may wait, where nobody else delivers, to be forgotten together: each time is a commit."""

PACE_SECONDS = 0.005
"""How far apart looks into the outbox are at least, so that a look finds the events of several requests."""

log = structlog.get_logger()


class OutboxEvent(Base):
    """One event that is to be told to one or more rooms."""

    __tablename__ = "outbox_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    data: Mapped[Any] = mapped_column(JSON)
    rooms: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_outbox_event_created_at", "created_at"),)


_STORE = insert(cast(Table, OutboxEvent.__table__))
"""Into the table, not the entity: what the object mapper does for an insert costs several times the insert."""

_WAITING = select(OutboxEvent).where(OutboxEvent.id > bindparam("told")).order_by(OutboxEvent.id).limit(BATCH)
_FORGET = delete(cast(Table, OutboxEvent.__table__)).where(
    cast(Table, OutboxEvent.__table__).c.id.in_(bindparam("ids", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Event:
    """What is told: a name, a payload and the rooms that hear it."""

    name: str
    data: Mapping[str, Any] | None
    rooms: Sequence[str]


class EventBus(Protocol):
    """Carries events to whoever listens, on all replicas."""

    async def publish(self, event: Event) -> None:
        """Tell the rooms. Raises when the event may not have left, so that it is told again."""


class MemoryBus:
    """Keeps what was told; for tests and as the only listener of a server without sockets."""

    def __init__(self) -> None:
        self.told: list[Event] = []

    async def publish(self, event: Event) -> None:
        self.told.append(event)


def enqueue(source: Connection | Session, clock: Clock, event: Event) -> None:
    """Store an event in the caller's transaction."""
    row = {"name": event.name, "data": event.data, "rooms": list(event.rooms), "created_at": clock.now()}
    source.execute(_STORE, [row])


class Dispatcher:
    """Delivers what is in the outbox: at once when rung, and on a slow timer for what others left behind."""

    def __init__(self, engine: Engine, bus: EventBus) -> None:
        self._writing = single_writes(engine)
        self._reading = reading(engine)
        self._bus = bus
        self._bell = asyncio.Event()
        self._told: dict[int, float] = {}
        """What was told but not yet forgotten, and when."""
        self._is_alone = is_sqlite(engine)
        self.turn: AbstractAsyncContextManager[object] = asyncio.Lock() if is_sqlite(engine) else nullcontext()
        """Held by whoever writes. SQLite has one writer: waiting for it here, on the loop, keeps threads free."""

    def ring(self) -> None:
        """Say that a transaction with events was committed."""
        self._bell.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                looked = asyncio.get_running_loop().time()
                try:
                    await self._tell()
                    await self._forget_in_time()
                except Exception as error:  # whatever the bus raises: the rows are still there for the next round
                    log.warning("outbox-delivery-failed", error=reason(error))
                # Not `wait_for`: before Python 3.12 it loses a cancellation that comes together with the bell.
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE_SECONDS if self._told else SWEEP_SECONDS):
                        await self._bell.wait()
                await asyncio.sleep(looked + PACE_SECONDS - asyncio.get_running_loop().time())
                self._bell.clear()
        finally:
            with CancelScope(shield=True), suppress(SQLAlchemyError):
                await self._forget_told()

    async def deliver(self) -> int:
        """Tell everything that waits, oldest first; give the number of events told."""
        told = await self._tell()
        await self._forget_told()
        return told

    async def _tell(self) -> int:
        told = 0
        while True:
            rows = await to_thread.run_sync(self._waiting)
            for row in rows:
                await self._bus.publish(Event(row.name, row.data, row.rooms))
                self._told[row.id] = asyncio.get_running_loop().time()
            told += len(rows)
            if len(self._told) >= BATCH or not self._is_alone:
                await self._forget_told()
            if len(rows) < BATCH:
                return told

    async def _forget_in_time(self) -> None:
        if self._told and asyncio.get_running_loop().time() - next(iter(self._told.values())) >= PATIENCE_SECONDS:
            await self._forget_told()

    async def _forget_told(self) -> None:
        if self._told:
            async with self.turn:
                await to_thread.run_sync(self._forget, list(self._told))
            self._told.clear()

    def _waiting(self) -> Sequence[Any]:
        # Where events wait to be forgotten there is one writer, so what comes later has a higher number.
        with self._reading.connect() as connection:
            return connection.execute(_WAITING, {"told": max(self._told, default=0)}).all()

    def _forget(self, ids: Sequence[int]) -> None:
        with self._writing.begin() as connection:
            connection.execute(_FORGET, {"ids": ids})
