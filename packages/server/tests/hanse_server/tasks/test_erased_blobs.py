"""Blobs of the v4 protocol go with those whose they are: from the database, and from their store."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_server.settings import Settings
from hanse_server.settings.stores import StoreSettings
from hanse_server.tasks.models import Blob
from hanse_server.tasks.values import Place
from s3_store import MOTO, s3_store


@pytest.fixture(scope="module")
def bucket(environment: Callable[..., Path]) -> Iterator[dict[str, Any]]:
    """An S3 service with a bucket; gives the settings that lead there."""
    with s3_store(environment(MOTO)) as endpoint:
        httpx.put(f"{endpoint}/blobs").raise_for_status()
        yield {"type": "s3", "bucket": "blobs", "region": "us-east-1", "endpoint": endpoint, "access_key_id": "k"}


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    store = StoreSettings(folder=tmp_path / "blobs")
    if getattr(request, "param", "files") == "s3":
        bucket = request.getfixturevalue("bucket")
        store = StoreSettings(**bucket, prefix=f"{uuid4()}", secret_access_key="s")  # type: ignore[arg-type]
    return settings.model_copy(update={"large_result_store": store})


async def upload(client: httpx.AsyncClient) -> str:
    answer = await client.post("/blobstream", content=b"e30=")
    assert answer.status_code == 201, answer.text
    uuid: str = answer.json()["uuid"]
    return uuid


@pytest.fixture
def ask(clients: Any, world: Any) -> Callable[..., Any]:
    """Have a user ask alpha by a blob, and alpha answer by one; gives the task, and what is stored of it."""

    async def ask(user: str, **fields: Any) -> tuple[int, set[str]]:
        question = await upload(clients.user(user))
        body = {"image": "i", "collaboration_id": world.main.id, **fields}
        answer = await clients.user(user).post(
            "/task", json={**body, "organizations": [{"id": world.alpha.id, "input": question}]}
        )
        assert answer.status_code == 201, answer.text
        (run,) = (await clients.runs(answer.json()["id"])).values()
        result = await upload(clients.node("alpha_main"))
        ended = await clients.finish("alpha_main", run["id"], result=result)
        assert ended.status_code == 200, ended.text
        return answer.json()["id"], {question, result}

    return ask


@pytest.fixture
def left(server: Any, session: Session, until: Any) -> Callable[[], Any]:
    """Wait until the server has deleted what is to be deleted; gives what is in the store then."""

    def all_have_owners() -> bool:
        session.rollback()
        return not session.scalars(select(Blob.key).where(Blob.run_id.is_(None))).all()

    async def stored() -> set[str]:
        await until(all_have_owners)
        kept = {found.key async for found in server.app.state.values.stores[Place.BLOBS].list()}
        assert kept == set(session.scalars(select(Blob.key)))
        return kept

    return stored


PATHS: dict[str, Callable[[Any, int], str]] = {
    "user": lambda world, _: f"/user/{world.users['alice'].id}",
    "collaboration": lambda world, _: f"/collaboration/{world.main.id}",
    "organization": lambda world, _: f"/organization/{world.alpha.id}",
    "study": lambda world, _: f"/study/{world.study.id}",
    "task": lambda _, task: f"/task/{task}",
}


@pytest.mark.parametrize(
    ("settings", "erased"),
    [*(("files", erased) for erased in PATHS), pytest.param("s3", "user", marks=pytest.mark.needs("uv"))],
    indirect=["settings"],
)
async def test_what_belonged_to_the_erased_is_deleted_and_nothing_else(
    clients: Any, world: Any, ask: Any, left: Any, erased: str
) -> None:
    task, doomed = await ask("alice", **({"study_id": world.study.id} if erased == "study" else {}))
    _, others = await ask("carl")
    assert await left() == doomed | others
    path = PATHS[erased](world, task)
    answer = await clients.user("root").delete(path, params={"delete_dependents": "true"})
    assert answer.status_code == 200, answer.text
    # Carl's question goes, too, with the collaboration that it was asked in, and with the only one who answers it.
    assert await left() == (set() if erased in ("collaboration", "organization") else others)


async def test_a_blob_that_an_erased_user_did_not_use_yet_is_deleted(clients: Any, world: Any, left: Any) -> None:
    await upload(clients.user("alice"))
    answer = await clients.user("root").delete(f"/user/{world.users['alice'].id}", params={"delete_dependents": "true"})
    assert answer.status_code == 200, answer.text
    assert await left() == set()
