"""The node's folders on disk: one per run, one per job, the answers that wait for the server, and the lock."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from hanse_node.errors import CannotStart

INPUT, OUTPUT, TOKEN = "input", "output", "token"
REMOVAL_SECONDS = 60.0
IDLE_JOB_SECONDS = 3600.0
"""A job's temporary folder outlives its last run here by this long: its next round may still come."""


class Workspace:
    """Knows where everything lies below the node's directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock: IO[str] | None = None
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in ("runs", "jobs", "answers", "sockets", "tokens", "inputs"):
            (directory / folder).mkdir(exist_ok=True, mode=0o700)

    @property
    def journal(self) -> Path:
        return self.directory / "journal.sqlite"

    @property
    def membership(self) -> Path:
        return self.directory / "membership.json"

    @property
    def control(self) -> Path:
        return self.directory / "control"

    @property
    def known_keys(self) -> Path:
        return self.directory / "keys.json"

    @property
    def secret(self) -> Path:
        return self.directory / "proxy.key"

    def lock(self) -> None:
        """Claim the directory for this process. Raises `CannotStart` when another node holds it."""
        handle = (self.directory / "node.lock").open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            handle.close()
            raise CannotStart(
                f"another node (process {holder}) works in {self.directory}; stop it, or give this node a directory "
                "of its own"
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        self._lock = handle

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def folder(self, run_id: int) -> Path:
        return self.directory / "runs" / f"task-{run_id:09d}"

    def socket(self, run_id: int) -> Path:
        """Where the run's proxy listens; the folder is the run's alone."""
        folder = self.directory / "sockets" / str(run_id)
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder / "s"

    def temporary(self, job_id: int) -> Path:
        """Give the job's folder, made when absent, and note that it is in use."""
        folder = self.directory / "jobs" / str(job_id)
        folder.mkdir(exist_ok=True, mode=0o700)
        os.utime(folder)
        return folder

    def incoming(self, run_id: int) -> Path:
        """Where an input lies while it is fetched."""
        return self.directory / "inputs" / str(run_id)

    def prepare(self, run_id: int, payload: bytes | Path, token: str) -> Path:
        """Make the run's folder with its three files, afresh; an input that was fetched is moved there."""
        folder = self.folder(run_id)
        _remove(folder)
        folder.mkdir(mode=0o700)
        if isinstance(payload, Path):
            payload.replace(folder / INPUT)
        else:
            (folder / INPUT).write_bytes(payload)
        (folder / OUTPUT).touch()
        (folder / TOKEN).write_text(token)
        self._token(run_id).write_text(token)
        return folder

    def token(self, run_id: int) -> str | None:
        """Read back the token that a run was given before a restart."""
        try:
            return self._token(run_id).read_text().strip()
        except OSError:
            return None

    def keep_answer(self, run_id: int, answer: dict[str, Any]) -> None:
        """Store what the server is to get, safe against a crash half-way."""
        path = self._answer(run_id)
        partial = path.with_suffix(".part")
        with partial.open("w") as handle:
            json.dump(answer, handle)
            handle.flush()
            os.fsync(handle.fileno())
        partial.replace(path)
        _sync_folder(path.parent)

    def blob(self, run_id: int) -> Path:
        """Where the result lies that is to be uploaded before the answer is sent."""
        return self._answer(run_id).with_suffix(".blob")

    def answer(self, run_id: int) -> dict[str, Any] | None:
        """Read what the server is to get; None when it is gone or damaged."""
        try:
            answer = json.loads(self._answer(run_id).read_text())
        except (OSError, ValueError):
            return None
        return answer if isinstance(answer, dict) else None

    def clear(self, run_id: int) -> None:
        """Remove everything of a run that is done."""
        _remove(self.folder(run_id))
        shutil.rmtree(self.directory / "sockets" / str(run_id), ignore_errors=True)
        self._token(run_id).unlink(missing_ok=True)
        self.incoming(run_id).unlink(missing_ok=True)
        self.blob(run_id).unlink(missing_ok=True)
        self._answer(run_id).unlink(missing_ok=True)

    def strays(self, known: Iterable[int]) -> list[int]:
        """Name runs that left something here but that nobody works on any more."""
        found = {int(path.name.removeprefix("task-")) for path in self.directory.glob("runs/task-*")}
        found |= {int(path.name) for kind in ("sockets", "inputs") for path in self.directory.glob(f"{kind}/*")}
        found |= {int(path.stem) for path in self.directory.glob("answers/*.json")}
        return sorted(found - set(known))

    def clear_jobs(self, busy: Iterable[int], idle_seconds: float = IDLE_JOB_SECONDS) -> list[int]:
        """Remove the temporary folders of jobs that are not busy and were not used for a while; name them."""
        busy, cleared = set(busy), []
        for folder in (self.directory / "jobs").iterdir():
            job_id = int(folder.name)
            if job_id in busy:
                os.utime(folder)
            elif time.time() - folder.stat().st_mtime > idle_seconds:
                _remove(folder)
                cleared.append(job_id)
        return cleared

    def _token(self, run_id: int) -> Path:
        """Our own copy: what lies in the run's folder is the run's to change."""
        return self.directory / "tokens" / str(run_id)

    def _answer(self, run_id: int) -> Path:
        return self.directory / "answers" / f"{run_id}.json"


def _remove(folder: Path) -> None:
    """Remove what a run has written, however deep it lies and whatever modes it has; links are never followed."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.is_dir() and not folder.is_symlink():
        # These two walk without recursion and without long paths, which Python 3.11 does not.
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*command, "--", folder], check=False, capture_output=True, timeout=REMOVAL_SECONDS)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
