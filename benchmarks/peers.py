"""Servers as real processes: ours and the stock v4 server, on SQLite or PostgreSQL, with the same data."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from conftest import _cache, _key, find_postgres, find_python310, find_uv

STOCK = ("vantage6-server==4.15.2", "vantage6-backend-common==4.15.2", "uwsgi", "psycopg2-binary")
SECRET = "a secret of servers that are only measured, of more than 32 bytes"
ROOT = "Root-password-1"
PASSWORD = "Correct-horse-1"
UWSGI = (
    "--gevent 1000 --http-websockets --http-chunked-input --http-keepalive --post-buffering 0 --master --die-on-term "
    "--callable app --disable-logging"
)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    url: str
    pid: int
    uri: str


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def ours(folder: Path, uri: str) -> Iterator[Running]:
    """Run our server."""
    hanse = Path(sys.executable).with_name("hanse")
    environment = {
        **os.environ,
        "HANSE_SERVER_JWT_SECRET_KEY": SECRET,
        "HANSE_SERVER_ROOT_PASSWORD": ROOT,
        "HANSE_SERVER_LOG_LEVEL": "warning",
    }
    port = free_port()
    if not uri.startswith("sqlite"):
        migrate: list[Any] = [hanse, "server", "migrate", "--database", uri]
        subprocess.run(migrate, env=environment, check=True, capture_output=True, timeout=60)
    command = [hanse, "server", "start", "--port", str(port), "--database", uri]
    with _process([str(part) for part in command], folder, environment, port, uri, signal.SIGTERM) as running:
        yield running


@contextmanager
def stock(folder: Path, uri: str) -> Iterator[Running]:
    """Run the stock server as its image does: uwsgi with gevent, one worker."""
    python = _stock_python()
    home, port = python.parent.parent, free_port()
    logging: dict[str, Any] = {"level": "WARNING", "file": "server.log", "use_console": True, "backup_count": 1}
    logging |= {"max_size": 1024, "format": "%(message)s", "datefmt": "%H:%M", "loggers": []}
    values = {"description": "bench", "ip": "127.0.0.1", "port": port, "api_path": "/api", "uri": uri}
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({**values, "allow_drop_all": False, "jwt_secret_key": SECRET, "logging": logging}))
    (wsgi,) = home.glob("lib/python3.*/site-packages/vantage6/server/wsgi.py")
    command = [home / "bin/uwsgi", "--http", f"127.0.0.1:{port}", *UWSGI.split(), "--wsgi-file", wsgi]
    command += ["--virtualenv", home, "--pyargv", config]
    environment = {**os.environ, "HOME": str(folder)}
    with _process([str(part) for part in command], folder, environment, port, uri, signal.SIGINT) as running:
        yield running


def _stock_python() -> Path:
    """Give Python 3.10 with the stock server, the only one that it works on; builds it in the user's cache."""
    uv, python = find_uv(), find_python310()
    if uv is None or python is None:
        raise SystemExit("the peer needs uv and Python 3.10; run through `make bench`, and install python3.10")
    folder = _cache() / _key(os.path.realpath(python), *STOCK)
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([uv, "venv", "--quiet", "--python", python, folder], check=True, timeout=120)
        install: list[Any] = [
            uv,
            "pip",
            "install",
            "--quiet",
            "--compile-bytecode",
            "--python",
            folder / "bin/python",
            *STOCK,
        ]
        subprocess.run(install, check=True, timeout=300)
        (folder / "complete").touch()
    return folder / "bin/python"


@contextmanager
def _process(
    command: list[str], folder: Path, environment: dict[str, str], port: int, uri: str, stop: signal.Signals
) -> Iterator[Running]:
    with (folder / "out.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/api"
    try:
        _await(url, process, folder)
        yield Running(url, process.pid, uri)
    finally:
        process.send_signal(stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _await(url: str, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/version", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
        if process.poll() is not None:
            break
    raise SystemExit(f"a server did not start: {(folder / 'out.log').read_text()[-2000:]}")


@contextmanager
def folders() -> Iterator[Path]:
    """Give a folder that is removed afterwards; short, because PostgreSQL's socket is in it."""
    folder = Path(tempfile.mkdtemp(prefix="h"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres(folder: Path, *databases: str) -> Iterator[str]:
    """Run a PostgreSQL with durable commits; gives the address of a database without its name."""
    binaries = find_postgres()
    if binaries is None:
        raise SystemExit("PostgreSQL is missing: apt-get install postgresql")
    home = folder / "pg"
    home.mkdir()
    user = []
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    run = [*user, "env", "-i", f"PATH={binaries}:/usr/bin:/bin", f"HOME={home}", "LC_ALL=C.UTF-8"]
    initdb = ["initdb", "-D", str(home / "data"), "-U", "hanse", "-A", "trust", "-N", "--no-instructions"]
    subprocess.run([*run, *initdb], cwd=home, check=True, capture_output=True, timeout=60)
    port = free_port()
    options = ["-c", "listen_addresses=127.0.0.1", "-c", f"port={port}", "-c", f"unix_socket_directories={home}"]
    options += ["-c", "shared_buffers=64MB"]
    process = subprocess.Popen(
        [*run, "postgres", "-D", str(home / "data"), *options],
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            ready = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
            if subprocess.run(ready, timeout=10, check=False).returncode == 0:
                break
            time.sleep(0.1)
        for name in databases:
            create = [str(binaries / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "hanse", name]
            subprocess.run(create, check=True, capture_output=True, timeout=30)
        yield f"hanse@127.0.0.1:{port}/"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


@dataclass(frozen=True, slots=True)
class Filled:
    """What a server was filled with, as a researcher of the first organization sees it."""

    token: str
    organization: int
    task: int
    body: dict[str, Any]


def fill(server: Running, root_password: str, tasks: int = 100) -> Filled:
    """Make ten organizations, their collaboration, three nodes, a researcher and some tasks, over the REST API."""
    with httpx.Client(base_url=server.url, timeout=60) as client:

        def post(path: str, **body: Any) -> Any:
            answer = client.post(path, json=body)
            if answer.status_code not in (200, 201):
                raise SystemExit(f"{server.url}{path}: {answer.status_code} {answer.text[:500]}")
            return answer.json()

        def log_in(username: str, password: str) -> str:
            token: str = post("/token/user", username=username, password=password)["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            return token

        log_in("root", root_password)
        address = {"address1": "", "address2": "", "zipcode": "", "country": "", "domain": ""}
        places = [post("/organization", name=f"hospital {number}", **address)["id"] for number in range(9)]
        circle = post("/collaboration", name="lungs", organization_ids=places, encrypted=False)["id"]
        for place in places[:3]:
            post("/node", collaboration_id=circle, organization_id=place)
        roles = client.get("/role", params={"per_page": 100}).json()["data"]
        (role,) = (found["id"] for found in roles if found["name"] == "Researcher")
        names = {"username": "alice", "firstname": "", "lastname": "", "email": "alice@example.org"}
        post("/user", **names, password=PASSWORD, organization_id=places[0], roles=[role])
        token = log_in("alice", PASSWORD)
        inputs = [{"id": place, "input": "e30="} for place in places[:3]]
        body = {"name": "mean", "image": "registry.example/mean:1", "collaboration_id": circle}
        body |= {"organizations": inputs, "description": "", "databases": [{"label": "default"}]}
        made = [post("/task", **body)["id"] for _ in range(tasks)]
        return Filled(token, places[1], made[len(made) // 2], body)
