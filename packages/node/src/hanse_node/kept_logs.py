"""What ended runs have printed, for whoever runs this station: a file each, until it is old or space is short."""

import os
import time
from contextlib import suppress
from pathlib import Path

from hanse_node.settings import Settings

DAY = 86_400.0


class KeptLogs:
    """The folder `logs` of a node. What is in it never leaves this machine."""

    def __init__(self, folder: Path, *, days: float, most_bytes: int) -> None:
        self._folder = folder
        self._days = days
        self._most_bytes = most_bytes

    @classmethod
    def of(cls, settings: Settings) -> "KeptLogs":
        """Give those of a node."""
        return cls(settings.directory / "logs", days=settings.run_logs.days, most_bytes=settings.run_logs.bytes)

    def path(self, run_id: int) -> Path:
        return self._folder / f"run-{run_id}.log"

    def keep(self, run_id: int, printed: bytes) -> None:
        """Write the log of an ended run, readable for the node's user only. Raises `OSError` when the disk is full."""
        if not self._days:
            return
        self._folder.mkdir(exist_ok=True, mode=0o700)
        partial = self.path(run_id).with_suffix(".part")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(printed)
        partial.replace(self.path(run_id))

    def tidy(self) -> None:
        """Remove what is older than the days, then the oldest until the rest fits."""
        found = [(path, path.stat()) for path in self._folder.glob("run-*")]
        oldest = time.time() - self._days * DAY
        left = 0
        for path, facts in sorted(found, key=lambda each: each[1].st_mtime, reverse=True):
            left += facts.st_size
            if facts.st_mtime < oldest or left > self._most_bytes:
                with suppress(FileNotFoundError):
                    path.unlink()
