"""Values of any size pass a real server in little memory."""

import hashlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hanse_server.identity.signing import signing_secret
from hanse_server.settings import Settings
from hanse_web.auth import Tokens
from hanse_web.clock import SystemClock

MEGABYTES = 300
GROWTH = 60 << 20
CHUNK = b"QUFB" * (1 << 16)
CHUNKS = MEGABYTES * (1 << 20) // len(CHUNK)
HEADERS = {"Content-Type": "application/json"}

pytestmark = pytest.mark.timeout(300)


class Process:
    """A server in a process of its own, whose memory is counted."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        config = folder / "server.yaml"
        secret = signing_secret(settings)
        config.write_text(
            f"uri: {settings.uri}\njwt_secret_key: '{secret}'\nport: 0\n"
            f"large_result_store: {{type: files, folder: {folder / 'uploads'}}}\n"
        )
        command = [sys.executable, "-m", "hanse_core", "server", "start", "--config", str(config)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "server-started" in line:
                self.url = line.split("url=")[1].split()[0]
                break
        self.tokens = Tokens(secret, SystemClock())

    def client(self, kind: str, subject: int) -> httpx.Client:
        token = self.tokens.issue(subject, kind)
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=120)

    def peak(self) -> int:
        """Give the most memory that the process ever had, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) << 10


@pytest.fixture
def process(settings: Settings, tmp_path: Path) -> Iterator[Process]:
    process = Process(settings, tmp_path)
    yield process
    process.process.send_signal(signal.SIGTERM)
    process.process.communicate(timeout=30)


def _body(before: bytes, after: bytes) -> Iterator[bytes]:
    yield before
    for _ in range(CHUNKS):
        yield CHUNK
    yield after


def _digest(answer: httpx.Response) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for chunk in answer.iter_bytes():
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def _expected() -> tuple[str, int]:
    digest = hashlib.sha256()
    for _ in range(CHUNKS):
        digest.update(CHUNK)
    return digest.hexdigest(), CHUNKS * len(CHUNK)


def test_a_result_of_hundreds_of_megabytes_takes_little_memory(process: Process, world: Any) -> None:
    alice, node = process.client("user", world.users["alice"].id), process.client("node", world.alpha_main.id)
    with alice, node:
        uuid = alice.post("/blobstream", content=b"e30=").json()["uuid"]
        organizations = [{"id": world.alpha.id, "input": uuid}]
        body = {"image": "i", "collaboration_id": world.main.id, "organizations": organizations}
        task = alice.post("/task", json=body).json()
        (run,) = alice.get("/run", params={"task_id": task["id"]}).json()["data"]
        for path in (f"/run/{run['id']}", f"/result/{run['id']}", f"/blobstream/{uuid}"):
            assert alice.get(path).status_code == 200
        before = process.peak()

        report = _body(b'{"result": "', b'"}')
        assert node.patch(f"/run/{run['id']}", content=report, headers=HEADERS).status_code == 200
        with alice.stream("GET", f"/result/{run['id']}") as answer:
            assert answer.status_code == 200
            assert _digest(answer)[1] > CHUNKS * len(CHUNK)

        blob = node.post("/blobstream", content=_body(b"", b"")).json()["uuid"]
        final = {"result": blob, "status": "completed", "finished_at": "2026-03-01T11:59:59.5"}
        assert node.patch(f"/run/{run['id']}", json=final).status_code == 200
        with alice.stream("GET", f"/blobstream/{blob}") as answer:
            assert _digest(answer) == _expected()

        assert process.peak() - before < GROWTH
