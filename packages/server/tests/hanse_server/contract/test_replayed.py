"""Recorded requests of stock peers, sent again: same status, same shape, but where we deviate on purpose."""

from typing import Any

import pytest

from ...recorded import deviates, each, mended

# Quirk 20: the wrong kind of identity is 403, not an unexpected error. Containers may list studies (section C);
# an object that may not be viewed answers like a missing one.
CONTAINER = {
    "/api/node": 403,
    "/api/collaboration": 403,
    "/api/user": 403,
    "/api/run/1": 403,
    "/api/study": 200,
    "/api/organization/4": 404,
}


@each("29")
async def test_29_a_container_is_refused_what_is_not_its_own(
    recorder: Any, created: Any, recording: Any, index: int
) -> None:
    await created()
    exchange = recording("29")[index]

    answer = await recorder.send(exchange)

    assert answer.status_code == CONTAINER.get(exchange["request"]["path"], exchange["response"]["status"])
    assert exchange["request"]["path"] == "/api/study" or isinstance(answer.json()["msg"], str)


@pytest.mark.replays("36")
async def test_36_killing_all_at_a_node_works(
    recorder: Any, golden: Any, make: Any, created: Any, recording: Any, answers_like: Any
) -> None:
    as_root, as_admin, offline = recording("36")
    make.add(type(golden.nodes["alpha-main"])(id=2, status="online"))
    for exchange in (as_root, as_admin):  # quirk 22: the stock server fails on these
        task = await created(2)
        deviates(await recorder.send(exchange), exchange, 200)
        shown = await recorder.client("token of user (id 1)").get(f"/task/{task['id']}")
        assert shown.json()["status"] == "killed by user"
    answers_like(await recorder.send(offline), offline)


@pytest.mark.replays("38")
async def test_38_tokens_for_containers_are_refused(
    recorder: Any, created: Any, finished: Any, recording: Any, answers_like: Any
) -> None:
    over, other_image, unknown = recording("38")
    await created()
    answers_like(await recorder.send(other_image), other_image)
    answers_like(await recorder.send(unknown), unknown)
    await finished(1, 2)
    answers_like(await recorder.send(over), over)


@pytest.mark.replays("41")
async def test_41_a_task_is_deleted_once(recorder: Any, created: Any, recording: Any, answers_like: Any) -> None:
    first, second = recording("41")
    for _ in range(3):
        await created()
    answers_like(await recorder.send(first), first)
    answers_like(await recorder.send(second), second)


# By request: quirk 20 and 26 (filters that fail there are implemented here, bad numbers are 400).
LISTS = {
    ("/api/task", "run_id"): 200,
    ("/api/run", "port"): 200,
    ("/api/task", "page=abc"): 400,
    ("/api/task", "per_page=0"): 400,
    ("/api/role", "page=0"): 400,
}
# Filters that find nothing there: quirks 26 (18 and 20) and 38 (25), and `ids`, which may be separated by commas here.
FOUND = {18, 20, 25, 32}


def _expected(exchange: dict[str, Any]) -> int:
    request = exchange["request"]
    for name, value in (request.get("query") or {}).items():
        for key in (name, f"{name}={value}"):
            if (request["path"], key) in LISTS:
                return LISTS[request["path"], key]
    status: int = exchange["response"]["status"]
    return status


@pytest.mark.usefixtures("listed")
@each("56")
async def test_56_lists_filter_and_page(recorder: Any, recording: Any, answers_like: Any, index: int) -> None:
    exchanges = recording("56")
    exchange = mended(exchanges[index], _expected(exchanges[index]))
    recorded = exchanges[index]["response"]

    answer = await recorder.send(exchange)

    assert answer.status_code == exchange["response"]["status"], answer.text
    if recorded["status"] != 200:
        return
    body, links = recorded["body"], answer.json()["links"]
    assert {name: links[name] for name in ("first", "self")} == {
        name: body["links"][name] for name in ("first", "self")
    }
    if index in FOUND:
        assert answer.json()["data"]
        assert not body["data"]
        body.update(answer.json())
    answers_like(answer, exchange)


