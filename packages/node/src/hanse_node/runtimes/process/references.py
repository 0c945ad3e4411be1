"""What the journal keeps of a run: where its state lies and which process supervises it."""

import json
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hanse_node.runtimes.base import Exit
from hanse_node.runtimes.process.inside.processes import identity

LOST = Exit(-1, "lost")
NOWHERE = Path(os.devnull, "nowhere")


@dataclass(frozen=True, slots=True)
class Reference:
    """One supervised run, found again after a restart by process number and start time."""

    state: Path
    pid: int
    started: str

    def __str__(self) -> str:
        return json.dumps({"state": str(self.state), "pid": self.pid, "started": self.started})

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read what `str` wrote; anything else refers to a run that is lost."""
        try:
            fields = json.loads(text)
            return cls(Path(fields["state"]), int(fields["pid"]), str(fields["started"]))
        except (ValueError, KeyError, TypeError):
            return cls(NOWHERE, 0, "")

    @classmethod
    def of_state(cls, state: Path) -> "Reference | None":
        """Give the reference of a state folder; None when its run never began."""
        try:
            pid, started = (state / "process").read_text().split()
        except (OSError, ValueError):
            return None
        return cls(state, int(pid), started)

    def open(self) -> int | None:
        """Give a pidfd of the supervising process; None when it is gone or its number belongs to another by now."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:
            return None
        if identity(self.pid) == self.started:
            return descriptor
        os.close(descriptor)
        return None

    def ask_to_end(self) -> None:
        """Wake the supervising process; nothing happens when it is gone."""
        with suppress(OSError):
            control = os.open(self.state / "control", os.O_WRONLY | os.O_NONBLOCK)
            try:
                os.write(control, b"k")
            finally:
                os.close(control)

    def kill(self) -> None:
        """End the supervising process itself; what runs in its sandbox dies with it."""
        descriptor = self.open()
        if descriptor is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            os.close(descriptor)

    def exit(self) -> Exit:
        """Give how the run ended, once its supervising process is gone."""
        try:
            fields = json.loads((self.state / "exit").read_text())
            return Exit(int(fields["code"]), fields["reason"])
        except (OSError, ValueError, KeyError):
            return LOST

    def end_leftovers(self) -> None:
        """Kill what survived a supervising process that was itself killed: known by a variable no other run has."""
        with suppress(OSError):
            marker = (self.state / "marker").read_bytes()
            for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
                _kill_if_marked(pid, marker)

    def log(self, offset: int) -> bytes:
        """Give the log from an offset on."""
        try:
            with (self.state / "log").open("rb") as file:
                file.seek(offset)
                return file.read()
        except OSError:
            return b""


def _kill_if_marked(pid: int, marker: bytes) -> None:
    with suppress(OSError):
        descriptor = os.pidfd_open(pid)
        try:
            if marker in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)
