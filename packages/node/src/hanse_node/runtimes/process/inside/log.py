"""The log of one run on disk: the first part, the last part, and how much lies between."""

import os


class Log:
    """Keep at most `limit` bytes, whatever comes."""

    def __init__(self, path: str, limit: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._room = limit - limit // 2
        self._keep = limit // 2
        self._last = bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        """Write the first part at once; hold the last part in memory, since nobody knows yet that it is the last."""
        written = self._write(data[: self._room])
        self._room -= written
        self._last += data[written:]
        excess = len(self._last) - self._keep
        if excess > 0:
            self._dropped += excess
            del self._last[:excess]

    def finish(self) -> None:
        """Write what was held, after a line that says what is missing."""
        if self._dropped:
            self._write(f"\n[log cut: {self._dropped} bytes left out here]\n".encode())
        self._write(bytes(self._last))
        os.close(self._file)

    def say(self, text: str) -> None:
        """Add a line of the engine's own."""
        self.add(f"\n[{text}]\n".encode())

    def _write(self, data: bytes) -> int:
        """Give how much was written; a full disk must not end the supervision of the run."""
        try:
            return os.write(self._file, data) if data else 0
        except OSError:
            self._room = 0
            return 0
