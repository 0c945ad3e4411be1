"""The server in this process, on a database of its own, and short ways to fill it.

Every test that uses a database runs on each of them; HANSE_TEST_DATABASES=sqlite leaves the other out.
"""

import asyncio
import itertools
import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from hanse_core.permissions import RULE_IDS, Operation, Resource, Scope
from hanse_core.permissions import Rule as CoreRule
from hanse_server.accounts.models import Organization, Role, Rule, User
from hanse_server.accounts.passwords import Passwords
from hanse_server.collaborations.models import Collaboration, Node, Study
from hanse_server.main import create_app, prepare
from hanse_server.settings import Settings
from hanse_web.clock import FixedClock
from hanse_web.db import IMMEDIATE, make_engine
from hanse_web.mail import MemoryMailer, Message
from hanse_web.mail_queue import QueuedMail
from hanse_web.outbound import Outbound
from hanse_web.outbox import MemoryBus

PASSWORD = "Correct-horse-1"
ROOT_PASSWORD = "Root-password-1"
SECRET = "a secret for tests only, of more than thirty-two bytes"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RECORDINGS = Path(__file__).parent / "recordings"


# Without being told so, structlog draws tracebacks with all local variables, which takes seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of `PASSWORD`, computed once and cheaply; users made by the factory have it."""
    return Passwords(1, memory=64, passes=1).hash_now(PASSWORD)


DATABASES = {
    "sqlite": pytest.param("sqlite"),
    "postgres": pytest.param("postgres", marks=pytest.mark.needs("postgres")),
}
CHOSEN = os.environ.get("HANSE_TEST_DATABASES", ",".join(DATABASES)).split(",")
TEMPLATE = "prepared"


