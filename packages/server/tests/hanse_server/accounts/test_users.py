"""Users: who may see, make, change and delete them, and who may hand on which rights."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_core.permissions import DEFAULT_ROLES, Operation, Resource, Scope
from hanse_server.accounts.models import User
from hanse_server.tasks.models import Job, Task

NEW = {"username": "newby", "email": "newby@example.org", "password": "Correct-horse-1"}
ROLES = {role.name: number for number, role in enumerate(DEFAULT_ROLES, start=1)}
MACHINES = ("node", "container")
USER = Resource.USER


@pytest.fixture
def people(make: Any) -> dict[str, Any]:
    """Alpha with people of each kind, beta that works with it, gamma that does not."""
    alpha, beta, gamma = (make.organization(name) for name in ("alpha", "beta", "gamma"))
    collaboration = make.collaboration("first", [alpha, beta])
    return {
        "alpha": alpha,
        "beta": beta,
        "gamma": gamma,
        "collaboration": collaboration,
        "admin": make.user("admin", alpha, roles=["Organization Admin"]),
        "chief": make.user("chief", alpha, roles=["Collaboration Admin"]),
        "vera": make.user("vera", alpha, roles=["Viewer"]),
        "plain": make.user("plain", alpha),
        "bert": make.user("bert", beta, roles=["Viewer"]),
        "gus": make.user("gus", gamma, roles=["Viewer"]),
    }


async def names(client: Any, **filters: object) -> list[str]:
    answer = await client.get("/user", params=filters)
    assert answer.status_code == 200, answer.text
    return [one["username"] for one in answer.json()["data"]]


async def test_everybody_lists_what_the_scope_of_their_rules_covers(as_user: Any, people: Any) -> None:
    alpha = ["admin", "chief", "vera", "plain"]
    assert await names(as_user("root")) == ["root", *alpha, "bert", "gus"]
    assert await names(as_user("chief")) == [*alpha, "bert"]
    assert await names(as_user("vera")) == alpha
    assert (await as_user("plain").get("/user")).status_code == 401
    assert await names(as_user("plain"), username="plain") == ["plain"], "oneself can always be looked up"


async def test_lists_are_filtered_and_sorted(as_user: Any, people: Any) -> None:
    root = as_user("root")
    assert await names(root, username="%e%", sort="-username") == ["vera", "chief", "bert"]
    assert await names(root, email="gus@%") == ["gus"]
    assert await names(root, organization_id=people["beta"].id) == ["bert"]
    assert await names(root, collaboration_id=people["collaboration"].id) == [
        "admin", "chief", "vera", "plain", "bert",
    ]  # fmt: skip
    assert await names(root, role_id=ROLES["Viewer"]) == ["vera", "bert", "gus"]
    assert await names(root, rule_id=1) == []
    assert await names(root, last_seen_till="2020-01-01") == []


@pytest.mark.parametrize(
    ("filters", "status"),
    [
        ({"organization_id": "4"}, 401),
        ({"collaboration_id": "4711"}, 401),
        ({"role_id": "4711"}, 400),
        ({"rule_id": "87"}, 400),
        ({"last_seen_from": "yesterday"}, 400),
        ({"sort": "password"}, 400),
    ],
)
async def test_filters_beyond_ones_rights_or_sense_are_refused(
    as_user: Any, people: Any, filters: dict[str, str], status: int
) -> None:
    assert (await as_user("vera").get("/user", params=filters)).status_code == status


async def test_secrets_of_a_user_are_never_sent(as_user: Any, people: Any) -> None:
    answer = await as_user("root").get("/user")
    assert "argon2" not in answer.text
    assert {one["otp_secret"] for one in answer.json()["data"]} == {None}


async def test_a_new_user_logs_in(as_user: Any, people: Any, anonymous: Any) -> None:
    made = await as_user("admin").post("/user", json={**NEW, "roles": [ROLES["Viewer"]], "rules": [3]})
    assert made.status_code == 201, made.text
    assert made.json()["organization"]["id"] == people["alpha"].id
    assert (made.json()["firstname"], made.json()["lastname"]) == ("", "")
    answer = await anonymous.post("/token/user", json={"username": "newby", "password": NEW["password"]})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"username": "vera"}, 400),
        ({"email": "vera@example.org"}, 400),
        ({"username": "1abc"}, 400),
        ({"password": "alllowercase"}, 400),
        ({"email": "nonsense"}, 400),
        ({"organization_id": 4711}, 404),
        ({"organization_id": 4}, 404),
        ({"organization_id": 3}, 401),
        ({"roles": [4711]}, 404),
        ({"rules": [87]}, 404),
        ({"roles": [ROLES["Root"]]}, 401),
        ({"roles": [ROLES["node"]]}, 400),
        ({"roles": [ROLES["container"]]}, 400),
        ({"rules": [1]}, 401),
        ({"shoe_size": 44}, 400),
    ],
)
async def test_a_new_user_that_cannot_be_is_refused(
    as_user: Any, people: Any, change: dict[str, object], status: int
) -> None:
    answer = await as_user("admin").post("/user", json={**NEW, **change})
    assert answer.status_code == status, answer.text
    assert "newby" not in await names(as_user("root"))


async def test_a_role_of_another_organization_is_not_given(as_user: Any, people: Any, make: Any) -> None:
    foreign = make.role("foreign", people["beta"])
    answer = await as_user("root").post("/user", json={**NEW, "roles": [foreign.id]})
    assert answer.status_code == 401


async def test_nobody_hands_out_or_takes_away_more_than_they_hold(as_user: Any, people: Any) -> None:
    admin, chief = as_user("admin"), f"/user/{people['chief'].id}"
    assert (await admin.patch(chief, json={"roles": [ROLES["Viewer"]]})).status_code == 401
    assert (await admin.patch(chief, json={"roles": []})).status_code == 401
    vera = f"/user/{people['vera'].id}"
    assert (await admin.patch(vera, json={"roles": [ROLES["Collaboration Admin"]]})).status_code == 401
    assert (await admin.patch(vera, json={"roles": [ROLES["Organization Admin"]]})).status_code == 200
    assert (await admin.patch(vera, json={"rules": [3]})).status_code == 200
    assert (await admin.patch(vera, json={"rules": [1]})).status_code == 401


async def test_ones_own_rights_stay_as_they_are(as_user: Any, people: Any) -> None:
    root = as_user("root")
    assert (await root.patch("/user/1", json={"roles": [ROLES["Viewer"]]})).status_code == 401
    assert (await root.patch("/user/1", json={"rules": [1]})).status_code == 401
    assert (await root.patch("/user/1", json={"roles": [ROLES["Root"]], "rules": []})).status_code == 200


async def test_the_mail_address_of_someone_mightier_is_not_changed(as_user: Any, people: Any) -> None:
    """Whoever receives a user's mail could take the account over."""
    admin = as_user("admin")
    stolen = {"email": "admin+chief@example.org"}
    assert (await admin.patch(f"/user/{people['chief'].id}", json=stolen)).status_code == 401
    assert (await admin.patch(f"/user/{people['vera'].id}", json=stolen)).status_code == 200
    assert (
        await as_user("vera").patch(f"/user/{people['vera'].id}", json={"email": "v@example.org"})
    ).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{"password": "Correct-horse-2"}, {"username": "vicky"}, {"email": "bert@example.org"}, {"organization_id": 3}],
)
async def test_what_cannot_be_changed_is_refused_and_nothing_is_stored(
    as_user: Any, people: Any, body: dict[str, object]
) -> None:
    admin, vera = as_user("admin"), f"/user/{people['vera'].id}"
    assert (await admin.patch(vera, json={"firstname": "Vicky", **body})).status_code == 400
    assert (await admin.get(vera)).json()["firstname"] == ""


