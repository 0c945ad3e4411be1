"""Where the algorithms of one computation find each other."""

from typing import Any

import pytest

from ...recorded import deviates


@pytest.fixture
async def family(clients: Any, world: Any) -> dict[str, int]:
    """A task of alice at alpha and beta, and a subtask of alpha's container at both; all listen somewhere."""
    parent = (await clients.task())["id"]
    container = await clients.container("alpha_main", parent)
    places = [{"id": world.alpha.id, "input": "e30="}, {"id": world.beta.id, "input": "e30="}]
    body = {"image": "registry.example/algo:1", "collaboration_id": world.main.id, "organizations": places}
    child = (await container.post("/task", json=body)).json()["id"]
    ports = iter(range(50001, 50005))
    for task in (parent, child):
        runs = await clients.runs(task)
        for node, organization in (("alpha_main", world.alpha), ("beta_main", world.beta)):
            label = f"{organization.name}-{'parent' if task == parent else 'child'}"
            offer = {"port": next(ports), "label": label, "run_id": runs[organization.id]["id"]}
            assert (await clients.node(node).post("/port", json=offer)).status_code == 201
    return {"parent": parent, "child": child}


@pytest.mark.parametrize(
    ("whose", "query", "expected"),
    [
        ("parent", {}, "alpha-parent beta-parent"),
        ("child", {}, "alpha-child beta-child"),
        ("parent", {"include_children": "1"}, "alpha-parent beta-parent alpha-child beta-child"),
        ("child", {"include_parent": "True"}, "alpha-parent beta-parent alpha-child beta-child"),
        ("parent", {"include_parent": "1"}, "alpha-parent beta-parent"),
        ("parent", {"only_children": "1"}, "alpha-child beta-child"),
        ("child", {"only_children": "1"}, ""),
        ("child", {"only_parent": "1"}, "alpha-parent beta-parent"),
        ("parent", {"only_parent": "1"}, ""),
        ("parent", {"only_siblings": "1"}, "beta-parent"),
        ("parent", {"only_self": "1"}, "alpha-parent"),
        ("parent", {"only_self": "1", "include_children": "1"}, "alpha-parent alpha-child beta-child"),
        ("parent", {"only_self": "0", "include_children": "false"}, "alpha-parent beta-parent"),
        ("parent", {"label": "beta-parent"}, "beta-parent"),
        ("parent", {"label": "beta%"}, ""),
        ("parent", {"include_children": "1", "label": "beta-child"}, "beta-child"),
    ],
)
async def test_the_parameters_say_whose_ports_are_wanted(
    clients: Any, family: dict[str, int], whose: str, query: dict[str, str], expected: str
) -> None:
    container = await clients.container("alpha_main", family[whose])

    answer = await container.get("/vpn/algorithm/addresses", params=query)

    assert answer.status_code == 200
    assert [row["label"] for row in answer.json()["addresses"]] == expected.split()


async def test_an_address_names_the_place_and_the_task(clients: Any, family: dict[str, int], world: Any) -> None:
    beta = clients.node("beta_main")
    assert (await beta.patch(f"/node/{world.beta_main.id}", json={"ip": "10.76.0.5"})).status_code == 200
    container = await clients.container("alpha_main", family["child"])

    (found,) = (await container.get("/vpn/algorithm/addresses", params={"only_siblings": 1})).json()["addresses"]

    assert found == {
        "port": 50004,
        "label": "beta-child",
        "ip": "10.76.0.5",
        "organization_id": world.beta.id,
        "task_id": family["child"],
        "parent_id": family["parent"],
    }


async def test_other_computations_are_none_of_a_containers_business(
    clients: Any, family: dict[str, int], world: Any
) -> None:
    other = await clients.task()
    container = await clients.container("alpha_main", other["id"])

    for query in ({}, {"include_children": 1, "include_parent": 1}, {"only_parent": 1}, {"only_children": 1}):
        assert (await container.get("/vpn/algorithm/addresses", params=query)).json() == {"addresses": []}


async def test_contradictions_and_other_identities_are_refused(clients: Any, family: dict[str, int]) -> None:
    container = await clients.container("alpha_main", family["parent"])
    twice = {"only_self": "1", "only_parent": "1"}

    assert (await container.get("/vpn/algorithm/addresses", params=twice)).status_code == 400
    assert (await container.get("/vpn/algorithm/addresses", params={"only_self": "maybe"})).status_code == 400
    assert (await clients.node("alpha_main").get("/vpn/algorithm/addresses")).status_code == 403
    assert (await clients.user("alice").get("/vpn/algorithm/addresses")).status_code == 403


@pytest.mark.replays("26")
async def test_26_ports_and_addresses_are_as_recorded(
    clients: Any, world: Any, recording: Any, answers_like: Any
) -> None:
    closing, opening, looking, contradicting, profile, update = recording("26")
    task = await clients.task(organizations="alpha")
    run = (await clients.runs(task["id"]))[world.alpha.id]["id"]
    node = clients.node("alpha_main")
    container = await clients.container("alpha_main", task["id"])

    answers_like(await node.delete("/port", params={"run_id": run}), closing)
    answers_like(await node.post("/port", json={**opening["request"]["body"], "run_id": run}), opening)
    answers_like(await container.get("/vpn/algorithm/addresses"), looking)
    query = contradicting["request"]["query"]
    answers_like(await container.get("/vpn/algorithm/addresses", params=query), contradicting)
    answers_like(await node.get("/vpn"), profile)
    answer = await node.post("/vpn/update", json=update["request"]["body"])
    deviates(answer, update, 501)  # quirk 23
    assert answer.json()["code"] == "unsupported"
