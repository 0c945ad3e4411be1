"""Roles and rules: who may see, make and change them."""

from typing import Any

import pytest

from hanse_core.permissions import DEFAULT_ROLES, Operation, Resource, Scope

DEFAULTS = [role.name for role in DEFAULT_ROLES]


@pytest.fixture
def world(make: Any) -> dict[str, Any]:
    alpha, beta, gamma = (make.organization(name) for name in ("alpha", "beta", "gamma"))
    collaboration = make.collaboration("first", [alpha, beta])
    roles = {place.name: make.role(f"of {place.name}", place) for place in (alpha, beta, gamma)}
    make.user("admin", alpha, roles=["Organization Admin"])
    make.user("chief", alpha, roles=["Collaboration Admin"])
    make.user("plain", alpha, roles=["of alpha"])
    return {"collaboration": collaboration, "alpha": alpha, "beta": beta, "gamma": gamma, "roles": roles}


async def names(client: Any, **filters: object) -> list[str]:
    answer = await client.get("/role", params={"per_page": 100, **filters})
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["data"]]


async def test_everybody_lists_what_the_scope_of_their_rules_covers(as_user: Any, world: Any) -> None:
    assert await names(as_user("root")) == [*DEFAULTS, "of alpha", "of beta", "of gamma"]
    assert await names(as_user("chief")) == [*DEFAULTS, "of alpha", "of beta"]
    assert await names(as_user("admin")) == [*DEFAULTS, "of alpha"]
    assert await names(as_user("plain")) == ["of alpha"], "one's own roles can always be listed"


async def test_lists_are_filtered(as_user: Any, world: Any) -> None:
    root, chief = as_user("root"), as_user("chief")
    beta = world["beta"].id
    assert await names(root, organization_id=[world["alpha"].id, beta]) == ["of alpha", "of beta"]
    assert await names(root, organization_id=beta, include_root="1") == [*DEFAULTS, "of beta"]
    assert await names(root, organization_id=beta, include_root="false") == ["of beta"]
    assert await names(chief, collaboration_id=world["collaboration"].id) == ["of alpha", "of beta"]
    assert await names(root, name=["View%", "of b%"]) == ["Viewer", "of beta"]
    assert await names(root, rule_id=1) == ["Root"]
    assert await names(root, user_id=1) == ["Root"]


@pytest.mark.parametrize(
    ("filters", "status"),
    [({"rule_id": 87}, 404), ({"user_id": 4711}, 400), ({"organization_id": 4}, 401), ({"collaboration_id": 1}, 401)],
)
async def test_filters_beyond_ones_rights_or_sense_are_refused(
    as_user: Any, world: Any, filters: dict[str, int], status: int
) -> None:
    assert (await as_user("admin").get("/role", params=filters)).status_code == status


async def test_what_one_may_not_see_is_not_found(as_user: Any, world: Any) -> None:
    path = f"/role/{world['roles']['gamma'].id}"
    assert (await as_user("admin").get(path)).status_code == 404
    assert (await as_user("admin").patch(path, json={"name": "x"})).status_code == 404
    assert (await as_user("root").get(path)).status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": "Viewer"}, 400),
        ({"name": "of alpha"}, 400),
        ({"rules": [87]}, 404),
        ({"rules": [1]}, 401),
        ({"organization_id": 3}, 401),
        ({"organization_id": 4711}, 404),
        ({"rules": None}, 400),
    ],
)
async def test_a_role_that_cannot_be_is_refused(
    as_user: Any, world: Any, change: dict[str, object], status: int
) -> None:
    answer = await as_user("admin").post("/role", json={"name": "mine", "rules": [2, 3], **change})
    assert answer.status_code == status, answer.text
    assert isinstance(answer.json()["msg"], str)


async def test_rules_of_a_role_are_replaced_within_what_one_holds(as_user: Any, world: Any) -> None:
    admin, root = as_user("admin"), as_user("root")
    role = (await admin.post("/role", json={"name": "mine", "rules": [2, 3]})).json()["id"]
    assert (await admin.patch(f"/role/{role}", json={"rules": [3], "name": None})).status_code == 200
    assert (await admin.patch(f"/role/{role}", json={"rules": [1]})).status_code == 401
    assert (await root.patch(f"/role/{role}", json={"rules": [1, 3]})).status_code == 200
    assert (await admin.patch(f"/role/{role}", json={"rules": [3]})).status_code == 401, "nor take rule 1 away"
    held = await admin.get("/rule", params={"role_id": role})
    assert [rule["id"] for rule in held.json()["data"]] == [1, 3]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_default_roles_stay_as_they_are(as_user: Any, method: str) -> None:
    root = as_user("root")
    assert (await root.request(method, "/role/4/rule/1")).status_code == 400
    assert (await root.delete("/role/4")).status_code == 400
    assert (await root.patch("/role/4", json={"description": "x"})).status_code == 400


async def test_a_rule_that_a_role_does_not_hold_cannot_be_taken_out(as_user: Any, world: Any) -> None:
    path = f"/role/{world['roles']['alpha'].id}/rule"
    root = as_user("root")
    assert (await root.delete(f"{path}/3")).status_code == 404
    assert [one["id"] for one in (await root.post(f"{path}/3")).json()] == [3]
    assert [one["id"] for one in (await root.post(f"{path}/3")).json()] == [3], "twice is once"
    assert (await root.post(f"{path}/87")).status_code == 404
    assert (await root.delete(f"{path}/3")).json() == []


async def test_a_role_that_users_have_is_deleted_only_when_said_so(as_user: Any, world: Any) -> None:
    root, path = as_user("root"), f"/role/{world['roles']['alpha'].id}"
    refused = await root.delete(path)
    assert (refused.status_code, "1 users" in refused.json()["msg"]) == (400, True)
    assert (await root.delete(path, params={"delete_dependents": "yes"})).status_code == 200
    assert await names(as_user("plain")) == []


async def test_rules_are_found_by_name_or_code(as_user: Any, world: Any) -> None:
    plain = as_user("plain")
    by_name = (await plain.get("/rule", params={"scope": "OWN", "operation": "VIEW"})).json()["data"]
    by_code = (await plain.get("/rule", params={"scope": "own", "operation": "v"})).json()["data"]
    assert [rule["id"] for rule in by_name] == [rule["id"] for rule in by_code] == [31, 41]
    assert (await plain.get("/rule", params={"scope": "wide"})).status_code == 400
    assert (await plain.get("/rule/86")).json()["name"] == "study"
    assert (await plain.get("/rule/87")).status_code == 404
    assert (await plain.get("/rule", params={"user_id": 1})).status_code == 400


async def test_all_rules_come_on_one_page_when_asked(as_user: Any, world: Any) -> None:
    answer = await as_user("plain").get("/rule", params={"no_pagination": "1"})
    assert [rule["id"] for rule in answer.json()["data"]] == list(range(1, 87))


async def test_nobody_deletes_a_role_that_holds_more_than_oneself(as_user: Any, world: Any, make: Any) -> None:
    mighty = make.role("stewards", world["alpha"], (Resource.COLLABORATION, Operation.EDIT, Scope.COLLABORATION))
    refused = await as_user("admin").delete(f"/role/{mighty.id}")
    assert (refused.status_code, refused.json()["code"]) == (401, "denied")
    assert (await as_user("root").delete(f"/role/{mighty.id}")).status_code == 200
