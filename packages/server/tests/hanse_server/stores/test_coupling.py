"""Coupling algorithm stores to collaborations, and what a store is told by it."""

from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse

from hanse_server.settings import Settings

STORE = "https://store.example/api"
OWN_URL = "https://hanse.example/api"


def _ids(answer: httpx.Response) -> set[int]:
    assert answer.status_code == 200, answer.text
    return {row["id"] for row in answer.json()["data"]}


async def test_a_coupled_store_knows_the_server_and_never_sees_the_users_own_token(
    couple: Any, store: Any, opens_nothing_else: Any
) -> None:
    made = await couple(server_url="https://somewhere.else/api")

    assert store.servers == [{"id": 1, "url": OWN_URL, "users": ""}]
    assert made == {"id": made["id"], "name": "st", "url": STORE, "collaborations": None}
    (headers,) = store.headers
    assert (headers["server-url"], headers["host"]) == (OWN_URL, "store.example")
    await opens_nothing_else(headers)


async def test_it_is_seen_by_those_whose_collaborations_may_use_it(couple: Any, clients: Any, world: Any) -> None:
    everywhere = await couple(algorithm_store_url="https://other.example/api")
    here = await couple(collaboration_id=[world.main.id, world.secure.id])

    assert here["collaborations"] == f"/api/collaboration?algorithm_store_id={here['id']}"
    assert _ids(await clients.user("alice").get("/algorithmstore")) == {everywhere["id"], here["id"]}
    assert _ids(await clients.user("gary").get("/algorithmstore")) == {everywhere["id"]}
    assert (await clients.user("gary").get(f"/algorithmstore/{here['id']}")).status_code == 404
    assert (await clients.node("alpha_main").get(f"/algorithmstore/{here['id']}")).status_code == 200
    assert (await clients.node("gamma_other").get(f"/algorithmstore/{here['id']}")).status_code == 404
    of_main = {"collaboration_id": world.main.id, "name": "s%"}
    assert _ids(await clients.user("alice").get("/algorithmstore", params=of_main)) == {everywhere["id"], here["id"]}
    of_other = {"collaboration_id": world.other.id}
    assert (await clients.user("alice").get("/algorithmstore", params=of_other)).status_code == 404


async def test_collaborations_are_found_by_their_store(couple: Any, clients: Any, world: Any) -> None:
    here = await couple(collaboration_id=world.main.id)
    everywhere = await couple(algorithm_store_url="https://other.example/api")

    async def of(user: str, store_id: int) -> httpx.Response:
        answer: httpx.Response = await clients.user(user).get("/collaboration", params={"algorithm_store_id": store_id})
        return answer

    assert _ids(await of("root", here["id"])) == {world.main.id}
    assert _ids(await of("alice", here["id"])) == {world.main.id}
    assert _ids(await of("alice", everywhere["id"])) == {world.main.id, world.secure.id}
    assert (await of("gary", here["id"])).status_code == (await of("gary", 9999)).status_code == 404


@pytest.mark.parametrize("named", [1, [1], "1"])
async def test_stock_clients_name_one_collaboration_in_their_ways(couple: Any, world: Any, named: Any) -> None:
    assert world.main.id == 1
    made = await couple("carl", collaboration_id=named)

    assert made["collaborations"] is not None


async def test_a_second_coupling_to_the_same_is_refused(couple: Any, world: Any) -> None:
    await couple(collaboration_id=world.main.id)
    await couple(status=400, collaboration_id=[world.main.id, world.secure.id])
    await couple(collaboration_id=world.secure.id)
    await couple()
    await couple(status=400)
    await couple(status=400, collaboration_id=world.other.id)


async def test_only_who_may_edit_the_collaborations_couples_stores_to_them(
    couple: Any, clients: Any, world: Any, store: Any
) -> None:
    await couple("alice", 401, collaboration_id=world.main.id)
    await couple("carl", 401)
    await couple("gary", 404, collaboration_id=world.main.id)
    await couple("carl", 404, collaboration_id=[world.main.id, world.other.id])
    assert store.calls == []

    made = await couple("carl", collaboration_id=world.main.id)

    carl = clients.user("carl")
    path = f"/algorithmstore/{made['id']}"
    assert (await carl.patch(path, json={"collaboration_id": None})).status_code == 401
    assert (await carl.patch(path, json={"collaboration_id": [world.secure.id]})).status_code == 200
    assert (await clients.user("alice").patch(path, json={"name": "mine"})).status_code == 401
    assert (await clients.user("alice").delete(path)).status_code == 401
    answer = await clients.user("root").patch(path, json={"collaboration_id": None, "name": "all"})
    assert (answer.json()["collaborations"], answer.json()["name"]) == (None, "all")
    assert (await carl.patch(path, json={"name": "mine"})).status_code == 401
    assert (await carl.delete(path)).status_code == 401
    back = await clients.user("root").patch(path, json={"collaboration_id": world.other.id})
    assert back.json()["collaborations"] is not None
    assert (await carl.get(path)).status_code == 404