@pytest.mark.parametrize(
    ("rights", "status"),
    [({"roles": [4711]}, 404), ({"rules": [87]}, 404), *(({"roles": [ROLES[name]]}, 400) for name in MACHINES)],
)
async def test_a_change_with_roles_that_cannot_be_given_stores_nothing(
    as_user: Any, people: Any, rights: dict[str, object], status: int
) -> None:
    root, vera = as_user("root"), f"/user/{people['vera'].id}"
    before = (await root.get(vera)).json()

    answer = await root.patch(vera, json={"firstname": "Vicky", **rights})

    assert answer.status_code == status, answer.text
    assert (await root.get(vera)).json() == before


async def test_one_changes_ones_own_name(as_user: Any, people: Any) -> None:
    vera = f"/user/{people['vera'].id}"
    answer = await as_user("vera").patch(vera, json={"username": "vicky", "organization_id": people["alpha"].id})
    assert (answer.status_code, answer.json()["username"]) == (200, "vicky")
    assert (await as_user("plain").patch(f"/user/{people['plain'].id}", json={"firstname": "x"})).status_code == 401


async def test_deleting_follows_the_rules(as_user: Any, people: Any) -> None:
    vera = as_user("vera")
    assert (await vera.delete(f"/user/{people['chief'].id}")).status_code == 401
    assert (await vera.delete(f"/user/{people['gus'].id}")).status_code == 404
    assert (await vera.delete(f"/user/{people['vera'].id}")).status_code == 200
    assert (await vera.get("/user")).status_code == 401, "the token is of nobody now"


