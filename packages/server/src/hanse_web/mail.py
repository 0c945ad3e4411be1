"""Sending mail: what a mail is, and the ways it leaves this process."""

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Protocol, TextIO

import aiosmtplib

from hanse_core.errors import HanseError, Invalid, Unavailable
from hanse_web.clock import Clock, SystemClock

PERMANENT = range(500, 600)
FORBIDDEN = frozenset('",:;<>()[]\\')
"""Characters that have a meaning in address headers; an address that needs them quoted is refused."""


@dataclass(frozen=True, slots=True)
class Message:
    """One mail to one person. The texts may hold tokens and are never shown or logged."""

    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what could become another header or another recipient."""
        require_address(self.to)
        if any(not character.isprintable() for character in self.subject):
            raise Invalid("the subject of a mail must be one line")


class MailRefused(HanseError):
    """The mail server will never take this mail: to try again is of no use."""


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, message: Message) -> None:
        """Send. Raises `MailRefused` where trying again is of no use, and `Unavailable` where it may help."""


class MemoryMailer:
    """Keeps what was sent; for tests. While `is_away` is set it behaves like a mail server that does not answer."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.refused: set[str] = set()
        self.is_away = False

    async def send(self, message: Message) -> None:
        """Keep."""
        if self.is_away:
            raise Unavailable("the mail server does not answer")
        if message.to in self.refused:
            raise MailRefused("the mail server refuses the recipient")
        self.sent.append(message)


class ConsoleMailer:
    """Prints mails instead of sending them; for development."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    async def send(self, message: Message) -> None:
        """Print."""
        print(f"To: {message.to}\nSubject: {message.subject}\n\n{message.text}\n", file=self._stream, flush=True)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in, and how."""

    host: str
    port: int
    sender: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    uses_ssl: bool = False
    """TLS from the first byte."""
    uses_starttls: bool = True
    """TLS by STARTTLS, without which nothing is sent."""
    ca_file: str | None = None
    timeout: float = 20


class SmtpMailer:
    """Hands mails to an SMTP server, on a connection each."""

    def __init__(self, server: SmtpServer, clock: Clock | None = None) -> None:
        self._server = server
        self._clock = clock or SystemClock()

    async def send(self, message: Message) -> None:
        """Hand in, within the time-out."""
        mail = compose(message, self._server.sender, self._clock)
        try:
            async with asyncio.timeout(self._server.timeout):
                await self._hand_in(mail, message.to)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _judge(error.recipients[0].code, "the mail server refuses the recipient") from error
        except aiosmtplib.SMTPDataError as error:
            raise _judge(error.code, "the mail server refuses the mail") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise Unavailable(f"the mail server cannot be used: {_reason(error)}") from error

    async def _hand_in(self, mail: EmailMessage, recipient: str) -> None:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.uses_ssl,
            start_tls=server.uses_starttls and not server.uses_ssl,
            cert_bundle=server.ca_file,
            # The library's own time-outs lose a cancellation (`wait_for`, before Python 3.12), and the end of a
            # process would wait for ever; ours is around all of this. For the same reason it is no `async with`.
            timeout=None,
        )
        try:
            await client.connect()
            await client.send_message(mail, sender=_address(server.sender).addr_spec, recipients=[recipient])
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
        finally:
            client.close()


def compose(message: Message, sender: str, clock: Clock) -> EmailMessage:
    """Write a mail as it goes over the wire."""
    mail = EmailMessage()
    mail["From"] = _address(sender)
    mail["To"] = Address(addr_spec=message.to)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = make_msgid(domain=_address(sender).domain)
    # No answers from out-of-office notices and lists.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    return mail


def require_address(text: str) -> None:
    """Refuse what is not exactly one plain address."""
    local, at, domain = text.partition("@")
    is_plain = all(character.isprintable() and not character.isspace() for character in text)
    if not (local and at and domain) or "@" in domain or not is_plain or FORBIDDEN & set(text):
        raise Invalid("that is not a plain e-mail address, such as name@example.org")
    try:
        Address(addr_spec=text)
    except (ValueError, IndexError) as error:
        raise Invalid("that is not a plain e-mail address, such as name@example.org") from error


def _address(sender: str) -> Address:
    """Read a sender: `name@example.org`, or `A name <name@example.org>`."""
    name, bracket, rest = sender.rpartition("<")
    return Address(display_name=name.strip().strip('"') if bracket else "", addr_spec=rest.rstrip("> ").strip())


def require_sender(text: str) -> None:
    """Refuse what mails cannot come from."""
    if any(not character.isprintable() for character in text):
        raise Invalid("the sender of mails must be one line")
    try:
        require_address(_address(text).addr_spec)
    except (ValueError, IndexError) as error:
        raise Invalid("the sender of mails must be like name@example.org or A name <name@example.org>") from error


def _judge(code: int, what: str) -> HanseError:
    if code in PERMANENT:
        return MailRefused(f"{what} ({code})")
    return Unavailable(f"{what} for now ({code})")


def _reason(error: BaseException) -> str:
    """Tell what happened; never what the server said, which may repeat whom the mail was for."""
    code = getattr(error, "code", None)
    return f"{type(error).__name__} {code}" if isinstance(code, int) else type(error).__name__