async def test_a_store_that_refuses_is_coupled_only_if_anybody_may_read_it(
    couple: Any, store: Any, clients: Any
) -> None:
    store.allows = False
    refused = await couple(status=403)
    assert "not wanted here" in refused["msg"]
    assert _ids(await clients.user("root").get("/algorithmstore")) == set()

    store.policy = "public"
    await couple()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (PlainTextResponse("<html>", status_code=200), 502),
        (RedirectResponse("http://10.0.0.1/"), 502),
        (JSONResponse({"msg": "no"}, status_code=500), 502),
        (JSONResponse({"msg": 7}, status_code=400), 400),
        (JSONResponse(["x"], status_code=401), 401),
        (PlainTextResponse("x" * (5 << 20)), 404),
    ],
)
async def test_a_store_that_answers_nonsense_is_not_coupled(
    couple: Any, store: Any, answer: Any, status: int, clients: Any
) -> None:
    store.instead = answer

    await couple(status=status)

    assert _ids(await clients.user("root").get("/algorithmstore")) == set()


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://nobody.example/api", 404),
        ("http://127.0.0.1:5000/api", 400),
        ("http://[::1]/api", 400),
        ("http://[::ffff:169.254.169.254]/latest", 400),
        ("https://10.1.2.3/api", 400),
        ("ftp://store.example/api", 400),
        ("https://user:secret@store.example/api", 400),
        ("https://store.example/api?x=1", 400),
        ("//store.example/api", 400),
        ("nonsense", 400),
        ("http://store.example:99999/", 400),
    ],
)
@pytest.mark.parametrize("force", [False, True])
async def test_only_public_stores_are_called(couple: Any, store: Any, url: str, status: int, force: bool) -> None:
    await couple(status=status, algorithm_store_url=url, force=force)

    assert store.calls == []


async def test_an_uncoupled_store_forgets_the_server_and_nobody_else(
    couple: Any, store: Any, clients: Any, opens_nothing_else: Any
) -> None:
    store.servers = [{"id": 77, "url": "https://neighbour.example/api"}]
    made = await couple()
    store.headers.clear()

    answer = await clients.user("root").delete(f"/algorithmstore/{made['id']}")

    assert answer.status_code == 200
    assert len(store.headers) >= 2  # it is looked for, and then deleted
    for headers in store.headers:
        await opens_nothing_else(headers)
    assert store.servers == [{"id": 77, "url": "https://neighbour.example/api"}]
    assert (await clients.user("root").get(f"/algorithmstore/{made['id']}")).status_code == 404


async def test_the_server_stays_registered_while_another_record_needs_it(
    couple: Any, store: Any, clients: Any, world: Any
) -> None:
    first = await couple(collaboration_id=world.main.id)
    second = await couple(collaboration_id=world.secure.id)

    assert (await clients.user("carl").delete(f"/algorithmstore/{first['id']}")).status_code == 200
    assert _ids(await clients.user("root").get("/algorithmstore")) == {second["id"]}
    assert len(store.servers) == 1


async def test_a_hostile_store_does_not_have_itself_called_without_end(couple: Any, store: Any, clients: Any) -> None:
    made = await couple()
    store.servers = [{"id": number, "url": OWN_URL} for number in range(1_000)]
    store.calls.clear()

    assert (await clients.user("root").delete(f"/algorithmstore/{made['id']}")).status_code == 200
    assert len(store.calls) < 10


async def test_a_store_that_is_gone_does_not_keep_its_record(couple: Any, store: Any, clients: Any) -> None:
    made = await couple()
    store.instead = JSONResponse({"msg": "out of order"}, status_code=500)

    answer = await clients.user("root").delete(f"/algorithmstore/{made['id']}")

    assert answer.status_code == 200
    assert "out of order" in answer.json()["msg"]
    assert _ids(await clients.user("root").get("/algorithmstore")) == set()


async def test_a_dissolved_collaboration_takes_its_stores_with_it(
    couple: Any, clients: Any, world: Any, make: Any
) -> None:
    lonely = make.collaboration("lonely", [world.alpha])
    gone = await couple(collaboration_id=lonely.id)
    shared = await couple(algorithm_store_url="https://other.example/api", collaboration_id=[lonely.id, world.main.id])

    assert (await clients.user("root").delete(f"/collaboration/{lonely.id}")).status_code == 200

    assert _ids(await clients.user("root").get("/algorithmstore")) == {shared["id"]}
    assert (await clients.user("gary").get(f"/algorithmstore/{gone['id']}")).status_code == 404


class TestWithoutAnAddressOfItsOwn:
    """A server whose operator did not say how others reach it."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"server_url": None})

    async def test_the_request_must_say_where_the_server_is(self, couple: Any, store: Any, clients: Any) -> None:
        await couple(status=400)
        assert store.calls == []

        made = await couple(server_url="https://me.example/api/")

        assert store.servers[0]["url"] == "https://me.example/api"
        path = f"/algorithmstore/{made['id']}"
        assert (await clients.user("root").delete(path)).status_code == 400
        gone = await clients.user("root").delete(path, params={"server_url": "https://me.example/api"})
        assert (gone.status_code, store.servers) == (200, [])
