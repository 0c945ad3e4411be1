"""The demo as a person runs it: a folder, a federation, Ctrl-C, and nothing left behind."""

import json
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from rich.console import Console

from hanse_core.errors import Invalid
from hanse_sandbox.demo import Demo
from hanse_sandbox.network import Network

LONGEST_FOLDER = 60
"""Unix sockets lie below the folder, and their addresses end at 107 bytes."""


def run(*, keep: bool, as_json: bool, folder: str | None) -> int:
    """Run the demo; exit code 0 when every federated number equals the pooled one."""
    console = Console(quiet=as_json, soft_wrap=True)
    with _interruptible(), _folder(folder) as path, Network(path) as network:
        report = Demo(network, console).run()
        if as_json:
            json.dump(asdict(report), sys.stdout)
            sys.stdout.write("\n")
        if keep:
            console.print(_how_to_reach(network), highlight=False, markup=False)
            sys.stdout.flush()
            threading.Event().wait()
    return 0 if report.equal else 1


@contextmanager
def _folder(name: str | None) -> Iterator[Path]:
    """Give a folder that is removed afterwards; one that was named must be new or empty, and stays."""
    if name is None:
        path = Path(tempfile.mkdtemp(prefix="hanse-demo-"))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
        return
    path = Path(name).resolve()
    if path.exists() and any(path.iterdir()):
        raise Invalid(f"the folder {path} is not empty; name another one, or none for a temporary one")
    if len(str(path)) > LONGEST_FOLDER:
        raise Invalid(f"the path of the folder must not be longer than {LONGEST_FOLDER} characters (Unix sockets)")
    path.mkdir(parents=True, exist_ok=True)
    yield path


@contextmanager
def _interruptible() -> Iterator[None]:
    """Treat a request to end like Ctrl-C, so that everything is ended and removed then too."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {name: signal.signal(name, interrupt) for name in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _how_to_reach(network: Network) -> str:
    url, port = network.server.url, network.server.port
    return f"""
The federation is running until you press Ctrl-C.

  server      {url}   (API {url}/api, its description {url}/api/docs)
  researcher  {network.researcher} / {network.researcher_password}
  operator    root / {network.server.root_password}
  files       {network.folder}

With our client:

  from hanse import Client
  client = Client("{url}", "{network.researcher}", "{network.researcher_password}")
  client.tasks.run(collaboration="demo", organizations=["bremen"], image="hanse/summary",
                   method="summary", arguments={{"columns": ["age"]}})

With the stock client (pip install vantage6-client==4.15.2):

  from vantage6.client import UserClient
  client = UserClient("http://127.0.0.1", {port}, "/api")
  client.authenticate("{network.researcher}", "{network.researcher_password}"); client.setup_encryption(None)
  client.organization.list()

With curl:

  TOKEN=$(curl -s {url}/api/token/user -H 'Content-Type: application/json' \\
      -d '{{"username": "{network.researcher}", "password": "{network.researcher_password}"}}' \\
      | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
  curl -s {url}/api/task -H "Authorization: Bearer $TOKEN"
"""
