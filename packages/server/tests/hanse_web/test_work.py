"""One request, one transaction: committed before the answer leaves, told after the commit."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from anyio import CancelScope
from fastapi import APIRouter
from sqlalchemy import Column, Engine, Integer, MetaData, Table, Text, event, func, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from hanse_core.errors import Conflict
from hanse_web.app import Parts, build
from hanse_web.auth import Tokens
from hanse_web.clock import FixedClock
from hanse_web.db import Base, make_engine
from hanse_web.links import Links
from hanse_web.outbox import Dispatcher, MemoryBus, OutboxEvent
from hanse_web.work import ReadWork, RequestWork, Works

NOTE = Table(
    "note", MetaData(), Column("id", Integer, primary_key=True), Column("text", Text, nullable=False, unique=True)
)
router = APIRouter()


@router.post("/note/{text}")
def write_note(work: RequestWork, text: str) -> dict[str, str]:
    work.session.execute(NOTE.insert().values(text=text))
    work.tell("noted", {"text": text}, "room")
    return {"text": text}


@router.post("/refused/{text}")
def write_and_refuse(work: RequestWork, text: str) -> None:
    write_note(work, text)
    raise Conflict("changed my mind")


@router.post("/broken/{text}")
def write_and_break(work: RequestWork, text: str) -> None:
    write_note(work, text)
    raise RuntimeError("a fault of ours")


@router.get("/notes")
def count_notes(work: RequestWork) -> int:
    return work.session.scalar(select(func.count()).select_from(NOTE)) or 0


@router.post("/notes/count")
def count_by_post(work: ReadWork) -> int:
    return count_notes(work)


class Application:
    """The plumbing around a single table."""

    def __init__(self, engine: Engine, clock: FixedClock) -> None:
        self.engine = engine
        self.bus = MemoryBus()
        dispatcher = Dispatcher(engine, self.bus)
        self.works = Works(engine, clock, dispatcher, Links())
        parts = Parts(self.works, engine, clock, Tokens("x" * 32, clock), dispatcher, {})
        self.app = build("notes", "/api", parts, [router])
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://hanse.test/api", timeout=30)

    def stored(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.scalars(select(NOTE.c.text).order_by(NOTE.c.id)))

    def waiting(self) -> int:
        with Session(self.engine) as session:
            return session.scalar(select(func.count()).select_from(OutboxEvent)) or 0


@pytest.fixture
async def application(empty_uri: str, clock: FixedClock) -> AsyncIterator[Application]:
    engine = make_engine(empty_uri)
    Base.metadata.create_all(engine, tables=[Base.metadata.tables["outbox_event"]])
    NOTE.create(engine)
    made = Application(engine, clock)
    yield made
    await made.client.aclose()
    engine.dispose()


async def test_what_an_answer_confirms_is_committed(application: Application) -> None:
    answer = await application.client.post("/note/hello")
    assert answer.status_code == 200
    assert application.stored() == ["hello"]
    assert application.waiting() == 1


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (OperationalError("COMMIT", {}, Exception("disk I/O error")), 503),
        (IntegrityError("COMMIT", {}, Exception("a deferred constraint")), 409),
    ],
)
async def test_a_commit_that_fails_is_not_answered_as_success(
    application: Application, failure: Exception, status: int
) -> None:
    def fail(_: Session) -> None:
        raise failure

    event.listen(Session, "before_commit", fail)
    try:
        answer = await application.client.post("/note/lost")
    finally:
        event.remove(Session, "before_commit", fail)
    assert answer.status_code == status
    assert application.stored() == []
    assert application.waiting() == 0


@pytest.mark.parametrize(("path", "status"), [("/refused/x", 409), ("/broken/x", 500)])
async def test_an_error_leaves_nothing_behind(application: Application, path: str, status: int) -> None:
    answer = await application.client.post(path)
    assert answer.status_code == status
    assert isinstance(answer.json()["msg"], str)
    assert application.stored() == []
    assert application.waiting() == 0, "an event of a change that did not happen is never told"


async def test_a_constraint_of_the_database_is_answered_as_a_conflict(application: Application) -> None:
    await application.client.post("/note/same")
    answer = await application.client.post("/note/same")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_events_are_told_after_the_commit_and_only_then(application: Application) -> None:
    async with application.works.open(write=True) as work:
        work.tell("early", None, "room")
        assert await application.works.dispatcher.deliver() == 0, "nobody outside sees an uncommitted event"
    assert await application.works.dispatcher.deliver() == 1
    assert [told.name for told in application.bus.told] == ["early"]


async def test_an_event_survives_a_crash_between_commit_and_delivery(application: Application) -> None:
    await application.client.post("/note/hello")  # nothing delivers: the process "dies" here
    successor = MemoryBus()
    assert await Dispatcher(application.engine, successor).deliver() == 1
    assert [(told.name, told.data, told.rooms) for told in successor.told] == [("noted", {"text": "hello"}, ["room"])]
    assert application.waiting() == 0


async def test_many_writers_at_the_same_time_all_succeed(application: Application) -> None:
    texts = [f"note {number}" for number in range(60)]
    answers = await asyncio.gather(*(application.client.post(f"/note/{text}") for text in texts))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(application.stored()) == sorted(texts)


async def test_hundreds_of_readers_and_writers_at_the_same_time_all_get_their_answer(application: Application) -> None:
    reads = [application.client.get("/notes") for _ in range(300)]
    writes = [application.client.post(f"/note/{number}") for number in range(20)]
    answers = await asyncio.wait_for(asyncio.gather(*reads, *writes), 30)
    assert {answer.status_code for answer in answers} == {200}


async def test_readers_do_not_wait_for_a_writer(application: Application) -> None:
    async with application.works.open(write=True) as work:
        work.session.execute(NOTE.insert().values(text="unfinished"))
        by_get = await asyncio.wait_for(application.client.get("/notes"), 5)
        by_post = await asyncio.wait_for(application.client.post("/notes/count"), 5)
    assert (by_get.json(), by_post.json()) == (0, 0)


async def test_a_caller_who_hangs_up_ends_its_transaction(application: Application) -> None:
    entered = asyncio.Event()
    scope = CancelScope()

    async def writer() -> None:
        with scope:
            await write_and_wait()

    async def write_and_wait() -> None:
        async with application.works.open(write=True) as work:
            work.session.execute(NOTE.insert().values(text="gone"))
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(writer())
    await entered.wait()
    scope.cancel()
    await task
    assert (await application.client.post("/note/next")).status_code == 200
    assert application.stored() == ["next"]
