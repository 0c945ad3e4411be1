"""From a real v4 server to ours and back: nobody notices but the operator."""

import base64
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pyotp
import pytest
from sqlalchemy import Connection, inspect, select

from hanse_core.command import main
from hanse_server.transfer import v4
from hanse_web.db import make_engine

pytestmark = [pytest.mark.needs("uv", "python3.10"), pytest.mark.timeout(300)]

SCRIPT = Path(__file__).parent / "scripts" / "moved_client.py"
PASSWORD = "Old-password-1"
IMAGE = "registry.example/algo:1"
KEY = base64.b64encode(b"-----BEGIN PUBLIC KEY-----\nold\n-----END PUBLIC KEY-----\n").decode()
RESULT = base64.b64encode(b'{"mean": 61.5}').decode()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Past:
    """What the v4 server was filled with."""

    folder: Path
    server: Any
    rest: Callable[[str], Any]
    address: Callable[[str], str]
    ids: dict[str, int] = field(default_factory=dict)
    api_keys: dict[str, str] = field(default_factory=dict)
    otp: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    last_step: int = 0

    def code(self, username: str) -> str:
        """Give a code of the user's authenticator that our server has not seen: it takes none twice."""
        self.last_step = max(int(time.time()) // 30, self.last_step + 1)
        return pyotp.TOTP(self.otp[username]).at(self.last_step * 30)


def fill(past: Past) -> None:
    """Found a federation at the stock server through its API, and let it work."""
    root = past.rest(past.server.url)
    past.otp["root"] = root.log_in("root", "root") or ""
    ids = past.ids
    for name in ("alpha", "beta"):
        made = root("POST", "/organization", name=name, country="NL", public_key=KEY if name == "alpha" else "")
        ids[name] = made["id"]
    places = [ids["alpha"], ids["beta"]]
    ids["main"] = root("POST", "/collaboration", name="main", organization_ids=places, encrypted=0)["id"]
    ids["secure"] = root("POST", "/collaboration", name="secure", organization_ids=places, encrypted=1)["id"]
    ids["study"] = root("POST", "/study", name="pair", collaboration_id=ids["main"], organization_ids=places)["id"]
    researcher = next(role["id"] for role in root("GET", "/role", per_page=50)["data"] if role["name"] == "Researcher")
    rules = [rule["id"] for rule in root("GET", "/rule", no_pagination=1)["data"]]
    ids["curator"] = root(
        "POST", "/role", name="Curator", description="of alpha", organization_id=ids["alpha"], rules=rules[:3]
    )["id"]
    for name, place, roles in (("alice", "alpha", [researcher, ids["curator"]]), ("bob", "beta", [researcher])):
        made = root(
            "POST", "/user", username=name, password=PASSWORD, firstname=name, lastname="", roles=roles,
            rules=rules[4:6], email=f"{name}@example.org", organization_id=ids[place],
        )  # fmt: skip
        ids[name] = made["id"]
    for name in ("alpha", "beta"):
        made = root("POST", "/node", name=f"{name} node", collaboration_id=ids["main"], organization_id=ids[name])
        ids[f"{name} node"], past.api_keys[name] = made["id"], made["api_key"]
    work(past)


def work(past: Past) -> None:
    """Have a task with a subtask, one run of which is done, and one task whose child becomes an orphan."""
    ids = past.ids
    alice = past.rest(past.server.url)
    past.otp["alice"] = alice.log_in("alice", PASSWORD) or ""
    past.tokens = dict(alice.tokens)
    text = base64.b64encode(json.dumps({"method": "central"}).encode()).decode()
    organizations = [{"id": ids["alpha"], "input": text}, {"id": ids["beta"], "input": text}]
    databases = [{"label": "default", "query": "SELECT 1"}]
    node = past.rest(past.server.url)
    node.log_in_node(past.api_keys["alpha"])
    for name in ("task", "forgotten"):
        ids[name] = alice(
            "POST", "/task", name=name, image=IMAGE, study_id=ids["study"], collaboration_id=ids["main"],
            organizations=organizations, databases=databases,
        )["id"]  # fmt: skip
        container = past.rest(past.server.url)
        token = node("POST", "/token/container", task_id=ids[name], image=IMAGE)["container_token"]
        container.use(token)
        ids[f"{name} child"] = container(
            "POST", "/task", name="child", image=IMAGE, collaboration_id=ids["main"],
            organizations=organizations[:1], databases=[{"label": "default"}],
        )["id"]  # fmt: skip
    runs = node("GET", "/run", task_id=ids["task"], organization_id=ids["alpha"])["data"]
    ids["run"] = runs[0]["id"]
    node(
        "PATCH", f"/run/{ids['run']}", status="completed", result=RESULT, log="all is well",
        started_at="2026-01-02T03:04:05.000006", finished_at="2026-01-02T03:05:06.000007",
    )  # fmt: skip
    alice("DELETE", f"/task/{ids['forgotten']}")
    other = past.rest(past.server.url)
    other.log_in_node(past.api_keys["beta"])
    past.tokens["container"] = other("POST", "/token/container", task_id=ids["task"], image=IMAGE)["container_token"]


@contextmanager
def connected(address: str) -> Iterator[Connection]:
    engine = make_engine(address)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="module")
