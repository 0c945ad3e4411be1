"""The server in this process, and clients of it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from hanse_server.accounts.models import User
from hanse_server.collaborations.models import Node
from hanse_server.main import create_app
from hanse_server.settings import Settings
from hanse_web.clock import FixedClock
from hanse_web.db import make_engine
from hanse_web.mail import MemoryMailer, Message
from hanse_web.mail_queue import QueuedMail
from hanse_web.outbound import Outbound
from hanse_web.outbox import MemoryBus

from .databases import (
    SECRET,
    cluster,
    database,
    database_folder,
    empty_uri,
    prepared_file,
    prepared_template,
    sqlite_engine,
    sqlite_path,
    uri,
)
from .factory import make, password_hash
from .recorded import answers_like, pytest_runtest_call, recording, recording_data

# Fixtures that stand in modules of their own; named here, so that they are found.
__all__ = [
    "answers_like",
    "cluster",
    "database",
    "database_folder",
    "empty_uri",
    "make",
    "password_hash",
    "prepared_file",
    "prepared_template",
    "pytest_runtest_call",
    "recording",
    "recording_data",
    "sqlite_engine",
    "sqlite_path",
    "uri",
]

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


# Without being told so, structlog draws tracebacks with all local variables, which takes seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture
def settings(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a server with a database of its own; override the fixture to change them."""
    monkeypatch.chdir(tmp_path)  # beside a database that is no file, large values go into the current folder
    return Settings(uri=uri, jwt_secret_key=SECRET)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def bus() -> MemoryBus:
    """Where the events of the server end up: `bus.told`."""
    return MemoryBus()


@pytest.fixture
def mailer() -> MemoryMailer | None:
    """Where the mails of the server end up: `mailer.sent`; override it with None for a server that sends no mail."""
    return MemoryMailer()


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(settings.uri)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session of the test's own, to look at what the server stored; call `rollback()` to see newer data."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """Run start and stop of an application in one task, as a real server does."""
    ready, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.router.lifespan_context(app):
            ready.set()
            await stop.wait()

    task = asyncio.create_task(live())
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield
    finally:
        stop.set()
        await task


@dataclass
class Server:
    """A running application with clients for it."""

    app: FastAPI
    engine: Engine
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """Give a client, anonymous or with a token; base URL is the API path."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://hanse.test/api", headers=headers)
        self.clients.append(client)
        return client

    def token(self, kind: str, subject: int | dict[str, Any]) -> str:
        """Sign an access token."""
        token: str = self.app.state.tokens.issue(subject, kind)
        return token


@pytest.fixture
def outbound() -> Outbound | None:
    """How algorithm stores are reached; override the fixture to put something in place of the network."""
    return None


@pytest.fixture
async def server(
    settings: Settings,
    clock: FixedClock,
    bus: MemoryBus,
    mailer: MemoryMailer | None,
    engine: Engine,
    outbound: Outbound | None,
) -> AsyncIterator[Server]:
    """The running server."""
    server = Server(create_app(settings, clock=clock, bus=bus, mailer=mailer, outbound=outbound), engine)
    # What a test writes behind the server's back counts at once, as if the server had written it.
    event.listen(engine, "commit", lambda _: server.app.state.works.known.forget())
    async with running(server.app):
        yield server
        for client in server.clients:
            await client.aclose()


@dataclass
class Postbox:
    """The mails that left the server."""

    server: Server
    mailer: MemoryMailer

    async def read(self) -> list[Message]:
        """Wait until nothing is on its way, and give the mails that came since the last time."""
        await self.server.app.state.aside.settled()
        async with asyncio.timeout(10):
            while await self._has_waiting():  # noqa: ASYNC110  (the job sends by itself, and says nothing)
                await asyncio.sleep(0.005)
        read, self.mailer.sent = self.mailer.sent, []
        return read

    async def token(self) -> str:
        """Take the token out of the only mail: the one line that is a token and nothing else."""
        (mail,) = await self.read()
        (token,) = re.findall(r"^[\w-]{40,}$", mail.text, re.MULTILINE)
        return str(token)

    async def _has_waiting(self) -> bool:
        async with self.server.app.state.works.open(write=False) as work:
            return bool(work.session.scalar(select(func.count()).select_from(QueuedMail)))


@pytest.fixture
def postbox(server: Server, mailer: MemoryMailer | None) -> Postbox:
    """The mails that left the server."""
    assert mailer is not None
    return Postbox(server, mailer)


@pytest.fixture
def anonymous(server: Server) -> httpx.AsyncClient:
    """A client without token."""
    return server.client()


@pytest.fixture
def as_user(server: Server, engine: Engine) -> Callable[[str], httpx.AsyncClient]:
    """Give a client that is logged in as the user of this name."""

    def log_in(username: str) -> httpx.AsyncClient:
        with Session(engine) as session:
            key = session.scalars(select(User.id).where(User.username == username)).one()
        return server.client(server.token("user", key))

    return log_in


@pytest.fixture
def as_node(server: Server) -> Callable[[Node], httpx.AsyncClient]:
    """Give a client that is logged in as this node."""
    return lambda node: server.client(server.token("node", node.id))


@pytest.fixture
def statements(server: Server) -> Callable[[], AbstractContextManager[list[str]]]:
    """Collect the SQL that the server sends to its database meanwhile: `with statements() as sent`."""

    @contextmanager
    def collect() -> Iterator[list[str]]:
        sent: list[str] = []

        def note(_: Any, __: Any, statement: str, *___: Any) -> None:
            # Those who deliver events and mails look into their tables whenever they like.
            if "outbox_event" not in statement and "queued_mail" not in statement and not statement.startswith("BEGIN"):
                sent.append(statement)

        event.listen(server.app.state.engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(server.app.state.engine, "before_cursor_execute", note)

    return collect
