"""Organizations: who may see, make, change and delete them."""

from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hanse_core.permissions import RULE_IDS, Operation, Resource, Rule, Scope
from hanse_server.accounts.models import Identity, Organization
from hanse_server.collaborations.models import Node

ORGANIZATION = Resource.ORGANIZATION


@pytest.fixture
def places(make: Any) -> dict[str, Organization]:
    """Alpha and beta work together; gamma does not."""
    made = {name: make.organization(name, country=name[0].upper()) for name in ("alpha", "beta", "gamma")}
    made["collaboration"] = make.collaboration("first", [made["alpha"], made["beta"]])
    made["study"] = make.study("some", made["collaboration"], [made["beta"]])
    made["foreign study"] = make.study("other", make.collaboration("second", [made["gamma"]]), [made["gamma"]])
    make.user("viewer", made["alpha"], roles=["Viewer"])
    make.user("admin", made["alpha"], roles=["Organization Admin"])
    make.user("nobody", made["alpha"])
    return made


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["data"]]


async def test_everybody_lists_what_the_scope_of_their_rules_covers(as_user: Any, places: Any) -> None:
    assert names(await as_user("root").get("/organization")) == ["root", "alpha", "beta", "gamma"]
    assert names(await as_user("viewer").get("/organization")) == ["alpha", "beta"]
    refused = await as_user("nobody").get("/organization")
    assert (refused.status_code, refused.json()["code"]) == (401, "denied")


async def test_what_one_may_not_see_is_not_found_exactly_as_what_is_missing(as_user: Any, places: Any) -> None:
    viewer = as_user("viewer")
    hidden, missing = await viewer.get(f"/organization/{places['gamma'].id}"), await viewer.get("/organization/4711")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json()["msg"].replace(str(places["gamma"].id), "4711") == missing.json()["msg"]


async def test_lists_are_filtered(as_user: Any, places: Any) -> None:
    root, viewer = as_user("root"), as_user("viewer")
    assert names(await root.get("/organization", params={"name": "%a"})) == ["alpha", "beta", "gamma"]
    assert names(await root.get("/organization", params={"country": "B"})) == ["beta"]
    assert names(await root.get("/organization?ids=2&ids=3")) == ["alpha", "beta"]
    assert names(await root.get("/organization?ids=2,3")) == ["alpha", "beta"]
    both = {"collaboration_id": places["collaboration"].id}
    assert names(await viewer.get("/organization", params=both)) == ["alpha", "beta"]
    assert names(await viewer.get("/organization", params={"study_id": places["study"].id})) == ["beta"]


@pytest.mark.parametrize("parameter", ["collaboration_id", "study_id", "page", "per_page"])
async def test_a_parameter_that_is_no_number_is_refused_by_name(as_user: Any, parameter: str) -> None:
    answer = await as_user("root").get("/organization", params={parameter: "abc"})
    assert answer.status_code == 400
    assert parameter in answer.json()["msg"]


async def test_filters_do_not_tell_of_what_is_elsewhere(as_user: Any, places: Any) -> None:
    viewer = as_user("viewer")
    foreign = await viewer.get("/organization", params={"study_id": places["foreign study"].id})
    missing = await viewer.get("/organization", params={"study_id": 4711})
    assert foreign.status_code == missing.status_code == 401
    assert (await as_user("root").get("/organization", params={"study_id": 4711})).status_code == 400


async def test_only_who_may_create_for_all_makes_organizations(as_user: Any, places: Any) -> None:
    assert (await as_user("admin").post("/organization", json={"name": "delta"})).status_code == 401
    made = await as_user("root").post("/organization", json={"name": "delta"})
    assert made.status_code == 201
    assert (made.json()["domain"], made.json()["address2"], made.json()["public_key"]) == ("", "", "")


@pytest.mark.parametrize("body", [{"name": "alpha"}, {"name": ""}, {"name": "123"}, {}, {"name": "x", "color": "red"}])
async def test_a_bad_organization_is_refused_naming_the_field(as_user: Any, places: Any, body: dict[str, str]) -> None:
    answer = await as_user("root").post("/organization", json=body)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) <= {"name", "color"}
    assert answer.json()["errors"]


