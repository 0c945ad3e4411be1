"""The recorded requests about stores, sent again: same answers, and the same calls to the store."""

import json
from typing import Any

import pytest

from hanse_core.protocol import API_PATH
from hanse_server.settings import Settings
from hanse_server.settings.algorithm_stores import AlgorithmStores

from ...recorded import refreshed

STORE = "http://127.0.0.1:17610/api"
OWN_URL = "http://127.0.0.1:17603/api"
IMAGE = "registry.example/algo:1"
DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The stock server was not told its address, and called stores wherever they were."""
    return settings.model_copy(update={"server_url": None, "algorithm_stores": AlgorithmStores()})


@pytest.fixture
def outbound(outbound: Any) -> Any:
    outbound.destinations = type(outbound.destinations)(frozenset({"127.0.0.1"}))
    return outbound


@pytest.fixture
def store(store: Any) -> Any:
    row = {"image": IMAGE, "digest": DIGEST, "status": "approved", "functions": []}
    store.images = {IMAGE: row}
    return store


@pytest.fixture
def send(clients: Any, world: Any) -> Any:
    async def do(exchange: dict[str, Any], **fields: Any) -> Any:
        request = exchange["request"]
        who = request["headers"]["Authorization"]
        client = clients.node("alpha_main") if "node" in who else clients.user(who.split(" user ")[1].split("(")[0])
        body = request["body"] | fields if request["body"] else None
        path = request["path"].removeprefix(API_PATH)
        return await client.request(request["method"], path, params=request.get("query"), json=body)

    return do


@pytest.fixture
def refresh(server: Any) -> Any:
    async def do(exchange: dict[str, Any]) -> Any:
        name = exchange["request"]["headers"]["Authorization"].split(" user ")[1].split("(")[0]
        return await refreshed(server, name)

    return do


@pytest.fixture
async def coupled(send: Any, recording: Any, store: Any) -> None:
    assert (await send(recording("90")[0])).status_code == 201
    store.calls.clear()
    store.headers.clear()
    store.bodies.clear()


def agrees(store: Any, told: list[dict[str, Any]]) -> None:
    """Compare the calls that the store got with the recorded ones."""
    assert store.calls == [(call["request"]["method"], call["request"]["path"]) for call in told]
    for headers, body, call in zip(store.headers, store.bodies, told, strict=True):
        assert headers["server-url"] == call["request"]["headers"]["server_url"]  # quirk 42
        assert (json.loads(body) if body else None) == call["request"]["body"]


@pytest.mark.replays("90")
async def test_90_a_store_is_coupled_to_all_or_to_one(
    send: Any, refresh: Any, recording: Any, recording_data: Any, answers_like: Any, store: Any
) -> None:
    everywhere, listed, refreshed, repeated = recording("90")

    answers_like(await send(everywhere), everywhere)

    (told,) = recording_data("90")["server_to_store"]
    agrees(store, [told])
    for exchange in (listed, repeated):  # coupled to all already; and the one-element list is understood (quirk 32)
        again = await send(exchange)
        assert (again.status_code, "errors" in again.json()) == (exchange["response"]["status"], False)
    answers_like(await refresh(refreshed), refreshed)
    other = await send(listed, algorithm_store_url="http://127.0.0.1:17611/api")
    assert (other.status_code, other.json()["collaborations"]) == (201, "/api/collaboration?algorithm_store_id=2")


@pytest.mark.replays("91")
@pytest.mark.usefixtures("coupled")
async def test_91_stores_are_listed_shown_and_renamed(send: Any, recording: Any, answers_like: Any, store: Any) -> None:
    for exchange in recording("91"):
        answers_like(await send(exchange), exchange)
    assert store.calls == []


@pytest.mark.replays("92")
@pytest.mark.usefixtures("coupled")
async def test_92_an_image_that_the_store_does_not_know_makes_no_task(
    send: Any, refresh: Any, recording: Any, recording_data: Any, answers_like: Any, store: Any
) -> None:
    store.images.clear()
    for exchange in recording("92"):
        ask = refresh if exchange["request"]["path"].endswith("/refresh") else send
        answers_like(await ask(exchange), exchange)

    agrees(store, recording_data("92")["server_to_store"])


@pytest.mark.replays("93")
@pytest.mark.replays("95")
@pytest.mark.usefixtures("coupled")
async def test_93_and_95_a_task_of_a_store_has_its_digest_and_its_container_knows_the_store(
    send: Any, recording: Any, recording_data: Any, answers_like: Any, store: Any, server: Any
) -> None:
    for exchange in recording("93"):
        made = await send(exchange)
        answers_like(made, exchange)
    assert made.json()["image"] == exchange["response"]["body"]["image"]
    agrees(store, recording_data("93")["server_to_store"])
    (asking,) = recording("95")
    token = await send(asking)
    answers_like(token, asking)
    subject = server.app.state.tokens.read(token.json()["container_token"])["sub"]
    recorded = {
        "client_type", "node_id", "organization_id", "collaboration_id", "study_id", "store_id", "task_id", "image",
        "databases",
    }  # fmt: skip
    assert set(subject) >= recorded
    assert (subject["store_id"], subject["image"]) == (1, exchange["response"]["body"]["image"])


@pytest.mark.replays("94", 0)
@pytest.mark.usefixtures("coupled")
async def test_94_a_node_finds_the_store_and_proves_itself_there(
    send: Any, recording: Any, recording_data: Any, answers_like: Any
) -> None:
    shown = recording("94")[0]

    answers_like(await send(shown), shown)

    (validation,) = recording_data("94")["store_to_server"]
    validation["request"]["headers"]["Authorization"] = "Bearer <access token of node alpha-main(id 2)>"
    answers_like(await send(validation), validation)


@pytest.mark.replays("96")
@pytest.mark.usefixtures("coupled")
async def test_96_an_uncoupled_store_is_gone_here_and_the_server_there(
    send: Any, recording: Any, recording_data: Any, answers_like: Any, store: Any
) -> None:
    gone, listed = recording("96")

    answers_like(await send(gone), gone)
    answers_like(await send(listed), listed)

    agrees(store, recording_data("96")["server_to_store"])


async def test_the_store_is_told_who_asks_as_recorded(
    send: Any, recording: Any, recording_data: Any, answers_like: Any, store: Any, server: Any
) -> None:
    await send(recording("90")[0])
    (validation,) = recording_data("90")["store_to_server"]
    headers = {"Authorization": store.headers[0]["authorization"]}

    answers_like(await server.client().post("/token/user/validate", headers=headers), validation)
