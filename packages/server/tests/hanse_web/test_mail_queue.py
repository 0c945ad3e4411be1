"""Mails wait in the database until they are sent, refused for good, or of no use."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from anyio import to_thread
from sqlalchemy import Engine, text

from hanse_core.errors import Unavailable
from hanse_web import mail_queue
from hanse_web.clock import FixedClock
from hanse_web.db import Base, make_engine
from hanse_web.links import Links
from hanse_web.mail import MemoryMailer, Message
from hanse_web.mail_queue import MailQueue
from hanse_web.outbox import Dispatcher, MemoryBus
from hanse_web.sealing import Seal
from hanse_web.work import Works

SECRET = "a secret for tests only, of more than thirty-two bytes"
LIFE = timedelta(hours=2)


def letter(to: str = "ann@example.org", subject: str = "subject") -> Message:
    return Message(to, subject, "the token 0123456789", "<p>the token 0123456789")


class Post:
    """A queue on a database of its own."""

    def __init__(self, engine: Engine, clock: FixedClock, mailer: MemoryMailer | None) -> None:
        self.engine = engine
        self.works = Works(engine, clock, Dispatcher(engine, MemoryBus()), Links())
        self.queue = MailQueue(self.works, mailer, Seal(SECRET, "queued mail"))

    async def put(self, *messages: Message, life: timedelta = LIFE) -> None:
        async with self.works.open(write=True) as work:
            for message in messages:
                await to_thread.run_sync(self.queue.put, work, message, life)

    def rows(self) -> list[str]:
        with self.engine.connect() as connection:
            return [str(tuple(row)) for row in connection.execute(text("SELECT * FROM queued_mail"))]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = make_engine(f"sqlite:///{tmp_path}/mail.sqlite")
    tables = [Base.metadata.tables[name] for name in ("queued_mail", "outbox_event")]
    Base.metadata.create_all(engine, tables=tables)
    yield engine
    engine.dispose()


@pytest.fixture
def mailer() -> MemoryMailer:
    return MemoryMailer()


@pytest.fixture
def post(database: Engine, clock: FixedClock, mailer: MemoryMailer) -> Post:
    return Post(database, clock, mailer)


async def test_a_sent_mail_leaves_nothing_behind(post: Post, mailer: MemoryMailer) -> None:
    await post.put(letter(), letter("bob@example.org"))
    assert await post.queue.send_due() == 2
    assert [mail.to for mail in mailer.sent] == ["ann@example.org", "bob@example.org"]
    assert post.rows() == []


async def test_a_waiting_mail_shows_neither_token_nor_address(post: Post) -> None:
    await post.put(letter())
    (row,) = post.rows()
    assert "0123456789" not in row
    assert "ann" not in row


async def test_a_transaction_that_fails_sends_nothing(post: Post, mailer: MemoryMailer) -> None:
    async def fail() -> None:
        async with post.works.open(write=True) as work:
            post.queue.put(work, letter(), LIFE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await post.queue.send_due() == 0
    assert mailer.sent == []


async def test_a_mail_server_that_is_away_costs_nothing_but_time(
    post: Post, mailer: MemoryMailer, clock: FixedClock
) -> None:
    mailer.is_away = True
    await post.put(letter())
    waited = []
    for _ in range(4):
        assert await post.queue.send_due() == 0
        before = clock.moment
        while not mailer.sent and await post.queue._has_work() is False:
            clock.moment += timedelta(seconds=30)
        waited.append((clock.moment - before).total_seconds())
    assert waited == [30, 60, 120, 240], "each time it waits twice as long"
    mailer.is_away = False
    assert await post.queue.send_due() == 1


async def test_a_mail_server_that_is_away_is_not_asked_for_every_mail(post: Post, mailer: MemoryMailer) -> None:
    mailer.is_away = True
    await post.put(*(letter(subject=str(number)) for number in range(5)))
    await post.queue.send_due()
    assert sum("1)" in row[-3:] for row in post.rows()) == 1, "one attempt, of one mail"


async def test_a_mail_that_is_of_no_use_any_more_is_dropped(
    post: Post, mailer: MemoryMailer, clock: FixedClock
) -> None:
    mailer.is_away = True
    await post.put(letter(), life=timedelta(minutes=10))
    await post.queue.send_due()
    clock.moment += timedelta(minutes=10)
    mailer.is_away = False
    assert await post.queue.send_due() == 0
    assert mailer.sent == []
    assert post.rows() == []


async def test_attempts_are_limited(post: Post, mailer: MemoryMailer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_queue, "ATTEMPTS", 1)
    mailer.is_away = True
    await post.put(letter())
    await post.queue.send_due()
    assert post.rows() == []


async def test_a_recipient_that_is_refused_does_not_hold_up_the_others(post: Post, mailer: MemoryMailer) -> None:
    mailer.refused.add("gone@example.org")
    await post.put(letter("gone@example.org"), letter())
    assert await post.queue.send_due() == 1
    assert [mail.to for mail in mailer.sent] == ["ann@example.org"]
    assert post.rows() == []


async def test_two_replicas_send_a_mail_once(
    post: Post, database: Engine, mailer: MemoryMailer, clock: FixedClock
) -> None:
    other = Post(database, clock, mailer)
    await post.put(*(letter(subject=str(number)) for number in range(10)))
    sent = await asyncio.gather(post.queue.send_due(), other.queue.send_due())
    assert sum(sent) == 10
    assert sorted(mail.subject for mail in mailer.sent) == [str(number) for number in range(10)]


async def test_a_mail_that_a_crashed_replica_took_is_sent_by_another(
    post: Post, mailer: MemoryMailer, clock: FixedClock
) -> None:
    await post.put(letter())
    async with post.works.open(write=True) as work:
        assert await to_thread.run_sync(mail_queue._take, work) is not None
    assert await post.queue.send_due() == 0
    clock.moment += mail_queue.LEASE
    assert await post.queue.send_due() == 1


class NoticingMailer(MemoryMailer):
    def __init__(self) -> None:
        super().__init__()
        self.has_sent = asyncio.Event()

    async def send(self, message: Message) -> None:
        await super().send(message)
        self.has_sent.set()


async def test_the_job_sends_as_soon_as_the_transaction_is_committed(
    database: Engine, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_queue, "SWEEP_SECONDS", 3600)
    mailer = NoticingMailer()
    post = Post(database, clock, mailer)
    running = asyncio.create_task(post.queue.run())
    await post.put(letter())
    async with asyncio.timeout(5):
        await mailer.has_sent.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(mailer.sent) == 1


async def test_without_a_mailer_nothing_is_kept(database: Engine, clock: FixedClock) -> None:
    post = Post(database, clock, None)
    await post.put(letter())
    assert not post.queue.can_send
    assert post.rows() == []
    await post.queue.run()


async def test_a_mail_sealed_under_another_secret_waits_for_the_right_one(
    post: Post, database: Engine, clock: FixedClock, mailer: MemoryMailer
) -> None:
    await post.put(letter())
    other = MailQueue(post.works, mailer, Seal("quite another secret, also of thirty-two bytes", "queued mail"))
    await other.send_due()
    assert mailer.sent == []
    clock.moment += mail_queue.FIRST_WAIT
    assert await post.queue.send_due() == 1


def test_what_is_sealed_opens_only_for_its_owner_purpose_and_secret() -> None:
    seal = Seal(SECRET, "second factor")
    sealed = seal.seal("JBSWY3DP", "7")
    assert "JBSWY3DP" not in sealed
    assert seal.open(sealed, "7") == "JBSWY3DP"
    for other, owner in ((seal, "8"), (Seal(SECRET, "mail"), "7"), (Seal(SECRET + "x", "second factor"), "7")):
        with pytest.raises(Unavailable):
            other.open(sealed, owner)
    for text_ in ("", "1:", "1:%%%", "1:AAAA", sealed[:-6]):
        with pytest.raises(Unavailable):
            seal.open(text_, "7")
    assert seal.digest("code") == Seal(SECRET, "second factor").digest("code") != Seal(SECRET, "mail").digest("code")