@pytest.fixture(params=[DATABASES[name] for name in CHOSEN])
def database(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on."""
    name: str = request.param
    return name


class Cluster:
    """Makes databases in the PostgreSQL server of this test run."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._numbers = itertools.count()
        self._maintenance = psycopg.connect(address + "postgres", autocommit=True)

    def create(self, name: str | None = None, template: str = "template1") -> str:
        """Give the address of a new database that is a copy of another one."""
        name = name or f"t{next(self._numbers)}"
        copied = " STRATEGY FILE_COPY" if self._maintenance.info.server_version >= 150000 else ""
        self._maintenance.execute(f"CREATE DATABASE {name} TEMPLATE {template}{copied}")  # type: ignore[call-overload]
        return self._address + name

    def drop(self, address: str) -> None:
        """Remove a database, also when somebody is still connected."""
        self._maintenance.execute(f"DROP DATABASE {address.rpartition('/')[2]} WITH (FORCE)")  # type: ignore[call-overload]

    def close(self) -> None:
        self._maintenance.close()


@pytest.fixture(scope="session")
def cluster(postgres: str) -> Iterator[Cluster]:
    """The PostgreSQL server of this test run."""
    cluster = Cluster(postgres)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with what every server has; copied for each test."""
    path = tmp_path_factory.mktemp("template") / "server.sqlite"
    prepare(Settings(uri=f"sqlite:///{path}", jwt_secret_key=SECRET, root_password=ROOT_PASSWORD))
    return path


@pytest.fixture(scope="session")
def prepared_template(cluster: Cluster) -> str:
    """A PostgreSQL database with what every server has; the template of each test's."""
    prepare(Settings(uri=cluster.create(TEMPLATE), jwt_secret_key=SECRET, root_password=ROOT_PASSWORD))
    return TEMPLATE


MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""Bytes of memory below which files are put on the disk: tests of large values need some room."""


@pytest.fixture
def database_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a database and large values beside it: in memory where there is room, as each commit is synced."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="h", dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture
def uri(database: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a database with what every server has, for this test alone."""
    if database == "sqlite":
        path = request.getfixturevalue("database_folder") / "server.sqlite"
        shutil.copy(request.getfixturevalue("prepared_file"), path)
        yield f"sqlite:///{path}"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    address = cluster.create(template=request.getfixturevalue("prepared_template"))
    yield address
    cluster.drop(address)


@pytest.fixture
def empty_uri(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a database without any table, for this test alone."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.sqlite"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    address = cluster.create()
    yield address
    cluster.drop(address)


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


@dataclass
class Factory:
    """Writes rows straight into the database; what it gives back is detached but fully loaded."""

    engine: Engine
    password_hash: str

    def add(self, row: Any) -> Any:
        """Store any row."""
        # At once with the write lock: reading first and writing then fails when the server writes in between.
        writer = self.engine.execution_options(**{IMMEDIATE: True})
        with Session(writer, expire_on_commit=False) as session, session.begin():
            row = session.merge(row)
            session.flush()
            session.refresh(row)
        return row

    def organization(self, name: str, **fields: Any) -> Organization:
        row: Organization = self.add(Organization(name=name, **fields))
        return row

    def collaboration(self, name: str, organizations: Sequence[Organization], encrypted: bool = False) -> Collaboration:
        row: Collaboration = self.add(Collaboration(name=name, encrypted=encrypted, organizations=list(organizations)))
        return row

    def study(self, name: str, collaboration: Collaboration, organizations: Sequence[Organization]) -> Study:
        row: Study = self.add(Study(name=name, collaboration_id=collaboration.id, organizations=list(organizations)))
        return row

    def node(self, organization: Organization, collaboration: Collaboration | None, **fields: Any) -> Node:
        fields = {"name": f"node-{uuid.uuid4()}", "api_key_hash": str(uuid.uuid4()), **fields}
        collaboration_id = collaboration.id if collaboration else None
        row: Node = self.add(Node(organization_id=organization.id, collaboration_id=collaboration_id, **fields))
        return row

    def role(self, name: str, organization: Organization | None, *rules: tuple[Resource, Operation, Scope]) -> Role:
        organization_id = organization.id if organization else None
        row: Role = self.add(Role(name=name, organization_id=organization_id, rules=self._rules(rules)))
        return row

    def user(
        self,
        username: str,
        organization: Organization,
        *rules: tuple[Resource, Operation, Scope],
        roles: Sequence[str] = (),
        **fields: Any,
    ) -> User:
        """Store a user whose password is `PASSWORD`, with roles by name and rules given directly."""
        with Session(self.engine) as session:
            held = list(session.scalars(select(Role).where(Role.name.in_(roles))))
        assert len(held) == len(roles), f"not every role of {roles} exists"
        row: User = self.add(
            User(
                username=username,
                password=self.password_hash,
                organization_id=organization.id,
                roles=held,
                rules=self._rules(rules),
                **{"email": f"{username}@example.org", **fields},
            )
        )
        return row

    def _rules(self, rules: Sequence[tuple[Resource, Operation, Scope]]) -> list[Rule]:
        ids = [RULE_IDS[CoreRule(resource, scope, operation)] for resource, operation, scope in rules]
        with Session(self.engine) as session:
            return list(session.scalars(select(Rule).where(Rule.id.in_(ids))))


@pytest.fixture
def make(engine: Engine, password_hash: str) -> Factory:
    """Writes organizations, collaborations, users, nodes and so on, with what they need."""
    return Factory(engine, password_hash)


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


@pytest.fixture
def recording() -> Callable[[str], list[dict[str, Any]]]:
    """Load the exchanges of a recording of a stock server, by the beginning of its name: `recording("07")`."""

    def load(beginning: str) -> list[dict[str, Any]]:
        (path,) = RECORDINGS.glob(f"{beginning}-*.json")
        exchanges: list[dict[str, Any]] = json.loads(path.read_text())["exchanges"]
        return exchanges

    return load


@pytest.fixture
def answers_like() -> Callable[..., None]:
    """Compare an answer with a recorded one: status, key sets and types, not values.

    `more` names keys that are ours, beyond the protocol. Where one side has null the type is not compared.
    """

    def compare(answer: httpx.Response, recorded: dict[str, Any], *, more: frozenset[str] = frozenset()) -> None:
        assert answer.status_code == recorded["response"]["status"], answer.text
        for name in ("jwt-token", "total-count", "Link", "access-control-expose-headers"):
            assert (name in answer.headers) == (name in recorded["response"]["headers"]), name
        body = recorded["response"]["body"]
        if isinstance(body, dict | list):
            _compare(answer.json(), body, more | {"code", "two_factor_required"}, "body")

    return compare


def _compare(ours: Any, theirs: Any, more: frozenset[str], where: str) -> None:
    if ours is None or theirs is None:
        return
    assert type(ours) is type(theirs), f"{where}: {ours!r} is not like {theirs!r}"
    if isinstance(ours, dict):
        assert set(ours) - more == set(theirs) - more, where
        for name in set(ours) & set(theirs):
            _compare(ours[name], theirs[name], more, f"{where}.{name}")
    elif isinstance(ours, list) and where.endswith(".methods"):
        assert set(ours) == set(theirs), where
    elif isinstance(ours, list):
        for mine, other in zip(ours, theirs, strict=False):
            _compare(mine, other, more, f"{where}[]")
