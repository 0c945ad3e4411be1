"""The whole way of a mail: from a request, through the settings and a real SMTP server, to who it is for."""

import asyncio
import re
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from hanse_server.settings import Settings
from hanse_server.settings.mail import Smtp
from hanse_web.mail import MemoryMailer
from smtp_server import smtp_server


class Sink:
    """Keeps what a mail server gets."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[EmailMessage] = asyncio.Queue()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.received.put_nowait(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def port(sink: Sink) -> AsyncIterator[int]:
    async with smtp_server(sink) as port:
        yield port


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
