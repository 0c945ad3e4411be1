"""Mails from templates: a plain text and the same as HTML."""

from datetime import timedelta
from typing import Any

import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from hanse_core.errors import Invalid
from hanse_web.mail import Message
from hanse_web.mail_queue import MailQueue
from hanse_web.work import Work

LONGEST_NAME = 100
NOTICE_LIFE = timedelta(days=1)
NOBODY = ".invalid"
"""How an address ends that reaches nobody, of a user who has none (RFC 2606)."""

log = structlog.get_logger()


class Letters:
    """Writes mails into the transactions of requests; they are sent after the commit."""

    def __init__(self, queue: MailQueue, server_name: str, support_email: str | None) -> None:
        self._queue = queue
        self._server_name = _one_line(server_name)
        self._environment = Environment(
            loader=PackageLoader("hanse_server.letters"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["one_line"] = _one_line
        self._environment.globals.update(server_name=self._server_name, support_email=support_email)

    @property
    def can_send(self) -> bool:
        """Tell whether this server sends mail at all."""
        return self._queue.can_send

    def password_reset(self, work: Work, to: str, username: str, token: str, life: timedelta) -> None:
        """Send the token with which somebody who forgot the password sets a new one."""
        values = {"username": username, "token": token, "life": _spoken(life)}
        self._send(work, to, "password_reset", "Reset your password", life, values)

    def second_factor_reset(self, work: Work, to: str, username: str, token: str, life: timedelta) -> None:
        """Send the token with which somebody who lost the second factor sets up a new one."""
        values = {"username": username, "token": token, "life": _spoken(life)}
        self._send(work, to, "second_factor_reset", "Reset your second factor", life, values)

    def blocked_account(self, work: Work, to: str, username: str, address: str, life: timedelta) -> None:
        """Tell a user that the account is blocked for a while, for whom its password was guessed from an address."""
        values = {"username": username, "address": address, "life": _spoken(life)}
        self._send(work, to, "blocked_account", "Your account is blocked for a while", NOTICE_LIFE, values)

    def login_method(self, work: Work, to: str, username: str, change: str) -> None:
        """Tell a user that the way to log in changed: `change` completes "on this server, …"."""
        values = {"username": username, "change": change}
        self._send(work, to, "login_method", "The way you log in has changed", NOTICE_LIFE, values)

    def user_invitation(
        self, work: Work, to: str, inviter: str, organization: str, token: str, life: timedelta
    ) -> None:
        """Invite somebody to become a user."""
        values = {"inviter": inviter, "organization": organization, "token": token, "life": _spoken(life)}
        self._send(work, to, "user_invitation", "You are invited", life, values)

    def organization_invitation(
        self, work: Work, to: str, inviter: str, organization: str, collaboration: str, life: timedelta
    ) -> None:
        """Tell an administrator that the organization is invited into a collaboration."""
        values = {
            "inviter": inviter,
            "organization": organization,
            "collaboration": collaboration,
            "life": _spoken(life),
        }
        self._send(work, to, "organization_invitation", "Your organization is invited", life, values)

    def _send(self, work: Work, to: str, name: str, subject: str, life: timedelta, values: dict[str, Any]) -> None:
        if to.endswith(NOBODY):
            return
        text, html = (self._environment.get_template(f"{name}.{kind}").render(values) for kind in ("txt", "html"))
        try:
            message = Message(to, f"{self._server_name}: {subject}", text, html)
        except Invalid as error:
            # What a caller sees must not depend on what somebody else's address is like.
            log.warning("mail-not-sent", letter=name, reason=error.message)
            return
        self._queue.put(work, message, life)


def _one_line(text: str) -> str:
    """Make a name that somebody chose harmless: nothing in it may look like a line of the mail, or like an address."""
    line = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(line.split()).replace("://", ":")
    return line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1] + "…"


def _spoken(life: timedelta) -> str:
    """Say how long, in the unit that people would use."""
    seconds = life.total_seconds()
    for unit, length in (("day", 86400), ("hour", 3600)):
        if seconds >= 2 * length:
            return f"{round(seconds / length)} {unit}s"
    minutes = max(1, round(seconds / 60))
    return f"{minutes} minute{'s' if minutes > 1 else ''}"
