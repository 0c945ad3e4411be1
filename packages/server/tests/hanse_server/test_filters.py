"""The document of the API names every parameter that a list reads from its query."""

from typing import Any

import pytest

from hanse_server.main import openapi_schema
from hanse_web.query import Parameters

LISTS = {
    path.removeprefix("/api"): {one["name"] for one in operations["get"].get("parameters", ()) if one["in"] == "query"}
    for path, operations in openapi_schema()["paths"].items()
    if "get" in operations and "{" not in path
}
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


@pytest.mark.parametrize("path", ["/task", "/run", "/result"])
async def test_every_documented_filter_of_tasks_and_runs_is_read(path: str, read: set[str], clients: Any) -> None:
    await clients.user("root").get(path, params={"name": "%"})

    assert read >= LISTS[path] - {"include"}
    assert len(LISTS[path]) > 10


async def test_what_is_sent_of_a_run_is_what_the_model_says(clients: Any) -> None:
    await clients.task()
    (listed, *_) = (await clients.user("alice").get("/run")).json()["data"]
    model = openapi_schema()["components"]["schemas"]["Run"]

    assert set(listed) == set(model["properties"]) == set(model["required"])
