"""Sending mail: one suite for all ways, and what a real mail server may do to ours."""

import asyncio
import io
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hanse_core.errors import Invalid, Unavailable
from hanse_web.clock import FixedClock
from hanse_web.mail import ConsoleMailer, Mailer, MailRefused, MemoryMailer, Message, SmtpMailer, SmtpServer, compose
from smtp_server import smtp_server

TOKEN = "t0ken-" + "x" * 37
MESSAGE = Message("ann@example.org", "Grüße: reset", f"Hello Änne,\n\n{TOKEN}\n\nBye", f"<p>{TOKEN}</p>")
SENDER = "Hanse <noreply@hanse.example>"


class Sink:
    """A mail server that keeps what it is given, and refuses some of it."""

    def __init__(self) -> None:
        self.received: list[tuple[list[str], EmailMessage]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address == "gone@example.org":
            return "550 5.1.1 no such user: gone@example.org"
        if address == "later@example.org":
            return "450 4.2.1 try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        if "spam" in str(mail["subject"]):
            return "554 5.7.1 refused as spam"
        self.received.append((envelope.rcpt_tos, mail))
        return "250 OK"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@asynccontextmanager
async def smtp_sink(**options: Any) -> AsyncIterator[tuple[Sink, int]]:
    sink = Sink()
    async with smtp_server(sink, **options) as port:
        yield sink, port


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def plain(port: int, **more: Any) -> SmtpMailer:
    given = {"host": "127.0.0.1", "sender": SENDER, "uses_starttls": False, "timeout": 5, **more}
    return SmtpMailer(SmtpServer(port=port, **given))


Way = tuple[Mailer, Callable[[], list[str]]]
"""A mailer, and how to look at the texts that left through it."""


@pytest.fixture(params=["memory", "console", "smtp"])
async def way(request: pytest.FixtureRequest) -> AsyncIterator[Way]:
    """Each way of sending mail."""
    if request.param == "memory":
        memory = MemoryMailer()
        memory.refused.add("gone@example.org")
        yield memory, lambda: [f"{mail.to} {mail.subject} {mail.text}" for mail in memory.sent]
    elif request.param == "console":
        stream = io.StringIO()
        yield ConsoleMailer(stream), lambda: [stream.getvalue()] if stream.getvalue() else []
    else:
        async with smtp_sink() as (sink, port):

            def texts() -> list[str]:
                parts = [(to, mail, mail.get_body(("plain",))) for to, mail in sink.received]
                return [f"{to[0]} {mail['subject']} {part.get_content()}" for to, mail, part in parts if part]

            yield plain(port), texts


async def test_a_mail_leaves_with_recipient_subject_and_text(way: Way) -> None:
    mailer, texts = way
    await mailer.send(MESSAGE)
    (text,) = texts()
    assert "ann@example.org" in text
    assert "Grüße: reset" in text
    assert "Änne" in text
    assert TOKEN in text.splitlines(), "the token is on a line of its own"


async def test_mails_leave_in_order(way: Way) -> None:
    mailer, texts = way
    for number in range(3):
        await mailer.send(Message("ann@example.org", f"number {number}", "text", "<p>text"))
    told = "\n".join(texts())
    assert told.index("number 0") < told.index("number 1") < told.index("number 2")


@pytest.mark.parametrize("kind", ["memory", "smtp"])
async def test_a_recipient_that_is_refused_for_good_is_told_apart(kind: str) -> None:
    async with smtp_sink() as (_, port):
        memory = MemoryMailer()
        memory.refused.add("gone@example.org")
        mailer: Mailer = memory if kind == "memory" else plain(port)
        with pytest.raises(MailRefused) as caught:
            await mailer.send(Message("gone@example.org", "s", "t", "h"))
    assert "gone@example.org" not in caught.value.message


@pytest.mark.parametrize("kind", ["memory", "smtp"])
async def test_a_mail_server_that_is_away_may_be_back_later(kind: str) -> None:
    memory = MemoryMailer()
    memory.is_away = True
    mailer: Mailer = memory if kind == "memory" else plain(free_port())
    with pytest.raises(Unavailable):
        await mailer.send(MESSAGE)


@pytest.mark.parametrize(
    "to",
    [
        "ann@example.org\r\nBcc: eve@example.org",
        "ann@example.org\nBcc: eve@example.org",
        "ann@example.org,eve@example.org",
        "ann,eve@example.org",
        "Ann <ann@example.org>",
        '"ann\r\n"@example.org',
        "ann@example.org eve@example.org",
        "ann@@example.org",
        "ann",
        "",
        "ann@example.org\x00",
    ],
)
def test_an_address_is_one_plain_address(to: str) -> None:
    with pytest.raises(Invalid):
        Message(to, "s", "t", "h")


@pytest.mark.parametrize("subject", ["Hi\r\nBcc: eve@example.org", "Hi\nthere", "Hi\x0b", "Hi\u2028there"])
def test_a_subject_is_one_line(subject: str) -> None:
    with pytest.raises(Invalid):
        Message("ann@example.org", subject, "t", "h")


def test_a_mail_shows_neither_token_nor_text() -> None:
    assert TOKEN not in repr(MESSAGE)


def test_a_mail_names_its_sender_once_and_asks_for_no_automatic_answer(clock: FixedClock) -> None:
    mail = compose(MESSAGE, SENDER, clock)
    assert str(mail["From"]) == SENDER
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


async def test_a_mail_that_is_refused_for_now_may_be_taken_later() -> None:
    async with smtp_sink() as (_, port):
        with pytest.raises(Unavailable):
            await plain(port).send(Message("later@example.org", "s", "t", "h"))


async def test_a_mail_whose_content_is_refused_is_given_up() -> None:
    async with smtp_sink() as (_, port):
        with pytest.raises(MailRefused):
            await plain(port).send(Message("ann@example.org", "spam", "t", "h"))


async def test_mail_goes_through_starttls(tls: ssl.SSLContext, certificate: Path) -> None:
    async with smtp_sink(tls_context=tls, require_starttls=True) as (sink, port):
        mailer = plain(port, host="localhost", uses_starttls=True, ca_file=str(certificate))
        await mailer.send(MESSAGE)
    assert len(sink.received) == 1


async def test_mail_goes_over_tls_from_the_first_byte(tls: ssl.SSLContext, certificate: Path) -> None:
    async with smtp_sink(ssl_context=tls) as (sink, port):
        mailer = plain(port, host="localhost", uses_ssl=True, ca_file=str(certificate))
        await mailer.send(MESSAGE)
    assert len(sink.received) == 1


async def test_nothing_is_sent_where_encryption_is_wanted_but_not_offered() -> None:
    async with smtp_sink() as (sink, port):
        with pytest.raises(Unavailable):
            await plain(port, uses_starttls=True).send(MESSAGE)
    assert sink.received == []


async def test_nothing_is_sent_to_a_server_whose_certificate_nobody_vouches_for(tls: ssl.SSLContext) -> None:
    async with smtp_sink(tls_context=tls) as (sink, port):
        with pytest.raises(Unavailable):
            await plain(port, host="localhost", uses_starttls=True).send(MESSAGE)
    assert sink.received == []


@pytest.mark.parametrize(("password", "is_right"), [("right", True), ("wrong", False)])
async def test_the_mail_servers_login_is_used_and_its_failure_is_a_delay(
    tls: ssl.SSLContext, certificate: Path, password: str, is_right: bool
) -> None:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        # Not handled: the server itself answers that the login failed, instead of nothing.
        return AuthResult(success=data.login == b"hanse" and data.password == b"right", handled=False)

    async with smtp_sink(tls_context=tls, auth_required=True, authenticator=check) as (sink, port):
        secure = {"host": "localhost", "uses_starttls": True, "ca_file": str(certificate)}
        mailer = plain(port, username="hanse", password=password, **secure)
        if is_right:
            await mailer.send(MESSAGE)
        else:
            with pytest.raises(Unavailable) as caught:
                await mailer.send(MESSAGE)
            assert "535" in caught.value.message
            assert password not in caught.value.message
    assert len(sink.received) == is_right


async def test_a_mail_server_that_says_nothing_is_left_after_the_time_out() -> None:
    left = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unavailable):
        await plain(port, timeout=0.2).send(MESSAGE)
    await left.wait()
    server.close()


async def test_a_mail_that_was_taken_counts_as_sent_also_when_the_farewell_fails() -> None:
    async def curt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        answers = {
            b"EHLO": b"250 hi",
            b"MAIL": b"250 ok",
            b"RCPT": b"250 ok",
            b"DATA": b"354 go",
            b".\r\n": b"250 taken",
        }
        while line := await reader.readline():
            if line[:4] == b"QUIT":
                break
            if line[:4] in answers or line in answers:
                writer.write(answers.get(line[:4], b"250 taken") + b"\r\n")
        writer.close()

    server = await asyncio.start_server(curt, "127.0.0.1", 0)
    await plain(server.sockets[0].getsockname()[1]).send(MESSAGE)
    server.close()


async def test_sending_can_be_stopped_at_any_moment() -> None:
    async with smtp_sink() as (_, port):
        for rounds in range(60):
            sending = asyncio.create_task(plain(port).send(MESSAGE))
            for _ in range(rounds):
                await asyncio.sleep(0)
            if rounds > 20:
                await asyncio.sleep(rounds / 20_000)
            was_running = sending.cancel()
            _, pending = await asyncio.wait({sending}, timeout=10)
            assert not pending
            assert sending.cancelled() is was_running, "else the end of the process waits for ever"
