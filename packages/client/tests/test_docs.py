"""The reference page of the client is true: its examples run, and it names every operation."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from hanse import AsyncClient, Client
from hanse._modes import iteration, operation
from hanse._transports import AwaitingTransport, BlockingTransport
from hanse.client import Api

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "client.md"


def _answer(server: Any, id: int) -> None:
    """Finish the tasks of the page as it says."""
    if id == 1:
        server.finish(id, {2: {"age": {"count": 228, "mean": 62.4}}})
    elif id == 2:
        server.finish(id, {2: 100, 3: 80, 4: 48})
    else:
        server.finish(id, {2: 1, 3: 2})
        log = "UnknownColumn: there is no column 'agee'; there are: age, sex"
        server.finish(id, {4: None}, status="crashed", log=log)


def test_the_examples_of_the_reference_run_as_printed(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server.on_status = lambda id: _answer(server, id)
    server.organizations[1] = {**server.organizations[2], "id": 1, "name": "root"}

    def transport(_: object, given: httpx.BaseTransport | None, **options: Any) -> BlockingTransport:
        return BlockingTransport(server.transport(), **options)

    def awaiting(_: object, given: httpx.AsyncBaseTransport | None, **options: Any) -> AwaitingTransport:
        return AwaitingTransport(server.transport(), **options)

    monkeypatch.setattr(Client, "_connect", transport)
    monkeypatch.setattr(AsyncClient, "_connect", awaiting)
    monkeypatch.setattr(BlockingTransport, "socket", lambda _: None)
    examples = doctest.DocTestParser().get_doctest(PAGE.read_text(), {}, "client.md", str(PAGE), 0)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    results = runner.run(examples, out=report.append, clear_globs=False)
    examples.globs["client"].close()
    assert results.failed == 0, "".join(report)
    assert results.attempted > 15


def test_the_reference_names_every_operation() -> None:
    documented = {
        owner.strip("`"): set(re.findall(r"`(\w+)`", names))
        for owner, names in re.findall(
            r"^\| (`\w+`|the client itself) \| ((?:`\w+`(?:, )?)+) \|$", PAGE.read_text(), re.M
        )
    }
    client = Client("http://hanse.test")
    offered = {"the client itself": _operations(Api)}
    offered |= {name: _operations(type(each)) for name, each in vars(client).items() if _operations(type(each))}
    offered.pop("awaiting")
    assert {owner: documented.get(owner) for owner in offered} == offered


def _operations(kind: type) -> set[str]:
    return {name for name, member in vars(kind).items() if isinstance(member, (operation, iteration))}
