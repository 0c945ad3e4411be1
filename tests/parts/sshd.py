"""An SSH server of our own on loopback, which lets one key in and forwards to one port."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker_engine import wait_for

PROGRAM = "/usr/sbin/sshd"
_CONFIGURATION = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding local
PermitOpen 127.0.0.1:{target}
"""


def is_possible() -> bool:
    return os.geteuid() == 0 and os.access(PROGRAM, os.X_OK) and shutil.which("ssh-keygen") is not None


@dataclass
class Sshd:
    """One at work; it permits connections to `target` on its own loopback only."""

    port: int
    target: int
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    def tunnel(self, hostname: str = "my-data-source", at: int = 8000, **ssh: Any) -> dict[str, Any]:
        """Give what an entry of `ssh-tunnels` says of it."""
        server = {
            "host": "127.0.0.1",
            "port": self.port,
            "fingerprint": public(self.folder / "host"),
            "identity": {"username": "root", "key": str(self.folder / "client")},
            **ssh,
        }
        ends = {"bind": {"ip": "0.0.0.0", "port": at}, "dest": {"ip": "127.0.0.1", "port": self.target}}
        return {"hostname": hostname, "ssh": server, "tunnel": ends}

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([PROGRAM, "-D", "-e", "-f", self.folder / "config"], stdout=log, stderr=log)
        wait_for("sshd", self._listens, 30, (self.folder / "log").read_text)

    def stop(self) -> None:
        """End it with all of its sessions."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", self.port)) == 0


def key(path: Path) -> Path:
    """Make a pair of keys; gives the path of the private one."""
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(made, check=True, timeout=30)
    return path


def public(private: Path) -> str:
    """Give the public half of a key, without its comment."""
    return Path(f"{private}.pub").read_text().rpartition(" ")[0]


@contextmanager
def sshd(target: int) -> Iterator[Sshd]:
    """Run one."""
    folder = Path(tempfile.mkdtemp(prefix="h"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    key(folder / "host")
    shutil.copy(f"{key(folder / 'client')}.pub", folder / "authorized")
    (folder / "config").write_text(_CONFIGURATION.format(port=port, folder=folder, target=target))
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    found = Sshd(port, target, folder)
    try:
        found.start()
        yield found
    finally:
        found.stop()
        shutil.rmtree(folder)
