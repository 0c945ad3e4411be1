"""Who is asking is looked up once, and again as soon as rights change: at once here, within moments elsewhere."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, update

from hanse_core.permissions import Operation, Resource, Scope
from hanse_server.accounts.models import Identity
from hanse_server.wiring import UNRELATED_TO_RIGHTS
from hanse_web.clock import FixedClock
from hanse_web.db import Base
from hanse_web.known import LIFE

VIEW_ALL = Resource.USER, Operation.VIEW, Scope.GLOBAL


async def test_a_second_request_costs_no_statements_for_who_is_asking(
    clients: Any, world: Any, statements: Any
) -> None:
    alice = clients.user("alice")
    await alice.get(f"/organization/{world.alpha.id}")
    with statements() as sent:
        answer = await alice.get(f"/organization/{world.alpha.id}")
    assert answer.status_code == 200
    assert len([statement for statement in sent if "FROM organization" in statement]) == 1
    assert not [statement for statement in sent if "rule" in statement or "identity" in statement]


async def _role_loses_rule(root: httpx.AsyncClient, user: Any, role: Any) -> httpx.Response:
    return await root.patch(f"/role/{role.id}", json={"rules": []})


async def _user_loses_role(root: httpx.AsyncClient, user: Any, role: Any) -> httpx.Response:
    return await root.patch(f"/user/{user.id}", json={"roles": []})


async def _role_is_deleted(root: httpx.AsyncClient, user: Any, role: Any) -> httpx.Response:
    return await root.delete(f"/role/{role.id}", params={"delete_dependents": True})


async def _user_is_deleted(root: httpx.AsyncClient, user: Any, role: Any) -> httpx.Response:
    return await root.delete(f"/user/{user.id}")


@pytest.mark.parametrize("take_away", [_role_loses_rule, _user_loses_role, _role_is_deleted, _user_is_deleted])
async def test_rights_that_are_taken_away_end_with_the_answer(
    clients: Any,
    world: Any,
    make: Any,
    as_user: Any,
    take_away: Callable[..., Awaitable[httpx.Response]],
) -> None:
    role = make.role("onlooker", world.beta, VIEW_ALL)
    user = make.user("olga", world.beta, roles=["onlooker"])
    olga, root = as_user("olga"), clients.user("root")
    assert (await olga.get("/user")).status_code == 200
    answer = await take_away(root, user, role)
    assert answer.status_code == 200, answer.text
    assert (await olga.get("/user")).status_code == 401


async def test_rights_that_are_given_count_at_once(clients: Any, world: Any, make: Any, as_user: Any) -> None:
    role = make.role("onlooker", world.beta, VIEW_ALL)
    user = make.user("olga", world.beta)
    olga, root = as_user("olga"), clients.user("root")
    assert (await olga.get("/user")).status_code == 401
    await root.patch(f"/user/{user.id}", json={"roles": [role.id]})
    assert (await olga.get("/user")).status_code == 200


async def test_a_station_that_leaves_its_collaboration_is_out_at_once(clients: Any, world: Any) -> None:
    node, root = clients.node("beta_main"), clients.user("root")
    assert (await node.get("/task")).status_code == 200
    path = f"/collaboration/{world.main.id}/organization"
    await root.request("DELETE", path, json={"id": world.beta.id})
    assert (await node.get("/task")).status_code == 401


async def test_a_partner_that_joins_is_seen_at_once(clients: Any, world: Any) -> None:
    bob, root = clients.user("bob"), clients.user("root")
    assert (await bob.get(f"/organization/{world.gamma.id}")).status_code == 404
    await root.post(f"/collaboration/{world.main.id}/organization", json={"id": world.gamma.id})
    assert (await bob.get(f"/organization/{world.gamma.id}")).status_code == 200


async def test_what_another_replica_revokes_ends_here_within_moments(
    clients: Any, world: Any, engine: Engine, clock: FixedClock
) -> None:
    bob = clients.user("bob")
    assert (await bob.get("/organization")).status_code == 200
    elsewhere = engine.raw_connection()  # past everything by which this process notices what it commits
    cursor = elsewhere.cursor()
    cursor.execute(f"UPDATE identity SET token_version = token_version + 1 WHERE id = {world.users['bob'].id}")
    elsewhere.commit()
    elsewhere.close()
    assert (await bob.get("/organization")).status_code == 200
    clock.moment += LIFE
    assert (await bob.get("/organization")).status_code == 401


async def test_log_ins_tasks_and_being_seen_forget_nobody(
    clients: Any, world: Any, server: Any, anonymous: httpx.AsyncClient
) -> None:
    await clients.user("alice").get("/organization")
    epoch = server.app.state.works.known.epoch
    await clients.task()
    for attempt in range(2):
        answer = await anonymous.post("/token/user", json={"username": "bob", "password": "Correct-horse-1"})
        # The test's hashes are weaker than today's, so the first log-in replaces them, which ends no session.
        assert answer.status_code == 200
        epoch = server.app.state.works.known.epoch if attempt == 0 else epoch
    async with server.app.state.works.open(write=True) as work:
        work.session.execute(
            update(Identity).where(Identity.id == world.users["bob"].id).values(last_seen=work.clock.now())
        )
    assert server.app.state.works.known.epoch == epoch


def test_everything_that_is_called_unrelated_exists() -> None:
    tables = Base.metadata.tables
    assert set(UNRELATED_TO_RIGHTS.tables) | set(UNRELATED_TO_RIGHTS.inserts) <= set(tables)
    for name, columns in UNRELATED_TO_RIGHTS.columns.items():
        assert set(columns) <= set(tables[name].columns.keys())
