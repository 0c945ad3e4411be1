"""A server behind nginx, set up word for word as docs/how-to/run-a-server.md tells."""

import asyncio
import base64
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import socketio

from hanse_core.protocol import NAMESPACE
from hanse_sandbox.network import Server
from nginx import Nginx, nginx

pytestmark = [pytest.mark.needs("nginx"), pytest.mark.timeout(120)]

PAGE = Path(__file__).parents[2] / "docs/how-to/run-a-server.md"
CONNECTIONS = 8
VALUE = base64.b64encode(b"x" * (75 << 20)).decode()
HOME, CAFE, ATTACKER = "127.0.0.2", "127.0.0.3", "127.0.0.4"
PASSWORD = "Correct-horse-1"


@pytest.fixture(scope="module")
def server(module_folder: Path) -> Iterator[Server]:
    page = PAGE.read_text()
    (proxies,) = re.findall(r"with `trusted_proxies: \[(.*?)\]`", page)
    server = Server(module_folder, trusted_proxies=[proxies], password_policy={"max_failed_attempts": 3})
    try:
        server.start()
        yield server
    finally:
        server.process.stop()


@pytest.fixture(scope="module")
def proxy(server: Server) -> Iterator[Nginx]:
    (site,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    replaced = {
        "listen 443": "listen 127.0.0.1:{port}",
        "/etc/ssl/hanse.pem": "{certificate}",
        "/etc/ssl/hanse.key": "{key}",
        "127.0.0.1:5000": f"127.0.0.1:{server.port}",
        "limit_conn hanse 300": f"limit_conn hanse {CONNECTIONS}",
    }
    with nginx(site, replaced) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def trusting(proxy: Nginx) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(proxy.authority))


@pytest.fixture
def calling(proxy: Nginx, trusting: ssl.SSLContext) -> Iterator[Callable[..., httpx.Client]]:
    """Give a client at an address of this machine."""
    with ExitStack() as clients:

        def call(address: str = "127.0.0.1", **headers: str) -> httpx.Client:
            transport = httpx.HTTPTransport(verify=trusting, local_address=address)
            options: dict[str, Any] = {"transport": transport, "headers": headers, "timeout": 60}
            return clients.enter_context(httpx.Client(base_url=f"{proxy.url}/api", **options))

        yield call


@pytest.fixture
def root(server: Server, calling: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of the administrator, who logs in through the proxy."""
    client = calling()
    answer = client.post("/token/user", json={"username": "root", "password": server.root_password})
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return client


@pytest.fixture
def collaboration(root: httpx.Client) -> dict[str, int]:
    """A collaboration of the administrator's own organization, which has a node; gives their ids."""
    (user,) = root.get("/user", params={"username": "root"}).json()["data"]
    place = user["organization"]["id"]
    body = {"name": f"main {time.monotonic_ns()}", "organization_ids": [place], "encrypted": 0}
    collaboration = root.post("/collaboration", json=body).json()["id"]
    made = root.post("/node", json={"collaboration_id": collaboration, "organization_id": place})
    assert made.status_code == 201, made.text
    return {"id": collaboration, "organization": place}


@pytest.fixture
def log_in(root: httpx.Client, collaboration: dict[str, int], calling: Callable[..., httpx.Client]) -> Any:
    """Try to log in as a new user, from an address that may say that it is another."""
    username = f"anna{time.monotonic_ns()}"
    body = {
        "username": username,
        "password": PASSWORD,
        "email": f"{username}@example.org",
        "firstname": "Anna",
        "lastname": "Berg",
        "organization_id": collaboration["organization"],
        "roles": [],
        "rules": [],
    }
    assert root.post("/user", json=body).status_code == 201

    def do(address: str, password: str = PASSWORD, **headers: str) -> int:
        client = calling(address, **headers)
        return client.post("/token/user", json={"username": username, "password": password}).status_code

    return do


def test_a_body_of_100_MB_arrives_as_it_was_sent_and_nothing_of_it_lies_on_the_disk_of_the_proxy(
    root: httpx.Client, collaboration: dict[str, int], proxy: Nginx
) -> None:
    keys = f'"image": "i", "collaboration_id": {collaboration["id"]}'
    body = f'{{{keys}, "organizations": [{{"id": {collaboration["organization"]}, "input": "{VALUE}"}}]}}'
    answer = root.post("/task", content=body.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    (run,) = root.get("/run", params={"task_id": answer.json()["id"]}).json()["data"]
    assert f'"{VALUE}"'.encode() in root.get(f"/run/{run['id']}").content
    assert "buffered to a temporary file" not in (proxy.folder / "error.log").read_text()


def test_a_body_that_is_too_large_is_refused_in_the_words_of_the_server(root: httpx.Client) -> None:
    answer = root.post("/organization", content=b" " * (20 << 20), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert "bytes" in answer.json()["msg"]


@pytest.fixture
async def sockets(trusting: ssl.SSLContext) -> AsyncIterator[socketio.AsyncClient]:
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting))
    client = socketio.AsyncClient(http_session=session, reconnection=False)
    yield client
    await client.disconnect()
    await session.close()


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]], ids=str)
async def test_live_events_pass(
    root: httpx.Client,
    collaboration: dict[str, int],
    proxy: Nginx,
    sockets: socketio.AsyncClient,
    transports: list[str],
) -> None:
    headers = {"Authorization": root.headers["Authorization"]}
    told: asyncio.Queue[Any] = asyncio.Queue()
    sockets.on("message", told.put, namespace=NAMESPACE)
    await sockets.connect(proxy.url, headers=headers, namespaces=[NAMESPACE], transports=transports)
    assert sockets.transport() == transports[0]
    assert await told.get()


def test_wrong_passwords_lock_out_the_address_that_sent_them_and_no_other(log_in: Any) -> None:
    for _ in range(3):
        assert log_in(ATTACKER, "wrong") == 401
    assert log_in(ATTACKER) == 401
    assert log_in(CAFE) == 200


def test_who_says_to_be_somebody_else_is_locked_out_all_the_same(log_in: Any) -> None:
    for number in range(3):
        assert log_in(ATTACKER, "wrong", **{"X-Forwarded-For": f"192.0.2.{number}"}) == 401
    for headers in ({}, {"X-Forwarded-For": "192.0.2.77"}, {"X-Forwarded-For": f"{HOME}, 127.0.0.1"}):
        assert log_in(ATTACKER, **headers) == 401


def test_who_says_to_be_somebody_else_locks_nobody_out(log_in: Any) -> None:
    for _ in range(3):
        assert log_in(ATTACKER, "wrong", **{"X-Forwarded-For": HOME}) == 401
    for headers in ({}, {"X-Forwarded-For": HOME}):
        assert log_in(HOME, **headers) == 200


def test_one_address_holds_so_many_connections_and_leaves_room_for_others(
    proxy: Nginx, trusting: ssl.SSLContext, calling: Callable[..., httpx.Client]
) -> None:
    with ExitStack() as held:
        for _ in range(CONNECTIONS):
            plain = socket.create_connection(("127.0.0.1", proxy.port), source_address=(ATTACKER, 0))
            one = held.enter_context(trusting.wrap_socket(plain, server_hostname="127.0.0.1"))
            one.sendall(b"POST /api/token/user HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n{")
        until = time.monotonic() + 30
        while (status := calling(ATTACKER).get("/version").status_code) == 200:
            assert time.monotonic() < until
        assert status == 429
        assert calling(HOME).get("/version").status_code == 200


def test_browsers_are_told_to_speak_TLS_only(calling: Callable[..., httpx.Client]) -> None:
    answer = calling().get("/version")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