@pytest.mark.replays("70")
async def test_70_a_node_publishes_the_key_of_its_organization(
    recorder: Any, golden: Any, recording: Any, answers_like: Any
) -> None:
    look, publish = recording("70")
    answers_like(await recorder.send(look, identity="token of node (id 5)"), look)
    answers_like(await recorder.send(publish, identity="token of node (id 5)"), publish)
    shown = await recorder.send(look, identity="token of node (id 5)")
    assert shown.json()["public_key"] == publish["request"]["body"]["public_key"]


@pytest.mark.replays("71")
async def test_71_an_administrator_publishes_the_key_of_the_organization(
    recorder: Any, golden: Any, recording: Any, answers_like: Any
) -> None:
    for exchange in recording("71"):
        answers_like(await recorder.send(exchange, identity="token of user (id 8)"), exchange)


@pytest.fixture
async def sealed(recorder: Any, golden: Any, recording: Any) -> dict[str, Any]:
    """The task of recording 72, in the collaboration `secure`, and the answers on the way."""
    answers = {}
    for exchange in recording("72"):
        if exchange["request"]["method"] == "POST":
            exchange["request"]["body"]["collaboration_id"] = 2
        answers[exchange["request"]["path"]] = await recorder.send(exchange, identity="token of user (id 7)")
    return answers


@pytest.mark.replays("72")
async def test_72_a_task_is_created_in_an_encrypted_collaboration(
    sealed: dict[str, Any], recording: Any, answers_like: Any
) -> None:
    for exchange in recording("72"):
        answers_like(sealed[exchange["request"]["path"]], mended(exchange))


@pytest.mark.replays("73")
async def test_73_its_node_fetches_the_input_and_reports_the_result(
    recorder: Any, sealed: dict[str, Any], recording: Any, answers_like: Any
) -> None:
    sent = recording("72")[-1]["request"]["body"]["organizations"][0]["input"]
    exchanges = recording("73")
    for exchange in exchanges:
        if exchange["request"].get("query"):
            exchange["request"]["query"]["node_id"] = "5"
        answer = await recorder.send(exchange, identity="token of node (id 5)")
        answers_like(answer, mended(exchange))
        if exchange["request"].get("query"):
            assert answer.json()["data"][0]["input"] == sent
    results = (await recorder.client("token of user (id 7)").get("/result/1")).json()
    assert results["result"] == exchanges[-1]["request"]["body"]["result"]


@pytest.mark.replays("75", 0, 2, 4, 6, 7, 8, 9)
@pytest.mark.replays("76", 0, 2)
async def test_75_and_76_the_server_answers_what_a_proxy_asks_for_a_container(
    recorder: Any, created: Any, finished: Any, recording: Any, answers_like: Any
) -> None:
    """Only the half between proxy and server; the node's `test_recorded` replays the other."""
    exchanges = [one for one in (*recording("75"), *recording("76")) if one["request"]["path"].startswith("/api")]
    sealed = next(one for one in exchanges if one["request"]["method"] == "POST")["request"]["body"]
    text = sealed["organizations"][0]["input"]
    for _ in range(2):
        await created(3, collaboration=2, text=text)
    for exchange in exchanges:
        request = exchange["request"]
        own_node = "container" not in request["headers"]["Authorization"]
        if request["method"] == "POST":
            request["body"]["collaboration_id"] = 2
        if (request.get("query") or {}).get("collaboration_id"):
            request["query"]["collaboration_id"] = "2"
        if request["path"].endswith("/task/3/status"):
            await finished(3, 4)
        path = "/collaboration/2" if request["path"] == "/api/collaboration/1" else ""
        identity = "token of node (id 5)" if own_node else "container: node 5 task 2"
        answers_like(await recorder.send(exchange, identity=identity, path=path), mended(exchange))
