"""The whole public surface of the unmodified v4 client, against our server with a mail server that is real, too."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import yaml
from anyio.from_thread import start_blocking_portal

from hanse_sandbox.network import Server
from smtp_server import smtp_server

HERE = "127.0.0.1"
SCRIPT = Path(__file__).parent / "scripts" / "stock_surface.py"
SERVE = Path(__file__).parents[2] / "packages/server/tests/hanse_server/stores/stock/serve.py"
NOT_OURS = {"store.set"}
"""Only chooses, in the client, which store its later calls go to."""

pytestmark = [pytest.mark.needs("uv", "python3.10"), pytest.mark.timeout(300)]


class Letterbox:
    """Takes letters by SMTP and puts the plain text of each into a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.received = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        body = message_from_bytes(envelope.content, policy=policy.default).get_body(("plain",))
        self.received += 1
        partial = self._folder / f"{self.received:04d}.part"
        partial.write_text(body.get_content() if body else "")
        partial.rename(partial.with_suffix(".txt"))
        return "250 OK"


@pytest.fixture
def mails(short_folder: Path) -> Iterator[tuple[Path, int]]:
    folder = short_folder / "mails"
    folder.mkdir()
    with start_blocking_portal() as loop, loop.wrap_async_context_manager(smtp_server(Letterbox(folder))) as port:
        yield folder, port


@pytest.fixture
def server(short_folder: Path, mails: tuple[Path, int]) -> Iterator[Server]:
    smtp = {"server": "127.0.0.1", "port": mails[1], "MAIL_USE_TLS": False, "email_from": "hanse@example.org"}
    limits = {"between_user_emails_minutes": 0}
    server = Server(short_folder, smtp=smtp, password_policy=limits, algorithm_stores={"allowed_hosts": [HERE]})
    server.configure(server_url=server.url)
    yield server
    server.process.stop()


@pytest.fixture
def store(environment: Callable[..., Path], python310: str, short_folder: Path, server: Server) -> Iterator[str]:
    """A running stock algorithm store that trusts our server; gives the address of its API."""
    packages = ("vantage6-algorithm-store==4.15.2", "vantage6-backend-common==4.15.2")
    logging = {"level": "WARNING", "file": "store.log", "use_console": False, "backup_count": 1, "max_size": 1024}
    config = {
        "description": "",
        "ip": HERE,
        "port": 1,
        "uri": f"sqlite:///{short_folder}/store.sqlite",
        "api_path": "/api",
        "allow_drop_all": True,
        "policies": {"algorithm_view": "whitelisted", "allow_localhost": True},
        "dev": {"host_uri": HERE, "disable_review": True},
        "root_user": {
            "v6_server_uri": f"{server.url}/api", "username": "root", "email": "r@example.org", "organization_id": 1,
        },
        "logging": {**logging, "format": "%(message)s", "datefmt": "%H:%M", "loggers": []},
    }  # fmt: skip
    file = short_folder / "store.yaml"
    file.write_text(yaml.safe_dump(config))
    command = [environment(*packages, python=python310), SERVE, file]
    process = subprocess.Popen(
        command, env={**os.environ, "HOME": str(short_folder)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = next((line for line in process.stdout if line.startswith("port ")), "")
    assert line, "the stock store did not start"
    yield f"http://{HERE}:{int(line.split()[1])}/api"
    process.kill()
    process.wait(10)
    process.stdout.close()


@pytest.fixture(params=["4.15.2", "4.14.0", "4.12.2"])
def ran(request: Any, environment: Callable[..., Path]) -> Callable[..., dict[str, list[str]]]:
    """Run the script with the client of one version."""
    # Old clients import what newer versions of setuptools no longer bring.
    python = environment(f"vantage6-client=={request.param}", "pyotp", "setuptools<80")

    def run(action: str, plan: dict[str, Any]) -> dict[str, list[str]]:
        command = [python, SCRIPT, action, json.dumps(plan)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert ran.returncode == 0, ran.stderr[-3000:] + ran.stdout[-1000:]
        answer: dict[str, list[str]] = json.loads(ran.stdout.splitlines()[-1])
        return answer

    return run


def test_every_call_of_the_stock_clients_works(
    server: Server, mails: tuple[Path, int], store: str, ran: Callable[..., dict[str, list[str]]]
) -> None:
    plan = {
        "url": "http://127.0.0.1",
        "port": server.port,
        "root_password": server.root_password,
        "mails": str(mails[0]),
        "store": store,
    }
    server.start()
    first = ran("surface", plan)
    server.process.stop()
    server.configure(two_factor_auth=True)
    server.start()
    second = ran("second-factor", plan)

    called = {*first["called"], *second["called"]} | NOT_OURS
    assert set(first["existing"]) - called == set()
