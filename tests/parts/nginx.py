"""An nginx of our own: what operators put before a server, to speak TLS."""

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

PROGRAM = "/usr/sbin/nginx"
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log info;
events {{ worker_connections 200; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    include {folder}/site.conf;
}}
"""


def is_possible() -> bool:
    return Path(PROGRAM).exists() and shutil.which("openssl") is not None


@dataclass(frozen=True)
class Nginx:
    """One at work on loopback."""

    port: int
    folder: Path
    authority: Path
    """Certificate to believe: for 127.0.0.1."""

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@contextmanager
def nginx(site: str, replaced: Mapping[str, str]) -> Iterator[Nginx]:
    """Run one with a site of `http`.

    Texts of it are replaced, each of which must be there; `{port}`, `{certificate}`, `{key}` in the new ones are ours.
    """
    folder = Path(tempfile.mkdtemp(prefix="h"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    for old, new in replaced.items():
        assert old in site, f"the site does not say {old!r}"
        site = site.replace(old, new.format(port=port, certificate=certificate, key=key))
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(_CONFIGURATION.format(folder=folder))
    log = folder / "error.log"
    process = subprocess.Popen([PROGRAM, "-p", folder, "-e", log, "-c", folder / "nginx.conf"])
    try:
        wait_for("nginx", lambda: _listens(process, port, log), 30, log.read_text)
        yield Nginx(port, folder, certificate)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(folder)


def _listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
