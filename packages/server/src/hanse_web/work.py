"""One request, one transaction, told after the commit."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import wraps
from typing import Annotated, Any

from anyio import CancelScope, to_thread
from fastapi import Depends, Request
from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session, sessionmaker

from hanse_web.clock import Clock
from hanse_web.db import IMMEDIATE
from hanse_web.known import KnownActors, Unrelated
from hanse_web.links import Links
from hanse_web.outbox import Dispatcher, Event, enqueue

WORK = "work"
"""How handlers name the parameter of their unit of work."""
CHANGED_RIGHTS = "hanse_changed_rights"
AT_ONCE = 24
"""Transactions open at the same time, of one process."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Work:
    """The transaction of one request. Use cases read and write through `session` and `tell` what happened."""

    def __init__(self, session: Session, clock: Clock, links: Links) -> None:
        self.session = session
        self.clock = clock
        self.links = links
        self.has_told = False
        self.callbacks: list[Callable[[], None]] = []
        self.has_changed_rights = False
        self.is_concluded = False

    def conclude(self) -> None:
        """Commit and give the connection back, in the caller's thread; nothing can be done after that."""
        self.session.flush()
        if self.session.in_transaction():
            self.has_changed_rights = bool(self.session.connection().info.pop(CHANGED_RIGHTS, False))
        self.session.commit()
        self.session.close()
        self.is_concluded = True

    def tell(self, name: str, data: dict[str, Any] | None, *rooms: str) -> None:
        """Have an event sent to these rooms once the transaction is committed; without that, never."""
        enqueue(self.session, self.clock, Event(name, data, rooms))
        self.has_told = True

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Have something short called on the event loop once the transaction is committed; without that, never."""
        self.callbacks.append(callback)


def _watch_rights(engine: Engine, changes_rights: Callable[[str], bool]) -> None:
    @event.listens_for(engine, "before_cursor_execute")
    def note(connection: Connection, _: object, statement: str, *__: object) -> None:
        if changes_rights(statement):
            connection.info[CHANGED_RIGHTS] = True


def concluding(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Make a handler conclude its unit of work itself: in the thread that it has anyway, not in one more."""

    @wraps(handler)
    def handle(**given: Any) -> Any:
        answer = handler(**given)
        given[WORK].conclude()
        return answer

    return handle


class Works:
    """Opens units of work; commits at the edge, then rings for delivery."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        dispatcher: Dispatcher,
        links: Links,
        unrelated: Unrelated = Unrelated(),  # noqa: B008  (it is frozen)
    ) -> None:
        self.known = KnownActors(clock)
        _watch_rights(engine, unrelated.judge())
        self.clock = clock
        self.dispatcher = dispatcher
        self.links = links
        self._read = sessionmaker(engine, expire_on_commit=False)
        self._write = sessionmaker(engine.execution_options(**{IMMEDIATE: True}), expire_on_commit=False)
        # More units than connections would have threads wait for connections whose owners wait for threads.
        self._room = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def open(self, *, write: bool) -> AsyncIterator[Work]:
        """Give a unit of work: committed when the block ends, rolled back when it raises."""
        turn = self.dispatcher.turn if write else nullcontext()
        async with turn, self._room:
            session = (self._write if write else self._read)()
            work = Work(session, self.clock, self.links)
            try:
                yield work
                if not work.is_concluded:
                    await to_thread.run_sync(work.conclude)
            finally:
                if not work.is_concluded:
                    with CancelScope(shield=True):
                        await to_thread.run_sync(session.close)
                if work.has_changed_rights:
                    self.known.forget()
        if work.has_told:
            self.dispatcher.ring()
        for callback in work.callbacks:
            callback()


async def _request_work(request: Request) -> AsyncIterator[Work]:
    works: Works = request.app.state.works
    async with works.open(write=request.method not in SAFE_METHODS) as work:
        yield work


# The function scope makes FastAPI commit before the answer leaves; the default scope commits after it.
RequestWork = Annotated[Work, Depends(_request_work, scope="function")]


async def _read_work(request: Request) -> AsyncIterator[Work]:
    works: Works = request.app.state.works
    async with works.open(write=False) as work:
        yield work


ReadWork = Annotated[Work, Depends(_read_work, scope="function")]
"""For handlers that only read although their method says otherwise."""


def _works(request: Request) -> Works:
    works: Works = request.app.state.works
    return works


AllWorks = Annotated[Works, Depends(_works)]
"""For handlers that open units of work themselves, because something slow happens between two of them."""
