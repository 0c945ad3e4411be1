"""A Squid of our own: a proxy that wants a password, as hospitals have it between their machines and the world."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docker_engine import wait_for

PROGRAM = "/usr/sbin/squid"
CHECKS_PASSWORDS = "/usr/lib/squid/basic_ncsa_auth"
USER, PASSWORD = "station", "geheim:1@#%"
_CONFIGURATION = """
{listens}
pid_filename {folder}/squid.pid
logformat told %un %rm %ru %>Hs
access_log stdio:{folder}/access.log logformat=told
cache_log {folder}/cache.log
cache deny all
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
hosts_file {folder}/hosts
auth_param basic program {checks} {folder}/passwords
auth_param basic children 1
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""


def is_possible() -> bool:
    return os.access(PROGRAM, os.X_OK) and os.access(CHECKS_PASSWORDS, os.X_OK) and shutil.which("openssl") is not None


@dataclass(frozen=True)
class Squid:
    """One at work on loopback."""

    port: int
    folder: Path
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def settings(self, **changed: str) -> dict[str, str]:
        """Give what a node's `proxy` section says of it."""
        return {"url": self.url, "username": USER, "password": PASSWORD, **changed}

    def told(self) -> list[str]:
        """Give its access log: user, method, destination and status of each request that has ended."""
        return (self.folder / "access.log").read_text().splitlines()


@contextmanager
def squid(hosts: Mapping[str, str] | None = None, certificate: Path | None = None) -> Iterator[Squid]:
    """Run one; `hosts` are names that it knows. With a certificate (its key in the same file) it speaks TLS."""
    folder = Path(tempfile.mkdtemp(prefix="h"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    names = "".join(f"{address} {name}\n" for name, address in (hosts or {}).items())
    (folder / "hosts").write_text(names)
    (folder / "passwords").write_text(f"{USER}:{_hashed(PASSWORD)}\n")
    listens = f"http_port 127.0.0.1:{port}"
    if certificate is not None:
        shutil.copy(certificate, folder / "certificate.pem")
        listens = f"https_port 127.0.0.1:{port} tls-cert={folder}/certificate.pem"
    values = {"listens": listens, "folder": folder, "checks": CHECKS_PASSWORDS}
    (folder / "squid.conf").write_text(_CONFIGURATION.format(**values))
    if os.geteuid() == 0:  # whose rights it drops
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "proxy", "proxy")
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen([PROGRAM, "-N", "-f", folder / "squid.conf"], stdout=output, stderr=output)
    try:
        found = Squid(port, folder, "https" if certificate else "http")
        wait_for("Squid", lambda: _listens(process, folder), 30, lambda: (folder / "output").read_text())
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(folder)


def _listens(process: "subprocess.Popen[bytes]", folder: Path) -> bool:
    assert process.poll() is None, (folder / "output").read_text()
    log = folder / "cache.log"
    return log.exists() and "Socket connections at" in log.read_text()


def _hashed(password: str) -> str:
    return subprocess.check_output(["openssl", "passwd", "-apr1", password], text=True).strip()
