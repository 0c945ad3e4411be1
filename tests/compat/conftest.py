"""Stock packages, unmodified, each in an environment of its own; the v4 server, and a client of its REST API."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
import yaml

VERSION = "4.15.2"
SECRET = "a secret of the v4 server, which has more than 32 bytes"
OPTIONS = (
    "--gevent 200 --http-websockets --http-chunked-input --http-keepalive --post-buffering 0 --master --die-on-term "
    "--callable app --disable-logging"
)


class StockServer:
    """Runs on a database, which it makes where there is none."""

    def __init__(self, python: Path, folder: Path, uri: str, port: int, **settings: Any) -> None:
        self.python, self.folder, self.uri, self.port = python, folder, uri, port
        self.host: str = settings.get("ip", "127.0.0.1")
        folder.mkdir(exist_ok=True)
        self.config = folder / "config.yaml"
        logging = {"level": "INFO", "file": "server.log", "use_console": True, "backup_count": 5, "max_size": 1024}
        logging |= {"format": "%(levelname)s %(message)s", "datefmt": "%H:%M", "loggers": []}
        values = {"description": "test", "ip": self.host, "port": port, "api_path": "/api", "uri": uri}
        values |= {"allow_drop_all": False, "jwt_secret_key": SECRET, "logging": logging}
        self.config.write_text(yaml.safe_dump({**values, **settings}))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/api"

    def start(self) -> None:
        """Start, and wait until it answers."""
        home = self.python.parent.parent
        (package,) = home.glob("lib/python3.*/site-packages/vantage6/server/wsgi.py")
        command = [home / "bin/uwsgi", "--http", f"{self.host}:{self.port}", *OPTIONS.split(), "--wsgi-file", package]
        command += ["--virtualenv", home, "--pyargv", self.config]
        with (self.folder / "out.log").open("ab") as log:
            environment = {**os.environ, "HOME": str(self.folder)}
            self.process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if httpx.get(f"{self.url}/version", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            assert self.process.poll() is None, self.log()
            time.sleep(0.2)
        raise AssertionError(self.log())

    def log(self) -> str:
        return (self.folder / "out.log").read_text()[-6000:]

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


class Rest:
    """One identity at a server that speaks v4: ours or the stock one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._headers: dict[str, str] = {}
        self.tokens: dict[str, Any] = {}

    def __call__(self, method: str, path: str, **body: Any) -> Any:
        arguments: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
        answer = httpx.request(method, self._url + path, headers=self._headers, timeout=30, **arguments)
        assert answer.status_code in (200, 201), f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def use(self, token: str) -> "Rest":
        self._headers["Authorization"] = f"Bearer {token}"
        return self

    def log_in(
        self, username: str, password: str, otp_secret: str | None = None, code: str | None = None
    ) -> str | None:
        """Log in, setting up a second factor where the server wants one; gives its secret."""
        body = {"username": username, "password": password}
        if code is None and otp_secret is not None:
            code = pyotp.TOTP(otp_secret).now()
        if code is not None:
            body["mfa_code"] = code
        answer = self("POST", "/token/user", **body)
        if "otp_secret" in answer:
            return self.log_in(username, password, answer["otp_secret"])
        assert "access_token" in answer, answer
        self.tokens = answer
        self.use(answer["access_token"])
        return otp_secret

    def log_in_node(self, api_key: str) -> None:
        self.tokens = self("POST", "/token/node", api_key=api_key)
        self.use(self.tokens["access_token"])


@pytest.fixture(scope="session")
def stock_client(environment: Callable[..., Path]) -> Path:
    """Python with the unmodified v4 client."""
    return environment(f"vantage6-client=={VERSION}", "pyotp")


@pytest.fixture(scope="session")
def stock_server_python(environment: Callable[..., Path], python310: str) -> Path:
    """Python 3.10, the only one it works on, with the unmodified v4 server."""
    packages = (f"vantage6-server=={VERSION}", f"vantage6-backend-common=={VERSION}", "uwsgi", "psycopg2-binary")
    return environment(*packages, python=python310)


@pytest.fixture(scope="session")
def stock_server(stock_server_python: Path) -> Callable[..., StockServer]:
    """Make a v4 server: `stock_server(folder, uri, port, **settings)`; the test starts and stops it."""
    return lambda *arguments, **settings: StockServer(stock_server_python, *arguments, **settings)


@pytest.fixture(scope="session")
def rest() -> type[Rest]:
    """One identity at a server that speaks v4: `rest(url)`."""
    return Rest
