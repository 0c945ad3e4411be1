"""Blobs that a v4 server stored, at the server that took its database over: read, resumed, answered, and erased."""

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from hanse_core.permissions import DEFAULT_ROLES
from hanse_server.main import create_app
from hanse_server.settings import Settings
from hanse_server.transfer import v4

from ...conftest import running

ROOT = next(number for number, role in enumerate(DEFAULT_ROLES, start=1) if role.name == "Root")
FINISHED = "2026-03-01T11:59:59.5"
QUESTION, RESULT = b"what a stock client sealed", b"what a stock node answered"


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the blobs of both servers are, under the names that v4 gave them; ours is told of it."""
    folder = tmp_path / "container"
    monkeypatch.setenv("HANSE_SERVER_LARGE_RESULT_STORE__FOLDER", str(folder))
    return folder


def put(container: Path, content: bytes) -> str:
    key = str(uuid.uuid4())
    (container / key[:2]).mkdir(parents=True, exist_ok=True)
    (container / key[:2] / key).write_bytes(content)
    return key


def files(container: Path) -> set[str]:
    return {path.name for path in container.rglob("*") if path.is_file()}


def test_blobs_of_v4_go_on_working(old: Any, move: Callable[..., str], new_uri: str, container: Path) -> None:
    question, result, waiting, kept = (put(container, content) for content in (QUESTION, RESULT, QUESTION, QUESTION))
    old.user(1, "root")
    old.add(v4.user_role, user_id=1, role_id=ROOT)
    old.node(5, "alpha node")
    for task, key in ((1, question), (2, waiting), (3, kept)):
        old.task(task, init_user_id=1, init_org_id=1)
        old.run(task, task, blob_storage_used=True, input=key, result=result if task == 1 else None)
    move()

    async def go_on() -> None:
        app = create_app(Settings(uri=new_uri))
        async with running(app):
            root, node = (caller(app, "user", 1), caller(app, "node", 5))
            assert (await root.get("/run/1")).json()["input"] == question
            told = (await root.get("/result/1")).json()
            assert (told["result"], told["blob_storage_used"]) == (result, True)
            assert (await root.get(f"/blobstream/{result}")).content == RESULT
            assert (await node.get(f"/blobstream/{waiting}")).content == QUESTION
            rest = await root.get(f"/blobstream/{question}", headers={"Range": "bytes=5-"})
            assert (rest.status_code, rest.content) == (206, QUESTION[5:])

            answer = (await node.post("/blobstream", content=RESULT)).json()["uuid"]
            ended = await node.patch("/run/2", json={"result": answer, "status": "completed", "finished_at": FINISHED})
            assert ended.status_code == 200, ended.text
            assert (await root.get(f"/blobstream/{answer}")).content == RESULT

            for task in (1, 2):
                assert (await root.delete(f"/task/{task}")).status_code == 200
            async with asyncio.timeout(30):
                while files(container) != {kept}:  # noqa: ASYNC110  (files ring no bell)
                    await asyncio.sleep(0.01)
            assert (await root.get(f"/blobstream/{kept}")).content == QUESTION
            for client in (root, node):
                await client.aclose()

    asyncio.run(go_on())


def caller(app: Any, kind: str, subject: int) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {app.state.tokens.issue(subject, kind)}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hanse.test/api", headers=headers)
