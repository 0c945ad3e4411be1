"""The whole way of a mail: from a request, through the settings and a real SMTP server, to who it is for."""

import asyncio
import logging
import re
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller

from hanse_server.settings import Settings
from hanse_server.settings.mail import Smtp
from hanse_web.mail import MemoryMailer

# It logs from its own thread, at times when nobody captures any more.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


class Sink:
    """A mail server in a thread that hands what it gets to the event loop of the test."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.received: asyncio.Queue[EmailMessage] = asyncio.Queue()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.received.put_nowait, mail)
        return "250 OK"


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def port(sink: Sink) -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = taken.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=free)
    controller.start()
    yield free
    controller.stop()


@pytest.fixture
def mailer() -> MemoryMailer | None:
    """The one of the settings."""
    return None


@pytest.fixture
def settings(settings: Settings, port: int) -> Settings:
    smtp = Smtp(server="127.0.0.1", port=port, mail_use_tls=False, email_from="Cotopaxi <noreply@cotopaxi.example>")
    return settings.model_copy(update={"smtp": smtp, "server_name": "cotopaxi", "support_email": "help@h.example"})


async def test_a_password_is_recovered_through_a_real_mail_server(
    anonymous: httpx.AsyncClient, make: Any, sink: Sink
) -> None:
    sink.loop = asyncio.get_running_loop()
    make.user("alice", make.organization("alpha"))
    assert (await anonymous.post("/recover/lost", json={"username": "alice"})).status_code == 200
    async with asyncio.timeout(10):
        mail = await sink.received.get()
    assert (mail["To"], mail["From"]) == ("alice@example.org", "Cotopaxi <noreply@cotopaxi.example>")
    body = mail.get_body(("plain",))
    assert body is not None
    (token,) = [line for line in body.get_content().splitlines() if re.fullmatch(r"[\w-]{40,}", line)]
    reset = {"reset_token": token, "password": "Battery-staple-2"}
    assert (await anonymous.post("/recover/reset", json=reset)).status_code == 200
    login = {"username": "alice", "password": "Battery-staple-2"}
    assert (await anonymous.post("/token/user", json=login)).status_code == 200