def folder(database_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files of both servers are."""
    return tmp_path_factory.mktemp(database_kind)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.needs("postgres"))])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which database both servers use."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def addresses(request: pytest.FixtureRequest, database_kind: str, folder: Path) -> Callable[[str], str]:
    """Give the address of a database by its name; on PostgreSQL it is made at once."""
    if database_kind == "sqlite":
        return lambda name: f"sqlite:///{folder}/{name}.sqlite"
    server = request.getfixturevalue("postgres")
    made: set[str] = set()

    def create(name: str) -> str:
        if name not in made:
            made.add(name)
            with psycopg.connect(server + "postgres", autocommit=True) as maintenance:
                maintenance.execute(f"CREATE DATABASE moving_{name}")  # type: ignore[call-overload]
        return f"{server}moving_{name}"

    return create


@pytest.fixture(scope="module")
def past(
    stock_server: Callable[..., Any],
    rest: Callable[[str], Any],
    addresses: Callable[[str], str],
    folder: Path,
) -> Past:
    """A v4 server that was filled and stopped."""
    uri = addresses("old")
    smtp = {"server": "mail.example.org", "port": 587, "username": "a@example.org", "password": "mail-secret"}
    server = stock_server(folder / "stock", uri, free_port(), two_factor_auth=True, smtp=smtp)
    past = Past(folder, server, rest, addresses)
    try:
        server.start()
        fill(past)
    finally:
        server.stop()
    return past


@pytest.fixture(scope="module")
def moved(past: Past) -> Path:
    """Configuration of our server, after both imports."""
    config = past.folder / "hanse.yaml"
    configuration = ["server", "import", str(past.server.config), "--output", str(config)]
    assert main([*configuration, "--database", past.address("ours")]) == 0
    assert main(["server", "import", past.server.uri, "--config", str(config)]) == 0
    return config


@contextmanager
def ours(past: Past, config: Path) -> Iterator[str]:
    """Run our server."""
    command = ["server", "start", "--config", str(config), "--port", "0"]
    with running(command, past.folder) as url:
        yield url


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[str]:
    import re
    import signal
    import sys

    code = "import sys; from hanse_core.command import main; sys.exit(main())"
    process = subprocess.Popen([sys.executable, "-c", code, *command], cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"url=(\S+)", line):
                yield found[1]
                break
        else:
            raise AssertionError("our server did not start")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def test_the_tables_that_an_export_makes_are_those_that_the_stock_server_makes(past: Past, moved: Path) -> None:
    assert main(["server", "export", "--v4", past.address("described"), "--config", str(moved)]) == 0
    assert described(past.address("described")) == described(past.server.uri)


def described(address: str) -> dict[str, dict[str, str]]:
    with connected(address) as connection:
        found = inspect(connection)
        return {
            table: {column["name"]: str(column["type"]) for column in found.get_columns(table)}
            for table in found.get_table_names()
        }


def test_everybody_goes_on_at_our_server(past: Past, moved: Path) -> None:
    ids = past.ids
    with ours(past, moved) as url:
        alice = past.rest(url)
        alice.log_in("alice", PASSWORD, code=past.code("alice"))
        run = alice("GET", f"/run/{ids['run']}")
        assert (run["status"], run["log"], run["finished_at"]) == (
            "completed",
            "all is well",
            "2026-01-02T03:05:06.000007",
        )
        assert alice("GET", f"/result/{ids['run']}")["result"] == RESULT
        task = alice("GET", f"/task/{ids['task']}")
        assert [one["label"] for one in task["databases"]] == ["default"]
        assert task["init_user"]["id"] == ids["alice"]
        child = alice("GET", f"/task/{ids['task child']}")
        assert (child["parent"]["id"], child["job_id"]) == (ids["task"], task["job_id"])
        assert alice("GET", f"/organization/{ids['alpha']}")["public_key"] == KEY
        roles = {role["name"]: role["id"] for role in alice("GET", "/role", user_id=ids["alice"])["data"]}
        assert roles["Curator"] == ids["curator"]
        node = past.rest(url)
        node.log_in_node(past.api_keys["beta"])
        waiting = node("GET", "/run", state="open", node_id=ids["beta node"])["data"]
        assert ids["task"] in {run["task"]["id"] for run in waiting}
        assert past.rest(url).use(past.tokens["container"])("GET", f"/task/{ids['task']}")["name"] == "task"
        # Nothing tells whether such a token was given to somebody who had shown a second factor, as is required here.
        with pytest.raises(AssertionError, match=r"401 .*a second factor is required by now"):
            past.rest(url).use(past.tokens["access_token"])("GET", f"/task/{ids['task']}")
        with pytest.raises(AssertionError, match=r"401 .*a second factor is required by now"):
            past.rest(url).use(past.tokens["refresh_token"])("POST", "/token/refresh")


def test_the_stock_client_notices_nothing(past: Past, moved: Path, stock_client: Path) -> None:
    with ours(past, moved) as url:
        command = [stock_client, SCRIPT, url, "alice", PASSWORD, past.code("alice"), str(past.ids["task"])]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    results = json.loads(ran.stdout.splitlines()[-1])
    assert sorted(results, key=str) == [None, {"mean": 61.5}]


def test_and_back_at_the_stock_server_with_what_happened_meanwhile(
    past: Past, moved: Path, stock_server: Callable[..., Any]
) -> None:
    ids = past.ids
    with ours(past, moved) as url:
        bob = past.rest(url)
        bob.log_in("bob", PASSWORD)
        text = base64.b64encode(b"{}").decode()
        made = bob(
            "POST", "/task", name="made here", image=IMAGE, collaboration_id=ids["main"],
            organizations=[{"id": ids["beta"], "input": text}],
        )  # fmt: skip
        assert made["id"] > ids["task child"]
    back = past.address("back")
    assert main(["server", "export", "--v4", back, "--config", str(moved)]) == 0
    server = stock_server(past.folder / "back", back, free_port())
    try:
        server.start()
        alice = past.rest(server.url)
        alice.log_in("alice", PASSWORD)
        assert alice("GET", f"/result/{ids['run']}")["result"] == RESULT
        assert alice("GET", f"/task/{made['id']}")["name"] == "made here"
        assert alice("GET", f"/organization/{ids['alpha']}")["public_key"] == KEY
        node = past.rest(server.url)
        node.log_in_node(past.api_keys["alpha"])
        again = alice(
            "POST", "/task", name="after", image=IMAGE, collaboration_id=ids["main"],
            organizations=[{"id": ids["alpha"], "input": text}], databases=[],
        )  # fmt: skip
        assert again["id"] > made["id"]
    finally:
        server.stop()
    with connected(back) as database:
        named = select(v4.user.c.otp_secret).where(v4.user.c.username == "alice")
        assert database.execute(named).scalar_one() == past.otp["alice"]