async def test_administrators_change_their_own_organization_only(as_user: Any, places: Any) -> None:
    admin = as_user("admin")
    changed = await admin.patch(f"/organization/{places['alpha'].id}", json={"name": "aleph", "country": None})
    assert (changed.status_code, changed.json()["name"], changed.json()["country"]) == (200, "aleph", "A")
    assert (await admin.patch(f"/organization/{places['beta'].id}", json={"name": "x"})).status_code == 401
    assert (await admin.patch(f"/organization/{places['gamma'].id}", json={"name": "x"})).status_code == 404
    assert (await admin.patch(f"/organization/{places['alpha'].id}", json={"name": "beta"})).status_code == 400


async def test_a_node_publishes_the_key_of_its_organization(as_node: Any, places: Any, make: Any) -> None:
    client = as_node(make.node(places["alpha"], places["collaboration"]))
    answer = await client.patch(f"/organization/{places['alpha'].id}", json={"public_key": "a2V5"})
    assert (answer.status_code, answer.json()["public_key"]) == (200, "a2V5")
    foreign = await client.patch(f"/organization/{places['beta'].id}", json={"public_key": "a2V5"})
    assert foreign.status_code == 401


async def test_deleting_needs_a_clear_word_about_what_hangs_on_it(
    as_user: Any, places: Any, make: Any, session: Session
) -> None:
    root, beta = as_user("root"), places["beta"]
    make.node(beta, places["collaboration"])
    make.user("bert", beta)
    make.role("special", beta)
    for unclear in ({}, {"delete_dependents": "false"}, {"delete_dependents": "False"}, {"delete_dependents": "0"}):
        refused = await root.delete(f"/organization/{beta.id}", params=unclear)
        assert refused.status_code == 400
        assert "1 nodes, 1 roles, 1 users" in refused.json()["msg"]
    before = session.scalar(select(func.count()).select_from(Identity)) or 0
    session.rollback()
    assert (await root.delete(f"/organization/{beta.id}", params={"delete_dependents": "maybe"})).status_code == 400
    assert (await root.delete(f"/organization/{beta.id}", params={"delete_dependents": "True"})).status_code == 200
    assert (await root.get(f"/organization/{beta.id}")).status_code == 404
    assert session.scalar(select(func.count()).select_from(Node)) == 0
    assert session.scalar(select(func.count()).select_from(Identity)) == before - 2, "no identity is left behind"


async def test_nobody_deletes_the_own_organization_nor_without_the_right(as_user: Any, places: Any) -> None:
    assert (await as_user("root").delete("/organization/1")).status_code == 400
    assert (await as_user("admin").delete(f"/organization/{places['beta'].id}")).status_code == 401


async def test_the_cost_of_a_list_does_not_grow_with_its_rows(
    as_user: Any, make: Any, statements: Any, places: Any
) -> None:
    root = as_user("root")
    for path in ("/organization", "/user", "/role", "/rule"):
        await root.get(path)  # who is asking is looked up once
        with statements() as few:
            await root.get(path, params={"per_page": 2})
        with statements() as many:
            await root.get(path, params={"per_page": 100})
        assert len(many) <= len(few) <= 2, path


async def test_a_partial_change_is_never_stored(as_user: Any, places: Any) -> None:
    admin = as_user("admin")
    body = {"country": "ZZ", "name": "beta"}
    assert (await admin.patch(f"/organization/{places['alpha'].id}", json=body)).status_code == 400
    assert (await admin.get(f"/organization/{places['alpha'].id}")).json()["country"] == "A"


async def test_editing_partners_needs_the_rule_for_partners(as_user: Any, places: Any, make: Any) -> None:
    rules = [(ORGANIZATION, Operation.VIEW, Scope.COLLABORATION), (ORGANIZATION, Operation.EDIT, Scope.COLLABORATION)]
    make.user("partner", places["alpha"], *rules)
    answer = await as_user("partner").patch(f"/organization/{places['beta'].id}", json={"country": "BE"})
    assert (answer.status_code, answer.json()["country"]) == (200, "BE")


