"""Answers have the status and the shape of those that a stock 4.15.2 server was recorded with."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hanse_server.accounts.models import User

from ...recorded import each

PASSWORD = "Correct-horse-1"
Recording = Callable[[str], list[dict[str, Any]]]
Compare = Callable[..., None]
AsUser = Callable[[str], httpx.AsyncClient]


@pytest.fixture
def fixture(make: Any) -> dict[str, Any]:
    """Two organizations in a collaboration, with a researcher and an administrator."""
    alpha, beta = make.organization("alpha"), make.organization("beta")
    make.collaboration("first", [alpha, beta])
    return {
        "alpha": alpha,
        "beta": beta,
        "alice": make.user("alice", alpha, roles=["Researcher"]),
        "adam": make.user("adam", alpha, roles=["Organization Admin"]),
        "norm": make.user("norm", alpha, roles=["Viewer"]),
    }


async def replay(client: httpx.AsyncClient, exchange: dict[str, Any], path: str | None = None) -> httpx.Response:
    request = exchange["request"]
    return await client.request(
        request["method"],
        path or request["path"].removeprefix("/api"),
        params=request.get("query"),
        json=request.get("body"),
    )


@pytest.mark.replays("03")
async def test_an_organization_is_created_as_recorded(
    as_user: AsUser, recording: Recording, answers_like: Compare
) -> None:
    (exchange,) = recording("03")
    answers_like(await replay(as_user("root"), exchange), exchange)


@pytest.mark.replays("07")
async def test_a_user_is_created_as_recorded(
    as_user: AsUser, recording: Recording, answers_like: Compare, make: Any
) -> None:
    make.organization("alpha")
    (exchange,) = recording("07")
    answers_like(await replay(as_user("root"), exchange), exchange)


@pytest.mark.replays("08")
async def test_roles_are_listed_as_recorded(as_user: AsUser, recording: Recording, answers_like: Compare) -> None:
    (exchange,) = recording("08")
    answer = await replay(as_user("root"), exchange)
    answers_like(answer, exchange)
    assert answer.headers["link"] == exchange["response"]["headers"]["Link"]
    assert answer.headers["total-count"] == "7"
    assert [role["name"] for role in answer.json()["data"]] == ["Root", "container", "node"]


@pytest.mark.replays("09")
async def test_a_users_permissions_are_as_recorded(
    as_user: AsUser, recording: Recording, answers_like: Compare, fixture: dict[str, Any]
) -> None:
    (exchange,) = recording("09")
    answer = await replay(as_user("alice"), exchange, f"/user/{fixture['alice'].id}")
    answers_like(answer, exchange)
    recorded = exchange["response"]["body"]["permissions"]
    permissions = answer.json()["permissions"]
    assert permissions["roles"] == recorded["roles"]
    assert sorted(permissions["rules"]) == sorted(recorded["rules"])
    assert permissions["orgs_in_collabs"] == recorded["orgs_in_collabs"]


@pytest.mark.replays("10")
async def test_organizations_are_paged_as_recorded(
    as_user: AsUser, recording: Recording, answers_like: Compare, fixture: dict[str, Any], make: Any
) -> None:
    make.organization("gamma")
    sorted_page, first_page = recording("10")
    answer = await replay(as_user("root"), sorted_page)
    answers_like(answer, sorted_page)
    assert answer.json()["links"] == sorted_page["response"]["body"]["links"]
    assert answer.headers["link"] == sorted_page["response"]["headers"]["Link"]
    answers_like(await replay(as_user("root"), first_page), first_page)


@each("14")
async def test_rules_are_listed_as_recorded(
    as_user: AsUser, recording: Recording, answers_like: Compare, index: int
) -> None:
    exchange = recording("14")[index]
    answer = await replay(as_user("root"), exchange)
    answers_like(answer, exchange)
    ours, theirs = answer.json(), exchange["response"]["body"]
    assert ours["links"] == theirs["links"]
    named = {(rule["id"], rule["name"], rule["scope"], rule["operation"]) for rule in theirs["data"]}
    everything = (await as_user("root").get("/rule", params={"no_pagination": "1"})).json()["data"]
    assert named <= {(rule["id"], rule["name"], rule["scope"], rule["operation"]) for rule in everything}


@pytest.mark.replays("45")
async def test_a_role_lives_as_recorded(
    as_user: AsUser, recording: Recording, answers_like: Compare, fixture: dict[str, Any]
) -> None:
    create, add, remove, rename, beyond, default, delete, reserved = recording("45")
    root, adam = as_user("root"), as_user("adam")
    created = await replay(root, create)
    answers_like(created, create)
    role = f"/role/{created.json()['id']}"
    answers_like(await replay(root, add, f"{role}/rule/14"), add)
    answers_like(await replay(root, remove, f"{role}/rule/14"), remove)
    answers_like(await replay(root, rename, role), rename)
    answers_like(await replay(adam, beyond), beyond)
    answers_like(await replay(root, default), default)
    answers_like(await replay(root, delete, role), delete)
    refused = await replay(root, reserved)
    assert refused.status_code == reserved["response"]["status"]
    assert isinstance(refused.json()["msg"], str), "an object here crashes the stock client (quirk 31)"
    assert refused.json()["errors"].keys() == reserved["response"]["body"]["msg"].keys()


@pytest.mark.replays("46")
async def test_a_user_changes_as_recorded(
    as_user: AsUser, recording: Recording, answers_like: Compare, fixture: dict[str, Any], make: Any
) -> None:
    first, own_roles, beyond, username, roles, delete, invalid = recording("46")
    make.add(User(id=fixture["alice"].id, status="online"))
    adam, alice, norm = as_user("adam"), f"/user/{fixture['alice'].id}", f"/user/{fixture['norm'].id}"
    answers_like(await replay(as_user("alice"), first, alice), first)
    answers_like(await replay(adam, own_roles, f"/user/{fixture['adam'].id}"), own_roles)
    answers_like(await replay(adam, beyond, norm), beyond)
    answers_like(await replay(adam, username, norm), username)
    answers_like(await replay(adam, roles, norm), roles)
    answers_like(await replay(adam, delete, norm), delete)
    refused = await replay(adam, invalid)
    assert refused.status_code == invalid["response"]["status"]
    assert set(invalid["response"]["body"]["errors"]) <= set(refused.json()["errors"])


@pytest.mark.replays("49")
async def test_public_keys_are_published_as_recorded(
    as_user: AsUser, recording: Recording, answers_like: Compare, fixture: dict[str, Any]
) -> None:
    own, foreign, look, reset = recording("49")
    organization = f"/organization/{fixture['alpha'].id}"
    adam = as_user("adam")
    answers_like(await replay(adam, own, organization), own)
    answers_like(await replay(as_user("root"), foreign, organization), foreign)
    answer = await replay(adam, look, organization)
    answers_like(answer, look)
    assert answer.json()["public_key"] == own["request"]["body"]["public_key"]
    assert answer.json()["country"] == "", "what is refused changes nothing"
    answers_like(await replay(adam, reset, organization), reset)


@pytest.mark.replays("50", 2, 3)
async def test_an_organization_with_users_is_deleted_as_recorded(
    as_user: AsUser, recording: Recording, answers_like: Compare, make: Any
) -> None:
    _, _, refuse, delete = recording("50")
    doomed = make.organization("doomed")
    make.user("dora", doomed)
    root = as_user("root")
    answers_like(await replay(root, refuse, f"/organization/{doomed.id}"), refuse)
    answers_like(await replay(root, delete, f"/organization/{doomed.id}"), delete)
    assert (await root.get("/user", params={"username": "dora"})).json()["data"] == []


@pytest.mark.replays("51", 0)
async def test_a_server_without_blob_store_says_so_as_recorded(
    as_user: AsUser, recording: Recording, answers_like: Compare
) -> None:
    exchange = next(one for one in recording("51") if one["request"]["path"].endswith("/status"))
    answers_like(await replay(as_user("root"), exchange), exchange)
