"""The document of the API names every parameter that a list reads from its query."""

import re
from typing import Any

import pytest

from hanse_server.main import openapi_schema
from hanse_server.stores.models import AlgorithmStore
from hanse_web.query import Parameters

LISTS = {
    path.removeprefix("/api"): {one["name"] for one in operations["get"].get("parameters", ()) if one["in"] == "query"}
    for path, operations in openapi_schema()["paths"].items()
    if "get" in operations and "{" not in path
}
VALUES = {"sort": "id", "scope": "own", "operation": "v", "state": "open", "node_id": "2"} | {
    f"{moment}_{end}": "2026-01-01"
    for moment in ("last_seen", "assigned", "started", "finished")
    for end in ("from", "till")
}
"""What is asked for where `1` means nothing; the first node has the second number, after root."""
READERS = ("text", "integer", "flag", "optional_flag", "moment", "repeated", "integers", "several")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Collect the names of the parameters that are read, which otherwise goes on as ever."""
    names: set[str] = set()

    def noting(reader: Any) -> Any:
        def note(parameters: Parameters, name: str) -> Any:
            names.add(name)
            return reader(parameters, name)

        return note

    for reader in READERS:
        monkeypatch.setattr(Parameters, reader, noting(getattr(Parameters, reader)))
    return names


@pytest.mark.parametrize("path", ["/task", "/run", "/result", *sorted(set(LISTS) - {"/task", "/run", "/result"})])
async def test_every_filter_of_a_list_is_documented(path: str, read: set[str], clients: Any) -> None:
    await clients.user("root").get(path, params={"name": "%"})

    assert read <= LISTS[path], f"read, but not documented: {sorted(read - LISTS[path])}"


@pytest.mark.parametrize("path", sorted(path for path in LISTS if LISTS[path]))
async def test_every_documented_filter_of_a_list_is_read(
    path: str, read: set[str], clients: Any, world: Any, make: Any
) -> None:
    """Each is asked for by itself, as some exclude others; there is a first one of everything."""
    make.add(AlgorithmStore(name="store", url="https://store.example", is_for_all=True))
    task = await clients.task()
    asker = await clients.container("alpha_main", task["id"]) if "vpn" in path else clients.user("root")
    for name in sorted(LISTS[path]):
        value = {"/task": "pending", "/node": "offline"}[path] if name == "status" else VALUES.get(name, "1")
        answer = await asker.get(path, params={name: value})
        assert answer.status_code == 200, (name, answer.text)

    assert read >= LISTS[path] - {"include"}


@pytest.mark.parametrize("path", sorted(path for path in LISTS if "sort" in LISTS[path]))
async def test_a_sorted_list_leaves_nothing_to_chance(path: str, clients: Any, world: Any, statements: Any) -> None:
    """Rows that are alike in what they are sorted by have the order of their ids, on every page (quirk 41)."""
    await clients.task()
    root = clients.user("root")
    named = (await root.get(path, params={"sort": "nothing"})).json()["msg"].rpartition(": ")[2].split(", ")
    sorts = [{"sort": name} for name in named] + [{"sort": f"-{name}", "page": "2", "per_page": "1"} for name in named]
    for query in ({}, *sorts):
        with statements() as sent:
            assert (await root.get(path, params=query)).status_code == 200
        orders = [one.rpartition("ORDER BY ")[2].partition("LIMIT")[0] for one in sent if "LIMIT" in one]
        assert orders
        for order in orders:
            assert re.fullmatch(r"\w+\.id( DESC)?", order.split(",")[-1].strip()), order


async def test_what_is_sent_of_a_run_is_what_the_model_says(clients: Any) -> None:
    await clients.task()
    (listed, *_) = (await clients.user("alice").get("/run")).json()["data"]
    model = openapi_schema()["components"]["schemas"]["Run"]

    assert set(listed) == set(model["properties"]) == set(model["required"])
