"""Hanse for researchers: log in, send an analysis to the stations, get its results.

>>> from hanse import Client
>>> with Client("http://127.0.0.1:5000", "alice", "…") as client:
...     answers = client.tasks.run(collaboration="lung", image="hanse/summary", method="summary",
...                                organizations=["alpha"], arguments={"columns": ["age"]})
>>> answers.result

`AsyncClient` offers the same operations for `await`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hanse._login import SecondFactorNeeded as SecondFactorNeeded
    from hanse.answers import Answer as Answer
    from hanse.answers import Answers as Answers
    from hanse.answers import RunFailure as RunFailure
    from hanse.answers import TaskFailed as TaskFailed
    from hanse.client import AsyncClient as AsyncClient
    from hanse.client import Client as Client
    from hanse.waiting import WaitTimeout as WaitTimeout

_HOMES = {
    "Answer": "hanse.answers",
    "Answers": "hanse.answers",
    "AsyncClient": "hanse.client",
    "Client": "hanse.client",
    "RunFailure": "hanse.answers",
    "SecondFactorNeeded": "hanse._login",
    "TaskFailed": "hanse.answers",
    "WaitTimeout": "hanse.waiting",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    """Import a public name on first use: the `hanse` command imports this package just to print its help."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hanse' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
