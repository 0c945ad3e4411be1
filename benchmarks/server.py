"""The server against the stock server, in the same run, on the same machine, with the same data.

The load comes from `wrk`, which needs little of the two cores that all of them share. Runs of ours and of the peer
alternate, so that what else the machine does meets both; medians count.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from benchmarks.figures import Figure
from benchmarks.peers import PASSWORD, ROOT, Filled, Running, fill, folders, ours, postgres, stock
from hanse_server.accounts.models import User
from hanse_server.collaborations.models import Collaboration
from hanse_server.tasks.models import Job, Run, Task
from hanse_web.db import make_engine

CONNECTIONS = (1, 16, 64)
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = 2
PATIENCE = 8
"""Seconds of a run of the peer over many connections: it needs several for the first answers."""
FASTER = 15
"""How many times the peer's requests per second are asked for."""
MANY = 100_000
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the load generator saw."""

    per_second: float
    p50: float
    p99: float
    failures: int


@dataclass(frozen=True, slots=True)
class Ask:
    """One request that is measured."""

    name: str
    path: Callable[[Filled], str]
    is_creation: bool = False


ASKS = (
    Ask("GET organization", lambda filled: "/organization"),
    Ask("GET organization/<id>", lambda filled: f"/organization/{filled.organization}"),
    Ask("GET task, ten of 100", lambda filled: "/task?per_page=10"),
    Ask("GET task/<id>", lambda filled: f"/task/{filled.task}"),
    Ask("POST task, three organizations", lambda filled: "/task", is_creation=True),
)


def server() -> list[Figure]:
    """Requests per second and response times, ours and the peer's, on SQLite and PostgreSQL; memory; log-ins."""
    if shutil.which("wrk") is None:
        raise SystemExit("the load generator is missing: apt-get install wrk")
    figures: list[Figure] = []
    with folders() as folder:
        for kind in os.environ.get("BENCH_DATABASES", "sqlite postgresql").split():
            with _both(folder / kind, kind) as (mine, peer):
                figures += _compare(kind, mine, peer, folder)
        return figures


@contextmanager
def _both(folder: Path, kind: str) -> Iterator[tuple[Running, Running]]:
    with ExitStack() as stack:
        for name in ("ours", "stock"):
            (folder / name).mkdir(parents=True)
        if kind == "sqlite":
            uris = f"sqlite:///{folder}/ours/db.sqlite", f"sqlite:///{folder}/stock/db.sqlite"
        else:
            address = stack.enter_context(postgres(folder, "ours", "stock"))
            uris = f"postgresql+psycopg://{address}ours", f"postgresql://{address}stock"
        mine = stack.enter_context(ours(folder / "ours", uris[0]))
        yield mine, stack.enter_context(stock(folder / "stock", uris[1]))


def _compare(kind: str, mine: Running, peer: Running, folder: Path) -> list[Figure]:
    figures = [Figure(f"{kind}: idle server, resident memory", "MB", [_megabytes(mine.pid)], asked=120)]
    filled = fill(mine, ROOT), fill(peer, "root")
    for ask in ASKS:
        for connections in CONNECTIONS:
            own, others = [], []
            for _ in range(ROUNDS):
                own.append(_ask(mine, filled[0], ask, connections, folder))
                others.append(
                    _ask(peer, filled[1], ask, connections, folder, PATIENCE if connections > 16 else SECONDS)
                )
            _note(f"{kind}: {ask.name}, {connections} connections", own, others)
            figures += _figures(f"{kind}: {ask.name}, {connections} connections", ask, connections, own, others)
    figures += _log_ins(kind, mine, filled[0], folder)
    figures += _many(kind, mine, filled[0], folder)
    return figures


def _figures(name: str, ask: Ask, connections: int, own: list[Load], others: list[Load]) -> list[Figure]:
    if any(load.failures for load in own):
        raise SystemExit(f"{name}: answers that are no success")
    peer = statistics.median(1000 / load.per_second for load in others)
    times = [1000 / load.per_second for load in own]
    figures = [Figure(f"{name}: time per request", "ms", times, asked=round(peer / FASTER, 3), yardstick=peer)]
    if connections == max(CONNECTIONS):
        slowest = statistics.median(load.p99 for load in others)
        asked = 400 if ask.is_creation else 150
        figures.append(Figure(f"{name}: p99", "ms", [load.p99 for load in own], asked=asked, yardstick=slowest))
    return figures


def _note(name: str, own: list[Load], others: list[Load]) -> None:
    """Say what was measured at once: a whole run takes minutes."""
    mine, peer = (statistics.median(load.per_second for load in loads) for loads in (own, others))
    print(f"  {name}: {mine:.0f}/s, peer {peer:.0f}/s, x {mine / peer:.1f}", file=sys.stderr, flush=True)


def _ask(server: Running, filled: Filled, ask: Ask, connections: int, folder: Path, seconds: int = SECONDS) -> Load:
    body = filled.body if ask.is_creation else None
    url = server.url + ask.path(filled)
    return load(url, connections, folder, token=filled.token, body=body, seconds=seconds)


