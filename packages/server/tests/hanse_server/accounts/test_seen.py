"""When somebody was last heard of."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_core.permissions import Permissions
from hanse_server.accounts.models import Identity
from hanse_server.accounts.seen import LastSeen
from hanse_web.access import ContainerActor, UserActor

ROOT = UserActor(1, "root", 1, frozenset(), frozenset({1}), Permissions(()))


def seen(session: Session, key: int = 1) -> datetime | None:
    session.rollback()
    return session.scalars(select(Identity.last_seen).where(Identity.id == key)).one()


async def test_many_requests_are_one_write(server: Any, clock: Any, session: Session, statements: Any) -> None:
    last_seen = LastSeen(server.app.state.works)
    for second in range(100):
        last_seen.note(ROOT, clock.now() + timedelta(seconds=second))
    with statements() as sent:
        await last_seen.flush()
        await last_seen.flush()
    assert [line.split()[0] for line in sent] == ["UPDATE"]
    assert seen(session) == clock.now() + timedelta(seconds=99)


async def test_containers_speak_for_nobody(server: Any, clock: Any, session: Session) -> None:
    last_seen = LastSeen(server.app.state.works)
    last_seen.note(ContainerActor(1, "node", 1, frozenset(), frozenset(), Permissions(())), clock.now())
    await last_seen.flush()
    assert seen(session) is None


async def test_it_is_written_from_time_to_time(server: Any, clock: Any, session: Session) -> None:
    written = asyncio.Event()

    class Telling(LastSeen):
        async def flush(self) -> None:
            await super().flush()
            written.set()

    last_seen = Telling(server.app.state.works, every=0)
    running = asyncio.create_task(last_seen.run())
    last_seen.note(ROOT, clock.now())
    await asyncio.wait_for(written.wait(), 5)
    assert seen(session) == clock.now()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_what_is_not_written_yet_is_written_at_the_end(server: Any, clock: Any, session: Session) -> None:
    last_seen = LastSeen(server.app.state.works, every=3600)
    running = asyncio.create_task(last_seen.run())
    last_seen.note(ROOT, clock.now())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert seen(session) == clock.now()


async def test_a_request_is_noted_and_shown_once_the_server_has_stopped(
    settings: Any, clock: Any, session: Session, as_user: Any, server: Any
) -> None:
    assert (await as_user("root").get("/version")).status_code == 200
    assert (await as_user("root").get("/user/1")).json()["last_seen"] is None
    noted = server.app.state.last_used[0]
    await noted.flush()
    assert (await as_user("root").get("/user/1")).json()["last_seen"] == "2026-03-01T12:00:00"
