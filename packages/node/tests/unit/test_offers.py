"""Reading what the server offers, from a recording of the v4 wire."""

import json
from typing import Any

import pytest

from hanse_core.errors import Invalid
from hanse_node.offers import DatabaseChoice, Offer

LINK = {"id": 2, "link": "/api/organization/2", "methods": ["GET"]}
STEPS = [{"function": "select_columns", "parameters": {"columns": ["age"]}}]
RECORDED: dict[str, Any] = {
    "id": 1, "input": "e30=", "status": "pending", "log": None, "started_at": None, "finished_at": None,
    "organization": LINK, "node": {"id": 2, "name": "n"}, "ports": [], "blob_storage_used": False,
    "task": {
        "id": 5, "name": "t1", "image": "registry.example/algo:1", "job_id": 3, "status": "pending", "parent": None,
        "init_org": LINK, "init_user": {**LINK, "id": 7}, "study": None, "algorithm_store": None,
        "databases": [{"label": "default", "parameters": json.dumps({"preprocessing": STEPS})}],
    },
}  # fmt: skip


def test_a_recorded_run_is_read() -> None:
    choice = DatabaseChoice("default", preprocessing=json.dumps(STEPS))
    expected = Offer(1, 5, 3, "registry.example/algo:1", "e30=", 2, 7, None, (choice,))
    assert Offer.from_wire(RECORDED) == expected


def test_parents_and_missing_parts_are_read() -> None:
    task = {**RECORDED["task"], "parent": {**LINK, "id": 4}, "init_user": None, "databases": None}
    offer = Offer.from_wire({**RECORDED, "task": task, "input": None, "blob_storage_used": None})
    assert (offer.parent, offer.init_user, offer.databases, offer.input) == (4, None, (), "")


def test_facts_come_back_without_the_input() -> None:
    offer = Offer.from_wire(RECORDED)
    again = Offer.from_facts(json.loads(json.dumps(offer.facts())))
    assert again.input == ""
    assert (again.run_id, again.databases, again.image) == (offer.run_id, offer.databases, offer.image)


@pytest.mark.parametrize("broken", [{}, {"id": 1}, {"id": 1, "task": {}}, {"id": "x", "task": RECORDED["task"]}])
def test_what_cannot_be_read_is_invalid(broken: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        Offer.from_wire(broken)


def selecting(parameters: str) -> dict[str, Any]:
    return {**RECORDED, "task": {**RECORDED["task"], "databases": [{"label": "default", "parameters": parameters}]}}


def nested(depth: int) -> str:
    return json.dumps({"arguments": {"a": 0}}).replace("0", "[" * depth + "]" * depth)


def test_what_a_researcher_nests_deeply_is_written_down_all_the_same() -> None:
    offer = Offer.from_wire(selecting(nested(600)))
    assert Offer.from_facts(json.loads(json.dumps(offer.facts()))).databases == offer.databases


@pytest.mark.parametrize("parameters", [nested(100_000), "[1]"])
def test_what_is_said_of_a_database_in_no_readable_way_is_invalid_too(parameters: str) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        Offer.from_wire(selecting(parameters))
