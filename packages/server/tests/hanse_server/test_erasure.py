"""What is erased is gone: from the tables, from the files of the database, and from the folders of large values."""

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table

from hanse_server import main
from hanse_server.settings import Settings
from hanse_server.settings.stores import StoreSettings, ValueSettings
from hanse_server.tasks.models import Blob, Run, Task
from hanse_web.db import Base

MARKS = ("NAME", "SHORT-INPUT", "LONG-INPUT", "SHORT-RESULT", "LONG-RESULT", "LOG", "DESCRIPTION", "QUERY", "LABEL")
LONG = 5000
ERASED = frozenset({"user_account", "organization", "collaboration", "identity"})


@pytest.fixture
def database_folder(tmp_path: Path) -> Path:
    """Where traces are looked for: everything that the server writes must be below."""
    return tmp_path


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"values": ValueSettings(inline_bytes=1024), "large_result_store": None, "blobs": StoreSettings()}
    )


def encoded(mark: str, length: int = 0) -> str:
    """Write a mark as an input that says it again and again; found by its base64, as it is not encoded any more."""
    return base64.b64encode(f"{mark:*<30}".encode() * max(1, length // 30)).decode()


def traces(folder: Path, marks: list[str]) -> dict[str, list[str]]:
    """Search all files for marks; gives those that were found, by file."""
    found = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        wanted = {mark: (mark.encode(), base64.b64encode(f"{mark:*<30}".encode())) for mark in marks}
        here = [mark for mark, forms in wanted.items() if any(form in content for form in forms)]
        if here:
            found[file.name] = here
    return found


@pytest.fixture
def plant(clients: Any, world: Any) -> Callable[..., Any]:
    """Have a user create tasks with marks everywhere: one that ended, and one that runs at both organizations."""

    async def plant(user: str, prefix: str) -> list[str]:
        marks = [f"{prefix}-{mark}" for mark in MARKS]
        named = dict(zip(MARKS, marks, strict=True))
        for length in ("SHORT", "LONG"):
            text = encoded(named[f"{length}-INPUT"], LONG if length == "LONG" else 0)
            places = [{"id": place.id, "input": text} for place in (world.alpha, world.beta)]
            body = {
                "collaboration_id": world.main.id,
                "image": "i",
                "name": named["NAME"],
                "description": named["DESCRIPTION"],
                "databases": [{"label": named["LABEL"], "query": named["QUERY"]}],
                "organizations": places,
            }
            answer = await clients.user(user).post("/task", json=body)
            assert answer.status_code == 201, answer.text
            runs = await clients.runs(answer.json()["id"])
            result = encoded(named[f"{length}-RESULT"], LONG if length == "LONG" else 0)
            ended = await clients.finish("alpha_main", runs[world.alpha.id]["id"], result=result, log=named["LOG"])
            assert ended.status_code == 200, ended.text
        return marks

    return plant


@pytest.fixture
def swept(server: Any, until: Any, session: Any) -> Callable[[], Any]:
    """Wait until the server has deleted what is to be deleted."""

    async def wait() -> None:
        await asyncio.sleep(0)
        await until(lambda: session.rollback() or session.query(Blob).filter(Blob.run_id.is_(None)).count() == 0)
        session.rollback()
        while not await server.app.state.janitor.forget():  # noqa: ASYNC110  (a reader may be in its way)
            await asyncio.sleep(0.01)

    return wait


# What a PostgreSQL server keeps in its files is its own affair; in SQLite's, nothing may be left.
in_files = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@in_files
async def test_the_marks_are_found_before_they_are_erased(tmp_path: Path, plant: Any, server: Any) -> None:
    marks = await plant("alice", "MARK")
    found = {mark for here in traces(tmp_path, marks).values() for mark in here}
    assert found == set(marks)


@in_files
async def test_an_erased_user_leaves_no_trace(
    clients: Any, world: Any, plant: Any, swept: Any, tmp_path: Path, session: Any
) -> None:
    erased, kept = await plant("alice", "ERASED"), await plant("carl", "KEPT")
    personal = [world.users["alice"].email]
    answer = await clients.user("root").delete(f"/user/{world.users['alice'].id}", params={"delete_dependents": "true"})
    assert answer.status_code == 200, answer.text
    await swept()
    assert traces(tmp_path, [*erased, *personal]) == {}
    assert {mark for here in traces(tmp_path, kept).values() for mark in here} == set(kept)
    assert {task.init_user_id for task in session.query(Task)} == {world.users["carl"].id}


@in_files
async def test_a_closed_collaboration_leaves_no_trace(
    clients: Any, world: Any, plant: Any, swept: Any, tmp_path: Path
) -> None:
    marks = [*await plant("alice", "ERASED"), *await plant("carl", "TOO")]
    path = f"/collaboration/{world.main.id}"
    answer = await clients.user("root").delete(path, params={"delete_dependents": "true"})
    assert answer.status_code == 200, answer.text
    await swept()
    assert traces(tmp_path, [*marks, world.alpha_main.name]) == {}


async def test_an_erased_organization_leaves_no_trace(
    clients: Any, world: Any, plant: Any, swept: Any, tmp_path: Path, session: Any
) -> None:
    erased, others = await plant("alice", "ERASED"), await plant("carl", "OTHERS")
    path = f"/organization/{world.alpha.id}"
    answer = await clients.user("root").delete(path, params={"delete_dependents": "true"})
    assert answer.status_code == 200, answer.text
    await swept()
    results = [mark for mark in others if "RESULT" in mark]  # of beta's tasks, but alpha's data
    assert traces(tmp_path, [*erased, *results, world.users["alice"].email]) == {}
    assert {run.organization_id for run in session.query(Run)} == {world.beta.id}


@pytest.mark.parametrize("what", ["user", "organization", "collaboration", "study"])
async def test_the_nodes_are_told_to_stop_what_is_erased(
    clients: Any, world: Any, bus: Any, until: Any, what: str
) -> None:
    fields = {"study_id": world.study.id} if what == "study" else {}
    task = await clients.task(organizations="alpha" if what == "study" else "alpha beta", **fields)
    other = await clients.task("carl", organizations="beta")
    keys = {
        "user": world.users["alice"].id,
        "organization": world.alpha.id,
        "collaboration": world.main.id,
        "study": world.study.id,
    }
    path = f"/{what}/{keys[what]}"
    assert (await clients.user("root").delete(path, params={"delete_dependents": "true"})).status_code == 200
    await until(lambda: any(event.name == "kill_containers" for event in bus.told))
    (told,) = (event for event in bus.told if event.name == "kill_containers")
    killed = {row["task_id"] for row in told.data["kill_list"]}
    assert killed == ({task["id"], other["id"]} if what == "collaboration" else {task["id"]})
    assert list(told.rooms) == [f"collaboration_{world.main.id}"]


async def test_who_waits_for_an_erased_task_is_answered(clients: Any, world: Any, server: Any, until: Any) -> None:
    task = await clients.task()
    watch = server.app.state.watch
    waiting = asyncio.create_task(clients.user("carl").get(f"/task/{task['id']}/status"))
    await until(lambda: watch.waiting)
    path = f"/user/{world.users['alice'].id}"
    assert (await clients.user("root").delete(path, params={"delete_dependents": "true"})).status_code == 200
    assert (await waiting).json() == {"status": "killed by user"}


def _references() -> list[tuple[Table, str]]:
    assert main
    return [
        (table, foreign.ondelete or "nothing")
        for table in Base.metadata.sorted_tables
        for foreign in table.foreign_keys
        if foreign.column.table.name in ERASED
    ]


def test_nothing_that_refers_to_somebody_erased_stays_behind() -> None:
    """Everything goes with them, but for what is deleted by the janitor, or is not about them."""
    staying = {table.name for table, ondelete in _references() if ondelete != "CASCADE"}
    assert staying <= {"blob", "node", "task", "algorithm_store"}
