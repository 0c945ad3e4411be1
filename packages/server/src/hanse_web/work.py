"""One request, one transaction, told after the commit."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import cache, partial, wraps
from inspect import Parameter, iscoroutinefunction, isfunction, signature
from typing import Annotated, Any, TypeVar, get_args

from anyio import CancelScope, CapacityLimiter, to_thread
from fastapi import Depends, Request
from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from hanse_web.clock import Clock
from hanse_web.db import IMMEDIATE, is_sqlite, reading
from hanse_web.known import KnownActors, Unrelated
from hanse_web.links import Links
from hanse_web.outbox import Dispatcher, Event, enqueue

CHANGED_RIGHTS = "hanse_changed_rights"
THREADS = 6
"""Handlers that run at the same time."""
READERS = 2
"""Handlers that read from SQLite at the same time: nobody waits for a network, so more would share one interpreter."""
AT_ONCE = 24
"""Transactions open at the same time, of one process."""
WORK = "unit_of_work"
"""The parameter by which a handler is given the unit of work to run in, beside those of its own."""
T = TypeVar("T")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Work:
    """The transaction of one request. Use cases read and write through `session` and `tell` what happened."""

    works: "Works"
    is_writing: bool

    def __init__(self, connect: Callable[[], Connection], clock: Clock, links: Links) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._session: Session | None = None
        self.clock = clock
        self.links = links
        self.has_told = False
        self.callbacks: list[Callable[[], None]] = []

    @property
    def connection(self) -> Connection:
        """The transaction, for what is read and written as columns: objects cost several times as much."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    @property
    def session(self) -> Session:
        """The same transaction, for what is read and written as objects."""
        if self._session is None:
            self._session = Session(self.connection, expire_on_commit=False, join_transaction_mode="control_fully")
        return self._session

    def flush(self) -> None:
        """Send what was written as objects."""
        if self._session is not None:
            self._session.flush()

    def commit(self) -> None:
        """Keep what was written."""
        if self._connection is not None:
            (self._session or self._connection).commit()

    def take_changed_rights(self) -> bool:
        """Tell, once, whether anybody's rights may have changed by what was sent."""
        return self._connection is not None and self._connection.info.pop(CHANGED_RIGHTS, False)

    def close(self) -> None:
        """Give back the connection; what was not committed is undone. Another one is taken when there is more to do."""
        if self._session is not None:
            self._session.close()
        if self._connection is not None:
            self._connection.close()
        self._session = self._connection = None

    def tell(self, name: str, data: dict[str, Any] | None, *rooms: str) -> None:
        """Have an event sent to these rooms once the transaction is committed; without that, never."""
        enqueue(self.connection, self.clock, Event(name, data, rooms))
        self.has_told = True

    def erase(self, table: Table, key: int) -> None:
        """Have all slices do what is to be done before a row, and what hangs on it, is deleted."""
        for act in self.works.erasing:
            act(self, table, key)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Have something short called on the event loop once the transaction is committed; without that, never."""
        self.callbacks.append(callback)


def _watch_rights(engine: Engine, changes_rights: Callable[[str], bool]) -> None:
    @event.listens_for(engine, "before_cursor_execute")
    def note(connection: Connection, _: object, statement: str, *__: object) -> None:
        if changes_rights(statement):
            connection.info[CHANGED_RIGHTS] = True


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
        self.erasing: list[Callable[[Work, Table, int], None]] = []
        """What slices do before rows are erased that lower slices own."""
        self.known = KnownActors(clock)
        _watch_rights(engine, unrelated.judge())
        self.clock = clock
        self.dispatcher = dispatcher
        self.links = links
        self._read = reading(engine)
        self._write = engine.execution_options(**{IMMEDIATE: True})
        # More units than connections would have threads wait for connections whose owners wait for threads.
        self._room = asyncio.Semaphore(AT_ONCE)
        self._threads = CapacityLimiter(READERS if is_sqlite(engine) else THREADS)
        # The one that writes to SQLite waits for the disk; those who read have threads of their own.
        self._writer = CapacityLimiter(1) if is_sqlite(engine) else self._threads

    @asynccontextmanager
    async def open(self, *, write: bool) -> AsyncIterator[Work]:
        """Give a unit of work: committed when the block ends, rolled back when it raises."""
        work = self.promise(write=write)
        async with self.running(work):
            yield work

    async def run(self, use: Callable[..., T], *arguments: Any, write: bool) -> T:
        """Do something in a unit of work, all of it in one thread: `use` gets the work and the arguments."""
        work = self.promise(write=write)
        return await self.run_in(work, partial(use, work, *arguments))

    async def run_in(self, work: Work, use: Callable[[], T]) -> T:
        """Do something in a promised unit of work, all of it in one thread."""
        async with self._turn(work):
            threads = self._writer if work.is_writing else self._threads
            answer = await to_thread.run_sync(self._done, work, use, limiter=threads)
        self._tell_about(work)
        return answer

    def _done(self, work: Work, use: Callable[[], T]) -> T:
        try:
            answer = self._tried(work, use)
            self._commit(work)
        finally:
            work.close()
        return answer

    def _tried(self, work: Work, use: Callable[[], T]) -> T:
        """Do something; once more if it only reads and finds that its connection was closed from the other side."""
        try:
            return use()
        except DBAPIError as error:
            if work.is_writing or not error.connection_invalidated:
                raise
            work.close()
            return use()

    def promise(self, *, write: bool) -> Work:
        """Give a unit of work that has not begun: it must be used by `run_in` or `running`, and only there."""
        work = Work((self._write if write else self._read).connect, self.clock, self.links)
        work.works, work.is_writing = self, write
        return work

    @asynccontextmanager
    async def running(self, work: Work) -> AsyncIterator[None]:
        """Commit a promised unit of work when the block ends, or roll it back when it raises."""
        async with self._turn(work):
            try:
                yield
                await to_thread.run_sync(self._commit, work)
            finally:
                with CancelScope(shield=True):
                    await to_thread.run_sync(work.close)
        self._tell_about(work)

    @asynccontextmanager
    async def _turn(self, work: Work) -> AsyncIterator[None]:
        async with self.dispatcher.turn if work.is_writing else nullcontext(), self._room:
            yield

    def _commit(self, work: Work) -> None:
        if not work.is_writing:
            return
        work.flush()
        has_changed = work.take_changed_rights()
        try:
            work.commit()
        finally:
            if has_changed:
                self.known.forget()

    def _tell_about(self, work: Work) -> None:
        if work.has_told:
            self.dispatcher.ring()
        for callback in work.callbacks:
            callback()


async def _request_work(request: Request) -> Work:
    works: Works = request.app.state.works
    return works.promise(write=request.method not in SAFE_METHODS)


async def _read_work(request: Request) -> Work:
    works: Works = request.app.state.works
    return works.promise(write=False)


@cache
def in_work(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Have a handler that takes a `RequestWork` or `ReadWork`, itself or through what it depends on, run within it."""
    annotation = _work_of(handler)
    if annotation is None:
        return handler
    if iscoroutinefunction(handler):

        @wraps(handler)
        async def handle(**given: Any) -> Any:
            work: Work = given.pop(WORK)
            async with work.works.running(work):
                return await handler(**given)

    else:

        @wraps(handler)
        async def handle(**given: Any) -> Any:
            work: Work = given.pop(WORK)
            return await work.works.run_in(work, partial(handler, **given))

    parameters = signature(handler).parameters
    own = Parameter(WORK, Parameter.KEYWORD_ONLY, annotation=annotation)
    described = signature(handler).replace(parameters=[*parameters.values(), own])
    handle.__signature__ = described  # type: ignore[attr-defined]
    return handle


def _work_of(call: Callable[..., Any]) -> Any:
    """Find the unit of work among what a handler or dependency takes, however deep."""
    for parameter in signature(call).parameters.values():
        for one in get_args(parameter.annotation)[1:]:
            dependency = getattr(one, "dependency", None)
            if dependency in (_request_work, _read_work):
                return parameter.annotation
            if isfunction(dependency) and (found := _work_of(dependency)) is not None:
                return found
    return None


async def _works(request: Request) -> Works:
    works: Works = request.app.state.works
    return works


# `app.build` has handlers run within the unit of work that they name.
RequestWork = Annotated[Work, Depends(_request_work)]
ReadWork = Annotated[Work, Depends(_read_work)]
"""For handlers that only read although their method says otherwise."""
AllWorks = Annotated[Works, Depends(_works)]
"""For handlers that open units of work themselves, because something slow happens between two of them."""
