"""Algorithms that misbehave on purpose: to see what a station, a server and a researcher make of it.

Image `hanse/misbehaving`, package `hanse_sandbox.misbehaving`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from hanse_algorithm import Federation, central, federated, setting

if TYPE_CHECKING:
    import pandas as pd

IMAGE = "hanse/misbehaving"
PACKAGE = "hanse_sandbox.misbehaving"


@federated
def waits(seconds: float) -> dict[str, int]:
    """Take a while, then answer with the process id.

    Args:
        seconds: how long.
    """
    time.sleep(seconds)
    return {"pid": os.getpid()}


@central
def waits_everywhere(federation: Federation, seconds: float) -> list[int]:
    """Have every station take a while, and count who answered.

    Args:
        seconds: how long each takes.
    """
    return [answer.organization_id for answer in federation.run(waits, seconds=seconds)]


@federated
def rows(data: pd.DataFrame) -> int:
    """Count the rows of the selected database."""
    return len(data)


@federated
def raises(message: str) -> None:
    """Raise an exception.

    Args:
        message: its text.
    """
    raise RuntimeError(message)


@central
def raises_everywhere(federation: Federation, message: str) -> None:
    """Have every station raise an exception.

    Args:
        message: its text.
    """
    federation.run(raises, message=message)


@federated
def hangs() -> None:
    """Never end."""
    while True:
        time.sleep(3600)


@federated
def gives_an_object() -> object:
    """Return what JSON cannot express."""
    return {"fine": 1, "wrong": [object()]}


@federated
def leaves_without_a_word() -> None:
    """End with exit code 0 and no result."""
    os._exit(0)


@federated
def dies() -> None:
    """End by a signal, as when memory runs out."""
    os.kill(os.getpid(), 9)


@federated
def talks(megabytes: int) -> int:
    """Print a lot, then answer.

    Args:
        megabytes: how much.
    """
    line = "x" * 1023 + "\n"
    for _ in range(megabytes * 1024):
        sys.stdout.write(line)
    return megabytes


@federated
def leaves_children() -> int:
    """Start processes that would outlive the run, in a session of their own."""
    for _ in range(3):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
    return 3


@federated
def asks_as(token: str, path: str) -> dict[str, int]:
    """Ask the node's proxy with somebody else's token.

    Args:
        token: the token to show.
        path: what to ask for.
    """
    host, port = setting("HOST"), setting("PORT")
    request = urllib.request.Request(f"{host}:{port}/{path}", headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return {"status": answer.status}
    except urllib.error.HTTPError as error:
        return {"status": error.code}


@federated
def reads(paths: list[str]) -> dict[str, bool]:
    """Try to read files that are none of its business.

    Args:
        paths: the files.
    """
    return {path: _is_readable(path) for path in paths}


def _is_readable(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError:
        return False
    return True
