"""The node's own log beside standard error: a file that never grows beyond a few megabytes."""

import os
from contextlib import suppress
from pathlib import Path
from typing import TextIO

MOST_BYTES = 5_000_000
KEPT = 3


class LogFile:
    """Writes what it is given to two places; a full disk keeps nobody from working."""

    def __init__(self, path: Path, beside: TextIO, most: int = MOST_BYTES) -> None:
        self._path = path
        self._beside = beside
        self._most = most
        self._file: TextIO | None = None

    def write(self, text: str) -> None:
        self._beside.write(text)
        with suppress(OSError):
            self._opened().write(text)

    def flush(self) -> None:
        self._beside.flush()
        with suppress(OSError):
            file = self._opened()
            file.flush()
            if file.tell() > self._most:
                self._turn()

    def close(self) -> None:
        """Close the file; writing opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> TextIO:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(descriptor, "a", encoding="utf-8")
        return self._file

    def _turn(self) -> None:
        """Begin a new file, and drop the oldest."""
        self.close()
        for number in range(KEPT - 1, 0, -1):
            older = self._path.with_suffix(f".log.{number}")
            if older.exists():
                older.replace(self._path.with_suffix(f".log.{number + 1}"))
        self._path.replace(self._path.with_suffix(".log.1"))
