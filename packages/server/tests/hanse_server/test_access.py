"""Nobody learns of, or changes, what belongs to others: every route with an id, asked by strangers of each kind."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

STRANGERS = ("Researcher", "Viewer", "Organization Admin", "Collaboration Admin", "none", "node", "container")
OWN_KINDS = ("collaboration", "study", "node", "task", "run", "result")
WITH_ID_IN_BODY = {"/recover/node": "node", "/kill/task": "task", "/kill/node/tasks": "node"}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/run/{run_id}"): {"log": "forged"},
    ("POST", "/collaboration/{collaboration_id}/organization"): {"id": 1},
    ("DELETE", "/collaboration/{collaboration_id}/organization"): {"id": 1},
    ("POST", "/collaboration/{collaboration_id}/node"): {"id": 1},
    ("DELETE", "/collaboration/{collaboration_id}/node"): {"id": 1},
    ("POST", "/study/{study_id}/organization"): {"id": 1},
    ("DELETE", "/study/{study_id}/organization"): {"id": 1},
}
NOT_FOR_THEM = 403
"""An endpoint that is not for this kind of identity at all says so without looking at the id."""


def _routes(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Give (method, path, kind) of every route of these slices that names one object."""
    for whole, methods in app.openapi()["paths"].items():
        path = whole.removeprefix("/api")
        kind = WITH_ID_IN_BODY.get(path) or path.split("/")[1]
        if kind in OWN_KINDS and ("{" in path or path in WITH_ID_IN_BODY):
            yield from ((method.upper(), path, kind) for method in methods)


@pytest.fixture
async def targets(clients: Any, world: Any) -> dict[str, int]:
    """Things of alpha and beta; strangers are of gamma."""
    task = await clients.task(organizations="alpha", study_id=world.study.id)
    run = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    return {
        "collaboration": world.main.id,
        "study": world.study.id,
        "node": world.alpha_main.id,
        "task": task["id"],
        "run": run,
        "result": run,
    }


@pytest.fixture
async def stranger(request: Any, clients: Any, world: Any, make: Any) -> AsyncIterator[httpx.AsyncClient]:
    kind = request.param
    if kind == "node":
        yield clients.node("gamma_other")
    elif kind == "container":
        task = await clients.task("gary", "gamma", collaboration_id=world.other.id)
        yield await clients.container("gamma_other", task["id"])
    else:
        make.user("stranger", world.gamma, roles=[] if kind == "none" else [kind])
        yield clients.user("stranger")


@pytest.mark.parametrize("stranger", STRANGERS, indirect=True)
async def test_what_strangers_may_not_see_is_not_found_whatever_they_do(
    server: Any, clients: Any, stranger: httpx.AsyncClient, targets: dict[str, int], session: Any
) -> None:
    asked = 0
    for method, path, kind in _routes(server.app):
        place = path.split("{")[0] + str(targets[kind]) + path.partition("}")[2] if "{" in path else path
        body = BODIES.get((method, path), {"id": targets[kind]} if path in WITH_ID_IN_BODY else {})
        answer = await stranger.request(method, place, json=body if method != "GET" else None)
        missing = place.replace(str(targets[kind]), "9999") if "{" in path else place
        other = {"id": 9999} if path in WITH_ID_IN_BODY else body
        nothing = await stranger.request(method, missing, json=other if method != "GET" else None)
        assert answer.status_code in (404, NOT_FOR_THEM), f"{method} {place}: {answer.text}"
        assert answer.status_code == nothing.status_code, f"{method} {place} tells whether it exists"
        asked += 1
    assert asked == 24


@pytest.mark.parametrize("stranger", STRANGERS, indirect=True)
async def test_lists_show_strangers_nothing_of_others(
    clients: Any, stranger: httpx.AsyncClient, targets: dict[str, int]
) -> None:
    for kind in OWN_KINDS:
        answer = await stranger.get(f"/{kind}", params={"per_page": 9999})
        assert answer.status_code in (200, 401, NOT_FOR_THEM), answer.text
        if answer.status_code == 200:
            assert targets[kind] not in {row["id"] for row in answer.json()["data"]}, kind


@pytest.mark.parametrize("name", ["alice", "anna", "bob", "carl", "gary", "root"])
async def test_lists_and_single_objects_agree(clients: Any, targets: dict[str, int], name: str) -> None:
    client = clients.user(name)
    for kind in OWN_KINDS:
        listed = {row["id"] for row in (await client.get(f"/{kind}", params={"per_page": 9999})).json()["data"]}
        for key in range(1, 8):
            answer = await client.get(f"/{kind}/{key}")
            assert (answer.status_code == 200) == (key in listed), f"{kind} {key}"


async def test_whoever_holds_no_rule_gets_no_lists(clients: Any, world: Any, make: Any) -> None:
    make.user("norm", world.alpha)
    for kind in OWN_KINDS:
        assert (await clients.user("norm").get(f"/{kind}")).status_code == 401
