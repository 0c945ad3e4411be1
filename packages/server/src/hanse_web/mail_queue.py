"""Mails as rows of the transaction that caused them, and their sending after its commit.

A mail server that is away costs time and nothing else: what could not be sent waits, ever longer, until it
is sent, refused for good, or of no use any more. A crash in the middle of sending may send a mail twice.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta

import structlog
from anyio import to_thread
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from hanse_core.errors import HanseError, Unavailable
from hanse_web.db import Base, UtcDateTime
from hanse_web.mail import Mailer, Message
from hanse_web.sealing import Seal
from hanse_web.work import Work, Works

SWEEP_SECONDS = 15.0
LEASE = timedelta(minutes=5)
"""Who takes a mail has this long to send it; a replica that died meanwhile is replaced by another."""
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=30)
ATTEMPTS = 50

log = structlog.get_logger()


class QueuedMail(Base):
    """One mail that waits to be sent. To whom it goes and what it says is encrypted; it is deleted when it is sent."""

    __tablename__ = "queued_mail"

    id: Mapped[int] = mapped_column(primary_key=True)
    sealed: Mapped[str]
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    """When the mail is of no use any more: then it is dropped."""
    attempts: Mapped[int] = mapped_column(default=0)


class MailQueue:
    """Takes mails in the transactions of requests, and sends them later."""

    def __init__(self, works: Works, mailer: Mailer | None, seal: Seal) -> None:
        self._works = works
        self._mailer = mailer
        self._seal = seal
        self._bell = asyncio.Event()

    @property
    def can_send(self) -> bool:
        """Tell whether this server sends mail at all."""
        return self._mailer is not None

    def put(self, work: Work, message: Message, life: timedelta) -> None:
        """Have a mail sent once the transaction is committed, as long as it is of use; without a mailer, never."""
        if self._mailer is None:
            log.info("mail-not-sent", reason="no mail server is configured")
            return
        now = work.clock.now()
        sealed = self._seal.seal(json.dumps(asdict(message)), "mail")
        row = {"sealed": sealed, "due_at": now, "until": now + life, "attempts": 0}
        work.session.execute(insert(QueuedMail).values(row))
        work.after_commit(self._bell.set)

    async def run(self) -> None:
        """Send until cancelled."""
        if self._mailer is None:
            return
        while True:
            await self.send_due()
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes together with the bell.
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._bell.wait()
            self._bell.clear()

    async def send_due(self) -> int:
        """Send what is due until nothing is left, or the mail server is away; give the number of mails sent."""
        sent = 0
        while await self._has_work():
            async with self._works.open(write=True) as work:
                taken = await to_thread.run_sync(_take, work)
            if taken is None:
                continue
            outcome = await self._try(taken)
            if outcome is False:
                break
            sent += outcome is True
        return sent

    async def _has_work(self) -> bool:
        async with self._works.open(write=False) as work:
            now = work.clock.now()
            due = select(QueuedMail.id).where(or_(QueuedMail.due_at <= now, QueuedMail.until <= now)).limit(1)
            return await to_thread.run_sync(work.session.scalar, due) is not None

    async def _try(self, mail: QueuedMail) -> bool | None:
        """Send one mail: true when it left, false when the mail server is away, None when it is given up."""
        assert self._mailer is not None  # noqa: S101
        try:
            await self._mailer.send(Message(**json.loads(self._seal.open(mail.sealed, "mail"))))
        except Unavailable as error:
            log.warning("mail-delayed", mail=mail.id, attempts=mail.attempts, reason=error.message)
            await self._delay(mail)
            return False
        except HanseError as error:
            log.warning("mail-given-up", mail=mail.id, reason=error.message)
            await self._forget(mail)
            return None
        await self._forget(mail)
        return True

    async def _forget(self, mail: QueuedMail) -> None:
        async with self._works.open(write=True) as work:
            await to_thread.run_sync(work.session.execute, delete(QueuedMail).where(QueuedMail.id == mail.id))

    async def _delay(self, mail: QueuedMail) -> None:
        if mail.attempts >= ATTEMPTS:
            log.error("mail-given-up", mail=mail.id, reason="too many attempts")
            await self._forget(mail)
            return
        async with self._works.open(write=True) as work:
            due = work.clock.now() + _wait(mail.attempts)
            later = update(QueuedMail).where(QueuedMail.id == mail.id).values(due_at=due)
            await to_thread.run_sync(work.session.execute, later)


def _take(work: Work) -> QueuedMail | None:
    """Take the mail that is due first, so that no other replica does; drop those that are of no use any more."""
    now = work.clock.now()
    dropped = work.session.execute(delete(QueuedMail).where(QueuedMail.until <= now).returning(QueuedMail.id)).all()
    if dropped:
        log.error("mails-given-up", mails=[row.id for row in dropped], reason="not sent within their time")
    due = select(QueuedMail).where(QueuedMail.due_at <= now).order_by(QueuedMail.due_at, QueuedMail.id).limit(1)
    mail = work.session.scalar(due)
    return mail if mail is not None and _lease(work.session, mail, now) else None


def _lease(session: Session, mail: QueuedMail, now: datetime) -> bool:
    attempts = mail.attempts + 1
    mine = update(QueuedMail).where(QueuedMail.id == mail.id, QueuedMail.attempts == mail.attempts)
    taken = session.execute(mine.values(attempts=attempts, due_at=now + LEASE).returning(QueuedMail.id)).all()
    session.refresh(mail)
    return bool(taken)


def _wait(attempts: int) -> timedelta:
    """Wait twice as long after each attempt."""
    doublings = min(attempts - 1, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