async def test_a_node_publishes_a_first_key_but_replaces_none(as_node: Any, as_user: Any, make: Any) -> None:
    alpha = make.organization("alpha")
    node = make.node(alpha, make.collaboration("main", [alpha]))
    make.user("adam", alpha, roles=["Organization Admin"])
    path = f"/organization/{alpha.id}"

    assert (await as_node(node).patch(path, json={"public_key": "Zmlyc3Q="})).status_code == 200
    assert (await as_node(node).patch(path, json={"public_key": "Zmlyc3Q="})).status_code == 200
    refused = await as_node(node).patch(path, json={"public_key": "b3RoZXI="})
    assert (refused.status_code, refused.json()["code"]) == (401, "denied")
    assert (await as_user("adam").patch(path, json={"public_key": "b3RoZXI="})).status_code == 200


async def test_a_node_changes_nothing_but_the_key(as_node: Any, places: Any, make: Any) -> None:
    """Whoever steals the key of a station must not be able to pass its organization off as another one."""
    node = make.node(places["alpha"], places["collaboration"])
    path = f"/organization/{places['alpha'].id}"
    for change in ({"name": "university"}, {"domain": "evil.example"}, {"public_key": "a2V5", "country": "XX"}):
        refused = await as_node(node).patch(path, json=change)
        assert (refused.status_code, refused.json()["code"]) == (401, "denied")
    assert (await as_node(node).patch(path, json={"public_key": "a2V5"})).status_code == 200


async def test_who_has_no_second_factor_logs_in_anew_once_it_is_required(
    as_user: Any, places: Any, make: Any, anonymous: Any, server: Any
) -> None:
    make.user("gina", places["alpha"], roles=["Researcher"])
    make.user("gerd", places["alpha"], roles=["Researcher"], otp_secret="sealed", otp_last_step=1)
    make.user("bert", places["beta"], roles=["Researcher"])
    answer = await anonymous.post("/token/user", json={"username": "gina", "password": "Correct-horse-1"})
    tokens = answer.json()
    gina = server.client(tokens["access_token"])
    made = await gina.post("/accesstoken", json={"name": "nightly", "read_only": True})
    script = server.client(made.json()["token"])
    former, other = as_user("gerd"), as_user("bert")  # with tokens such as the v4 server made, of no session
    assert [(await each.get("/organization")).status_code for each in (gina, script, former, other)] == [200] * 4

    path = f"/organization/{places['alpha'].id}"
    assert (await as_user("root").patch(path, json={"two_factor_required": True})).status_code == 200
    assert [(await each.get("/organization")).status_code for each in (gina, script, former)] == [401] * 3
    assert (await other.get("/organization")).status_code == 200
    renewed = await server.client(tokens["refresh_token"]).post("/token/refresh")
    assert renewed.status_code == 401
    again = await anonymous.post("/token/user", json={"username": "gina", "password": "Correct-horse-1"})
    assert "otp_secret" in again.json()


async def test_a_script_does_not_say_how_people_log_in(
    as_user: Any, places: Any, make: Any, anonymous: Any, server: Any
) -> None:
    log_in = await anonymous.post("/token/user", json={"username": "admin", "password": "Correct-horse-1"})
    admin, path = server.client(log_in.json()["access_token"]), f"/organization/{places['alpha'].id}"
    rule = RULE_IDS[Rule(ORGANIZATION, Scope.ORGANIZATION, Operation.EDIT)]
    view = RULE_IDS[Rule(ORGANIZATION, Scope.ORGANIZATION, Operation.VIEW)]
    made = await admin.post("/accesstoken", json={"name": "nightly", "rules": [rule, view]})
    script = server.client(made.json()["token"])
    assert (await script.patch(path, json={"country": "DE"})).status_code == 200
    assert (await script.patch(path, json={"two_factor_required": False})).json()["code"] == "denied"
