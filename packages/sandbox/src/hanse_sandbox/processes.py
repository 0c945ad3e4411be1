"""Child processes of a sandbox: started by one command each, watched, and ended by their pid."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hanse_core.errors import HanseError, Unavailable

STOP_SECONDS = 10.0
_POLL_SECONDS = 0.02


def free_port() -> int:
    """Find a port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One `hanse …` command as a separate process, its output in a log file."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None):
        self.name = name
        self.log = log
        self._arguments = [sys.executable, "-m", "hanse_core", *arguments]
        self._environment = {**os.environ, **(environment or {})}
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._child is None:
            raise Unavailable(f"{self.name} was not started")
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start it, in a session of its own, so that Ctrl-C in the terminal reaches only us."""
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                self._arguments,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ask_to_stop(self) -> None:
        """Ask it to end, without waiting."""
        if self.is_running and self._child is not None:
            self._child.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ask it to end and wait; after ten seconds make it."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a chance to tidy up, as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._child is None:
            return
        if self._child.poll() is None:
            self._child.send_signal(how)
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(STOP_SECONDS)

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for a sign of readiness; when the process ends or the time is up, raise with the end of its log."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_running:
                raise HanseError(f"{self.name} ended while starting; the end of its log says:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"{self.name} has not {what} within {seconds:.0f} s; its log says:\n{self.last_lines()}"
                )
            time.sleep(_POLL_SECONDS)

    def last_lines(self, count: int = 15) -> str:
        """Give the end of the log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(f"  {line}" for line in text.splitlines()[-count:])
