"""Tasks whose image a store vouches for."""

from typing import Any

import pytest
from starlette.responses import JSONResponse

from hanse_server.settings import Settings
from hanse_server.settings.algorithm_stores import AlgorithmStores

DIGEST = "sha256:" + "ab" * 32
PINNED = f"registry.example/algo:1@{DIGEST}"


@pytest.fixture
async def coupled(couple: Any, world: Any, store: Any) -> int:
    made = await couple(collaboration_id=world.main.id)
    store.calls.clear()
    key: int = made["id"]
    return key


@pytest.fixture
def attempt(clients: Any, world: Any) -> Any:
    async def do(user: str = "alice", key: str | None = None, **fields: Any) -> Any:
        places = [{"id": world.alpha.id, "input": "e30="}]
        body = {"collaboration_id": world.main.id, "image": "algo:1", "organizations": places, **fields}
        headers = {"Idempotency-Key": key} if key else {}
        return await clients.user(user).post("/task", json=body, headers=headers)

    return do


async def test_a_task_runs_what_the_store_approved_by_digest(
    attempt: Any, coupled: int, clients: Any, store: Any, opens_nothing_else: Any
) -> None:
    made = (await attempt(store_id=coupled)).json()

    assert made["image"] == PINNED
    assert made["algorithm_store"]["id"] == coupled
    assert made["algorithm_store"]["link"] == f"/api/algorithmstore/{coupled}"
    assert store.calls == [("GET", "/api/algorithm")]
    await opens_nothing_else(store.headers[-1])
    listed = await clients.user("alice").get("/task", params={"store_id": coupled})
    assert [row["id"] for row in listed.json()["data"]] == [made["id"]]


async def test_its_subtasks_are_of_the_same_store(attempt: Any, coupled: int, clients: Any, world: Any) -> None:
    made = (await attempt(store_id=coupled)).json()
    container = await clients.container("alpha_main", made["id"], PINNED)
    places = [{"id": world.beta.id, "input": "e30="}]

    answer = await container.post(
        "/task", json={"collaboration_id": world.main.id, "image": PINNED, "organizations": places}
    )

    assert (answer.json()["image"], answer.json()["algorithm_store"]["id"]) == (PINNED, coupled)


async def test_tasks_outlive_their_store(attempt: Any, coupled: int, clients: Any) -> None:
    made = (await attempt(store_id=coupled)).json()

    await clients.user("root").delete(f"/algorithmstore/{coupled}")

    shown = (await clients.user("alice").get(f"/task/{made['id']}")).json()
    assert (shown["image"], shown["algorithm_store"]) == (PINNED, None)


async def test_a_store_without_digest_vouches_for_nothing(attempt: Any, coupled: int, store: Any) -> None:
    store.images["algo:1"]["digest"] = None

    made = (await attempt(store_id=coupled)).json()

    assert (made["image"], made["algorithm_store"]) == ("registry.example/algo:1", None)


@pytest.mark.parametrize(
    "row",
    [
        {"image": "registry.example/other:1", "digest": DIGEST},
        {"image": "algo:1", "digest": "md5:0"},
        {"image": "algo:1", "digest": f"{DIGEST} --privileged"},
        {"image": "algo:1", "digest": DIGEST, "status": "under review"},
        {"image": 7, "digest": DIGEST},
        "algo:1",
        None,
    ],
)
async def test_a_store_cannot_slip_in_something_else(attempt: Any, coupled: int, store: Any, row: Any) -> None:
    store.images["algo:1"] = row

    answer = await attempt(store_id=coupled)

    assert answer.status_code == 400, answer.text


async def test_trouble_with_the_store_is_told_and_makes_no_task(
    attempt: Any, coupled: int, store: Any, clients: Any
) -> None:
    for broken in (JSONResponse({"msg": "out of order"}, status_code=500), JSONResponse({"data": 7})):
        store.instead = broken
        answer = await attempt(store_id=coupled)
        assert answer.status_code == 400
        assert "store.example" in answer.json()["msg"]
    assert (await clients.user("root").get("/task")).json()["data"] == []


async def test_nobody_has_a_store_called_for_a_task_that_cannot_be(
    attempt: Any, coupled: int, store: Any, couple: Any, world: Any
) -> None:
    elsewhere = (await couple(algorithm_store_url="https://other.example/api", collaboration_id=world.secure.id))["id"]
    hidden = (await couple(algorithm_store_url="https://other.example/api", collaboration_id=world.other.id))["id"]
    store.calls.clear()

    assert (await attempt("bob", store_id=coupled)).status_code == 401
    assert (await attempt(store_id=elsewhere)).status_code == 403
    missing, invisible = await attempt(store_id=9999), await attempt(store_id=hidden)
    assert (missing.status_code, invisible.status_code) == (400, 400)
    assert missing.json()["msg"].replace("9999", str(hidden)) == invisible.json()["msg"]
    assert store.calls == []


async def test_a_repeated_key_asks_the_store_once(attempt: Any, coupled: int, store: Any) -> None:
    first = await attempt(store_id=coupled, key="once")
    again = await attempt(store_id=coupled, key="once")

    assert first.json() == again.json()
    assert len(store.calls) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_store_is_asked_while_no_transaction_is_open(
    attempt: Any, coupled: int, server: Any, outbound: Any, monkeypatch: Any
) -> None:
    """SQLite has one writer: whoever held the turn while a slow store thinks would stop everybody."""
    turns: list[bool] = []
    resolve = outbound.resolver

    async def look(host: str, port: int) -> Any:
        turns.append(server.app.state.works.dispatcher.turn.locked())
        return await resolve(host, port)

    monkeypatch.setattr(outbound, "resolver", look)
    await attempt(store_id=coupled)

    assert turns == [False]


class TestOnlyApprovedImages:
    """A server that forbids images outside of stores."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        rules = AlgorithmStores(require_approved_images=True)
        return settings.model_copy(update={"algorithm_stores": rules})

    async def test_collaborations_with_a_store_run_only_what_it_pins(
        self, attempt: Any, coupled: int, store: Any, world: Any
    ) -> None:
        bare = await attempt()
        assert (bare.status_code, list(bare.json()["errors"])) == (400, ["store_id"])
        assert (await attempt(store_id=coupled)).status_code == 201
        store.images["algo:1"]["digest"] = None
        assert (await attempt(store_id=coupled)).status_code == 400
        places = [{"id": world.gamma.id, "input": "e30="}]
        elsewhere = await attempt("gary", collaboration_id=world.other.id, organizations=places)
        assert elsewhere.status_code == 201
