"""A database for each test, with what every server has or without anything.

Every test that uses one runs on each kind; HANSE_TEST_DATABASES=sqlite leaves the other out.
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from hanse_server.main import prepare
from hanse_server.settings import Settings
from hanse_web.db import make_engine

ROOT_PASSWORD = "Root-password-1"
SECRET = "a secret for tests only, of more than thirty-two bytes"
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
def sqlite_path(tmp_path: Path) -> Path:
    """Where `sqlite_engine` has its database."""
    return tmp_path / "server.sqlite"


@pytest.fixture
def sqlite_engine(sqlite_path: Path) -> Iterator[Engine]:
    """An SQLite database without any table, opened as the server does."""
    engine = make_engine(f"sqlite:///{sqlite_path}")
    yield engine
    engine.dispose()
