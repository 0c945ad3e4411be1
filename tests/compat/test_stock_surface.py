"""The whole public surface of the unmodified v4 client, against our server with a mail server that is real, too."""

import json
import subprocess
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from hanse_sandbox.network import Server
from hanse_sandbox.processes import free_port

SCRIPT = Path(__file__).parent / "scripts" / "stock_surface.py"
NOT_OURS = {"store.set"}
"""Only chooses, in the client, which store its later calls go to."""

pytestmark = [pytest.mark.needs("uv"), pytest.mark.timeout(300)]


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
    controller = Controller(Letterbox(folder), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield folder, controller.port
    controller.stop()


@pytest.fixture
def server(short_folder: Path, mails: tuple[Path, int]) -> Iterator[Server]:
    smtp = {"server": "127.0.0.1", "port": mails[1], "MAIL_USE_TLS": False, "email_from": "hanse@example.org"}
    limits = {"between_user_emails_minutes": 0}
    server = Server(short_folder, smtp=smtp, password_policy=limits)
    yield server
    server.process.stop()


@pytest.fixture
def ran(stock_client: Path) -> Callable[..., dict[str, list[str]]]:
    def run(action: str, plan: dict[str, Any], python: Path = stock_client) -> dict[str, list[str]]:
        command = [python, SCRIPT, action, json.dumps(plan)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert ran.returncode == 0, ran.stderr[-3000:] + ran.stdout[-1000:]
        answer: dict[str, list[str]] = json.loads(ran.stdout.splitlines()[-1])
        return answer

    return run


def test_every_call_of_the_stock_client_works(
    server: Server, mails: tuple[Path, int], ran: Callable[..., dict[str, list[str]]]
) -> None:
    plan = {
        "url": "http://127.0.0.1",
        "port": server.port,
        "root_password": server.root_password,
        "mails": str(mails[0]),
    }
    server.start()
    first = ran("surface", plan)
    server.process.stop()
    server.configure(two_factor_auth=True)
    server.start()
    second = ran("second-factor", plan)

    called = {*first["called"], *second["called"]} | NOT_OURS
    assert set(first["existing"]) - called == set()