async def test_a_user_who_created_tasks_is_deleted_with_them_or_not_at_all(
    as_user: Any, people: Any, session: Session, clock: Any
) -> None:
    task = Task(
        image="x",
        job_id=1,
        collaboration_id=people["collaboration"].id,
        init_org_id=people["alpha"].id,
        init_user_id=people["vera"].id,
        created_at=clock.now(),
    )
    session.add_all([Job(id=1), task])
    session.commit()
    root, vera = as_user("root"), f"/user/{people['vera'].id}"
    refused = await root.delete(vera)
    assert refused.status_code == 400
    assert "1 tasks" in refused.json()["msg"]
    assert (await root.delete(vera, params={"delete_dependents": "1"})).status_code == 200
    assert session.scalars(select(Task)).all() == []


async def test_nobody_deletes_a_user_who_may_do_more(as_user: Any, people: Any) -> None:
    refused = await as_user("admin").delete(f"/user/{people['chief'].id}")
    assert (refused.status_code, refused.json()["code"]) == (401, "denied")
    assert (await as_user("chief").delete(f"/user/{people['admin'].id}")).status_code == 200


async def test_the_last_root_cannot_be_deleted(as_user: Any, people: Any, make: Any) -> None:
    root = as_user("root")
    assert (await root.delete("/user/1")).status_code == 400
    make.user("second", people["alpha"], roles=["Root"])
    assert (await root.delete("/user/1")).status_code == 200


async def test_who_may_only_create_at_partners_does_so(as_user: Any, people: Any, make: Any) -> None:
    view = (Resource.ORGANIZATION, Operation.VIEW, Scope.COLLABORATION)
    make.user("creator", people["alpha"], (USER, Operation.CREATE, Scope.COLLABORATION), view)
    answer = await as_user("creator").post("/user", json={**NEW, "organization_id": people["beta"].id})
    assert answer.status_code == 201
    assert answer.json()["organization"]["id"] == people["beta"].id


async def test_rights_are_read_anew_at_every_request(as_user: Any, people: Any, session: Session) -> None:
    vera = as_user("vera")
    assert (await vera.get("/user")).status_code == 200
    user = session.get(User, people["vera"].id)
    assert user is not None
    user.roles = []
    session.commit()
    assert (await vera.get("/user")).status_code == 401


@pytest.mark.parametrize("role", ["Organization Admin", "Collaboration Admin"])
async def test_nobody_makes_an_administrator_of_a_partner(as_user: Any, people: dict[str, Any], role: str) -> None:
    body = {**NEW, "organization_id": people["beta"].id, "roles": [ROLES[role]]}
    answer = await as_user("chief").post("/user", json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "denied")
    answer = await as_user("chief").patch(f"/user/{people['bert'].id}", json={"roles": [ROLES[role]]})
    assert (answer.status_code, answer.json()["code"]) == (401, "denied")


@pytest.mark.parametrize("role", ["Viewer", "Researcher"])
async def test_a_collaboration_admin_makes_researchers_of_a_partner(
    as_user: Any, people: dict[str, Any], role: str
) -> None:
    body = {**NEW, "organization_id": people["beta"].id, "roles": [ROLES[role]]}
    answer = await as_user("chief").post("/user", json=body)
    assert answer.status_code == 201, answer.text


async def test_the_former_address_hears_of_a_new_one(as_user: Any, people: Any, postbox: Any) -> None:
    """Whoever has got hold of a session could have a new password mailed there."""
    vera = people["vera"]
    assert (await as_user("vera").patch(f"/user/{vera.id}", json={"email": "new@example.org"})).status_code == 200
    (mail,) = await postbox.read()
    assert mail.to == vera.email
    assert "e-mail address" in mail.text
    await as_user("vera").patch(f"/user/{vera.id}", json={"email": "new@example.org", "firstname": "Vera"})
    assert await postbox.read() == []
