"""Inputs and results of a v4 database: what is too large for ours, and what was in a container of blobs."""

import asyncio
import base64
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hanse_server.main import create_app
from hanse_server.settings import Settings
from hanse_server.settings.stores import StoreSettings
from hanse_server.tasks.models import Blob, Job, Run, Task
from hanse_server.tasks.places import make_stores
from hanse_server.tasks.values import Place
from hanse_server.transfer import v4

Move = Callable[..., str]


def test_blobs_stay_where_they_are_and_belong_to_their_runs(old: Any, move: Move, new: Session) -> None:
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    old.task(1)
    old.run(1, 1, blob_storage_used=True, input=first, result=second)
    old.run(2, 1, blob_storage_used=True, input=first, result="")
    said = move()
    assert "`large_result_store` must name the container" in said
    assert "cannot be resumed" in said
    blobs = {blob.key: (blob.run_id, blob.field, blob.place) for blob in new.scalars(select(Blob))}
    assert blobs == {first: (1, "input", "blobs"), second: (1, "result", "blobs")}


async def _content(settings: Settings, place: Place, key: str) -> bytes:
    return b"".join([chunk async for chunk in make_stores(settings)[place].open(key)])


def test_values_too_large_for_the_database_go_where_such_go(
    old: Any, move: Move, new: Session, tmp_path: Path, back: Any
) -> None:
    long = base64.b64encode(bytes(range(256)) * 400).decode()
    old.task(1)
    old.run(1, 1, input="e30=", result=long)
    old.run(2, 1, input=long, result=None)
    move()
    first, second = new.scalars(select(Run).order_by(Run.id))
    assert (first.input, first.input_key, first.result) == ("e30=", None, None)
    assert (second.input, second.result, second.result_key) == (None, None, None)
    rows = {blob.key: blob for blob in new.scalars(select(Blob))}
    assert {key: (row.run_id, row.field, row.place, row.size) for key, row in rows.items()} == {
        first.result_key: (1, "result", "values", len(long)),
        second.input_key: (2, "input", "values", len(long)),
    }
    assert all(row.settled_at is not None for row in rows.values())
    stored = Settings(blobs=StoreSettings(folder=tmp_path / "values"))
    assert asyncio.run(_content(stored, Place.VALUES, first.result_key or "")).decode() == long
    _, read = back()
    assert [(row.input, row.result) for row in read(v4.run)] == [("e30=", long), (long, None)]


def test_a_failure_in_the_middle_leaves_no_value_either(old: Any, move: Move, tmp_path: Path) -> None:
    old.task(1)
    old.run(1, 1, result="x" * 100_000)
    with old.engine.begin() as connection:
        columns = "id, task_id, organization_id, status, input"
        connection.execute(text(f"INSERT INTO run ({columns}) VALUES (20, 1, 1, 'x', CAST(x'ff' AS TEXT))"))
    for number in range(2, 20):
        old.run(number, 1)
    with pytest.raises(OperationalError, match="UTF-8"):
        move()
    assert [path for path in (tmp_path / "values").rglob("*") if path.is_file()] == []


def test_blobs_of_a_store_that_is_set_are_measured(
    old: Any, move: Move, new: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANSE_SERVER_LARGE_RESULT_STORE__FOLDER", str(tmp_path / "blobs"))
    here, gone = str(uuid.uuid4()), str(uuid.uuid4())
    (tmp_path / "blobs" / here[:2]).mkdir(parents=True)
    (tmp_path / "blobs" / here[:2] / here).write_bytes(b"12345")
    old.task(1)
    old.run(1, 1, blob_storage_used=True, input=here, result=gone)
    assert "cannot be resumed" not in move()
    assert {blob.key: blob.size for blob in new.scalars(select(Blob))} == {here: 5, gone: None}


async def test_a_blob_whose_size_v4_never_told_is_given_as_a_whole(
    settings: Settings, make: Any, world: Any, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"large_result_store": StoreSettings(folder=tmp_path / "blobs")})
    key, now = str(uuid.uuid4()), datetime(2026, 1, 1, tzinfo=UTC)

    async def content() -> AsyncIterator[bytes]:
        yield b"what a v4 server stored"

    await make_stores(settings)[Place.BLOBS].put(key, content())
    job = make.add(Job())
    task = make.add(Task(image="i", job_id=job.id, collaboration_id=world.main.id, created_at=now))
    run = make.add(Run(task_id=task.id, organization_id=world.alpha.id, assigned_at=now, result=key))
    make.add(Blob(key=key, place="blobs", run_id=run.id, field="result", created_at=now, settled_at=now))
    app = create_app(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hanse.test/api") as client:
        client.headers["Authorization"] = f"Bearer {app.state.tokens.issue(world.users['alice'].id, 'user')}"
        answer = await client.get(f"/blobstream/{key}", headers={"Range": "bytes=0-3"})
    app.state.engine.dispose()
    assert (answer.status_code, answer.content) == (200, b"what a v4 server stored")
