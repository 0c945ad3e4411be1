"""What the server gets of an ended run: status, sealed output and log."""

import builtins
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from hanse_core.states import RunStatus

SAID_BY_NODE = "node > "
KINDS_OF_ERROR = frozenset(
    name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)
)
TAIL_BYTES = 100_000
LOG_WITHHELD = "Node does not allow sharing algorithm logs"


class OutputUnusable(Exception):
    """The output cannot be sent; the message says why, for the log of the run."""


def answer(status: RunStatus, result: str, log: str) -> dict[str, Any]:
    """Give the final report of a run."""
    return {"status": status.value, "result": result, "log": log, "finished_at": now()}


def failed(log: str, *, after: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give the report of a run whose real answer the server cannot get."""
    earlier = f"{after['log']}\n" if after and after.get("log") else ""
    return answer(RunStatus.FAILED, "", earlier + note_line(log))


def now() -> str:
    """Give the time as stock servers insist on it: with microseconds, even when they are zero."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def log_text(printed: bytes, notes: list[str], *, share: bool) -> str:
    """Join what the algorithm printed (where it may be shown) and what this node has to say."""
    lines = [_unforged(printed.decode("utf-8", "replace").rstrip("\n")) if share else LOG_WITHHELD]
    return "\n".join([*(line for line in lines if line), *(note_line(note) for note in notes)])


def note_line(note: str) -> str:
    return f"{SAID_BY_NODE}{note}"


def kind_of_error(printed: bytes) -> str | None:
    """Name the kind of Python error with which a log ends: one of the language's own, never the text beside it."""
    for line in reversed(printed[-TAIL_BYTES:].decode("utf-8", "replace").splitlines()):
        name = line.partition(":")[0].strip()
        if name in KINDS_OF_ERROR:
            return name
    return None


def _unforged(printed: str) -> str:
    """Mark lines of an algorithm that look as if this node had written them."""
    return "\n".join(f"> {line}" if line.startswith(SAID_BY_NODE) else line for line in printed.split("\n"))


def read_output(path: Path, limit: int) -> bytes:
    """Read what the algorithm wrote; nothing when it wrote nothing. Raises `OutputUnusable`."""
    with opened_output(path, limit) as handle:
        return handle.read()


@contextmanager
def opened_output(path: Path, limit: int) -> Iterator[BinaryIO]:
    """Open what the algorithm wrote; nothing is in it when it wrote nothing. Raises `OutputUnusable`.

    A link or a pipe in its place is not followed: it would make the node read, and send, what the run may not see.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        yield BytesIO()
        return
    except OSError as error:
        raise OutputUnusable("the output is not a plain file, so it is not sent") from error
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1:
            raise OutputUnusable("the output is not a plain file, so it is not sent")
        if facts.st_size > limit:
            raise OutputUnusable(f"the output has {facts.st_size} bytes; this node sends at most {limit}")
        with os.fdopen(descriptor, "rb", closefd=False) as handle:
            yield handle
    finally:
        os.close(descriptor)