def load(
    url: str, connections: int, folder: Path, *, token: str | None = None, body: object = None, seconds: int = SECONDS
) -> Load:
    """Send requests as fast as they are answered, over so many connections."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency"]
    if token is not None:
        command += ["-H", f"Authorization: Bearer {token}"]
    if body is not None:
        script = folder / f"post-{connections}.lua"
        text = json.dumps(body).replace("\\", "\\\\").replace("'", "\\'")
        head = 'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
        script.write_text(f"{head}wrk.body = '{text}'\n")
        command += ["-s", str(script)]
    told = subprocess.run([*command, url], check=True, capture_output=True, text=True, timeout=60 + seconds).stdout
    failures = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    per_second = float(_found(r"Requests/sec:\s+([\d.]+)", told)[0])
    p50, p99 = (_milliseconds(told, percent) for percent in (50, 99))
    return Load(max(per_second, 1 / (60 + seconds)), p50, p99, int(failures[1]) if failures else 0)


def _found(pattern: str, text: str) -> tuple[str, ...]:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"wrk says something else than expected: {text}")
    return found.groups()


def _milliseconds(text: str, percent: int) -> float:
    number, unit = _found(rf"\n\s+{percent}%\s+([\d.]+)(us|ms|s|m)\s", text)
    return float(number) * _UNITS[unit]


def _log_ins(kind: str, mine: Running, filled: Filled, folder: Path) -> list[Figure]:
    """Response times of others alone, and while people log in as fast as they can over eight connections."""
    url = f"{mine.url}/organization/{filled.organization}"
    alone, meanwhile = [], []
    for _ in range(ROUNDS):
        alone.append(load(url, 4, folder, token=filled.token).p99)
        body = {"username": "alice", "password": PASSWORD}
        script = folder / "log-in.json"
        script.write_text(json.dumps(body))
        with _logging_in(mine, folder, body):
            time.sleep(0.5)
            meanwhile.append(load(url, 4, folder, token=filled.token).p99)
    limit = round(1.5 * statistics.median(alone), 2)
    name = f"{kind}: GET organization/<id> while eight log in without end: p99"
    return [Figure(name, "ms", meanwhile, asked=limit, yardstick=statistics.median(alone))]


@contextmanager
def _logging_in(mine: Running, folder: Path, body: object) -> Iterator[None]:
    script = folder / "log-in.lua"
    head = 'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
    script.write_text(f"{head}wrk.body = '{json.dumps(body)}'\n")
    command = ["wrk", "-t1", "-c8", "-d60s", "--timeout", "30s", "-s", str(script), f"{mine.url}/token/user"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait(10)


PAGES = {
    "first page": "/task?per_page=10",
    "page 5,000": "/task?per_page=10&page=5000",
    "last page": f"/task?per_page=10&page={MANY // 10}",
    "by name": "/task?per_page=10&name=%25number+777%25",
    "by status": "/task?per_page=10&status=completed",
    "of a user": "/task?per_page=10&is_user_created=1",
}


def _many(kind: str, mine: Running, filled: Filled, folder: Path) -> list[Figure]:
    """Pages of a list of 100,000 tasks."""
    first = f"{mine.url}/task?per_page=10"
    few = [1000 / load(first, 1, folder, token=filled.token).per_second for _ in range(ROUNDS)]
    _add_tasks(mine.uri, MANY)
    figures = []
    for name, path in PAGES.items():
        with httpx.Client(headers={"Authorization": f"Bearer {filled.token}"}, timeout=60) as client:
            client.get(mine.url + path).raise_for_status()
        times = [1000 / load(mine.url + path, 1, folder, token=filled.token).per_second for _ in range(ROUNDS)]
        asked = round(1.2 * statistics.median(few), 2) if name == "first page" else 20
        yardstick = statistics.median(few)
        figures.append(Figure(f"{kind}: {MANY:,} tasks, {name}", "ms", times, asked=asked, yardstick=yardstick))
    return figures


def _add_tasks(uri: str, number: int) -> None:
    """Store so many finished tasks of three runs each, past the server."""
    engine = make_engine(uri)
    now = datetime.now(UTC)
    with Session(engine) as session, session.begin():
        alice = session.scalars(select(User).where(User.username == "alice")).one()
        circle = session.scalars(select(Collaboration)).one()
        places = [place.id for place in circle.organizations[:3]]
        job = Job()
        session.add(job)
        session.flush()
        start = (session.scalar(select(func.max(Task.id))) or 0) + 1
        task = {"image": "registry.example/mean:1", "job_id": job.id, "collaboration_id": circle.id}
        task |= {"init_org_id": alice.organization_id, "init_user_id": alice.id, "created_at": now}
        run = {"status": "completed", "assigned_at": now, "started_at": now, "finished_at": now}
        for first in range(start, start + number, 5000):
            ids = range(first, min(first + 5000, start + number))
            names = [{**task, "id": key, "name": f"task number {key}", "description": "a question"} for key in ids]
            session.execute(insert(Task), names)
            session.execute(
                insert(Run), [{**run, "task_id": key, "organization_id": place} for key in ids for place in places]
            )
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # As its own housekeeping would within a minute; the ids given out by hand are skipped, too.
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.exec_driver_sql("SELECT setval('task_id_seq', (SELECT max(id) FROM task))")
    engine.dispose()


def _megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
