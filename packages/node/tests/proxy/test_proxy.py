"""The proxy as an algorithm meets it: over its Unix socket."""

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from hanse_node.errors import Unreachable
from hanse_node.messages import Answer, Forward, Organization
from hanse_node.proxy import app as proxy_app
from hanse_node.proxy import tokens
from waiting import until

JSON = {"content-type": "application/json"}
PLAIN = base64.b64encode(b'{"method": "partial"}').decode()


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    return status, {**JSON, **headers}, json.dumps(body).encode()


async def test_the_servers_token_is_used_but_never_seen_by_the_run(served: Any) -> None:
    served.answer(lambda request: answer({"id": 5}, secret="yes"))
    response = await served.ask("GET", "/task/5")
    assert (response.status_code, response.json()) == (200, {"id": 5})
    assert served.uplink.forwarded[0].token == "e30.e30.server"
    assert served.tokens[1] != "e30.e30.server"
    assert "secret" not in response.headers


@pytest.mark.parametrize(
    ("token", "cause"),
    [(None, "missing"), ("nonsense", "not the token that this node gave"), ("e30.e30.server", "not the token")],
)
async def test_any_other_token_is_refused_with_the_cause(served: Any, token: str | None, cause: str) -> None:
    response = await served.ask("GET", "/organization", token=token)
    assert response.status_code == 401
    assert cause in response.json()["msg"]
    assert served.uplink.forwarded == []


async def test_the_token_of_another_run_is_refused_and_named(served: Any) -> None:
    await served.open(run_id=2)
    response = await served.ask("GET", "/organization", run_id=1, token=served.tokens[2])
    assert response.status_code == 401
    assert "token of another run (2)" in response.json()["msg"]


async def test_a_token_dies_with_its_run(served: Any) -> None:
    await served.proxy.close(1)
    assert not served.path(1).exists()
    with pytest.raises(httpx.ConnectError):
        await served.ask("GET", "/version")


async def test_a_restarted_node_serves_the_same_run_at_the_same_place(served: Any) -> None:
    path = served.path(1)
    await served.proxy.close(1)
    path.touch()
    await served.open(run_id=1, server_token=None)
    served.answer(lambda request: answer({"token": request.token}))
    response = await served.ask("GET", "/task/1")
    assert response.json()["token"] == await served.uplink.container_token(1, "hanse/summary")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/user", 404), ("GET", "/node/1", 404), ("PATCH", "/run/1", 405), ("DELETE", "/task/1", 405),
        ("GET", "/task/x", 404), ("POST", "/token/container", 404), ("GET", "/../user", 404), ("GET", "/task/", 404),
    ],
)  # fmt: skip
async def test_only_the_requests_of_algorithms_are_passed_on(served: Any, method: str, path: str, status: int) -> None:
    response = await served.ask(method, path)
    assert response.status_code == status
    assert "msg" in response.json()
    assert served.uplink.forwarded == []


async def test_version_needs_no_token(served: Any) -> None:
    served.answer(lambda request: answer({"version": "4.15.2"}))
    response = await served.ask("GET", "/version", token=None)
    assert response.json() == {"version": "4.15.2"}
    assert served.uplink.forwarded[0].token is None


async def test_status_and_message_of_the_server_come_through(served: Any) -> None:
    served.answer(lambda request: answer({"msg": "no such task", "code": "not-found"}, 404))
    response = await served.ask("GET", "/task/77")
    assert (response.status_code, response.json()["msg"]) == (404, "no such task")
    assert len(served.uplink.forwarded) == 1


async def test_lists_keep_their_query_and_links(served: Any) -> None:
    page = {"data": [], "links": {"next": "/api/organization?page=3"}}
    served.answer(lambda request: answer(page, **{"total-count": "21"}))
    response = await served.ask("GET", "/organization?collaboration_id=1&page=2&page=2&ids=4&ids=5")
    assert response.json() == page
    assert response.headers["total-count"] == "21"
    assert served.uplink.forwarded[0].query == [("collaboration_id", "1"), ("page", "2"), ("ids", "4"), ("ids", "5")]


async def test_a_subtask_has_the_image_and_collaboration_of_its_run(served: Any) -> None:
    served.answer(lambda request: answer({"id": 9}, 201))
    body = {"image": "evil/image", "collaboration_id": 99, "name": "x", "organizations": [{"id": 1, "input": PLAIN}]}
    response = await served.ask("POST", "/task", json=body)
    sent = json.loads(served.uplink.forwarded[0].body)
    assert (response.status_code, response.json()) == (201, {"id": 9})
    assert (sent["image"], sent["collaboration_id"], sent["name"]) == ("hanse/summary", 1, "x")
    assert sent["organizations"] == [{"id": 1, "input": PLAIN}]
    assert served.uplink.forwarded[0].headers["idempotency-key"]


@pytest.mark.parametrize("body", [b"[1]", b"{", b'{"organizations": []}', b"{}"])
async def test_a_subtask_without_organizations_or_json_is_refused(served: Any, body: bytes) -> None:
    response = await served.ask("POST", "/task", content=body)
    assert response.status_code == 400
    assert served.uplink.forwarded == []


async def test_a_subtask_is_repeated_with_the_same_key_when_its_answer_got_lost(served: Any) -> None:
    def lose_the_first(request: Forward) -> Answer:
        if len(served.uplink.forwarded) == 1:
            raise Unreachable("the line broke", sent=True)
        return answer({"id": 9}, 201)

    served.answer(lose_the_first)
    response = await served.ask("POST", "/task", json={"organizations": [{"id": 1, "input": PLAIN}]})
    keys = [request.headers["idempotency-key"] for request in served.uplink.forwarded]
    assert response.status_code == 201
    assert len(keys) == 2
    assert keys[0] == keys[1]


async def test_a_subtask_is_not_repeated_at_servers_that_would_create_it_twice(served: Any) -> None:
    def lose(request: Forward) -> Answer:
        raise Unreachable("the line broke", sent=True)

    served.uplink.repeatable = False
    served.answer(lose)
    response = await served.ask("POST", "/task", json={"organizations": [{"id": 1, "input": PLAIN}]})
    assert response.status_code == 503
    assert len(served.uplink.forwarded) == 1


async def test_reading_waits_while_the_server_is_away(served: Any) -> None:
    served.answer(lambda request: answer({"msg": "gone"}, 502) if len(served.uplink.forwarded) < 3 else answer([1]))
    response = await served.ask("GET", "/run?task_id=1")
    assert response.json() == [1]


async def test_a_token_that_the_server_no_longer_takes_is_renewed_once(served: Any) -> None:
    served.answer(lambda request: answer({"msg": "expired"}, 401) if "server" in request.token else answer({"id": 1}))
    response = await served.ask("GET", "/task/1")
    assert response.json() == {"id": 1}
    assert len(served.uplink.forwarded) == 2


async def test_subtask_inputs_are_sealed_and_results_opened(sealed: Any) -> None:
    served, vault = sealed
    served.uplink.organizations[2] = Organization("beta", vault.public_key)
    served.answer(lambda request: answer({"id": 9}, 201))
    await served.ask("POST", "/task", json={"organizations": [{"id": 2, "input": PLAIN}]})
    entry = json.loads(served.uplink.forwarded[0].body)["organizations"][0]
    assert entry["input"].count("$") == 2
    assert vault.open(entry["input"]) == b'{"method": "partial"}'

    items = [{"id": 1, "result": vault.seal(b"[7]", vault.public_key)}, {"id": 2, "result": None}]
    served.answer(lambda request: answer({"data": items, "links": {}}))
    page = (await served.ask("GET", "/result?task_id=9")).json()
    assert [item["result"] for item in page["data"]] == [base64.b64encode(b"[7]").decode(), None]

    served.answer(lambda request: answer(items[0]))
    assert (await served.ask("GET", "/result/1")).json()["result"] == base64.b64encode(b"[7]").decode()


async def test_an_organization_without_a_key_is_named(sealed: Any) -> None:
    served, _ = sealed
    response = await served.ask("POST", "/task", json={"organizations": [{"id": 2, "input": PLAIN}]})
    assert response.status_code == 400
    assert "organization 2 (beta)" in response.json()["msg"]


async def test_results_in_the_clear_are_passed_unchanged(served: Any) -> None:
    page = {"data": [{"id": 1, "result": "Wzdd", "blob_storage_used": False}], "links": {}}
    served.answer(lambda request: answer(page))
    assert (await served.ask("GET", "/result?task_id=9")).json() == page
    assert (await served.ask("GET", "/result")).status_code == 400


async def test_a_status_is_held_until_it_is_final(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_app, "PROMPT_SECONDS", 0.01)
    states = iter(["pending", "active", "completed"])
    served.answer(lambda request: answer({"status": next(states)}))
    asking = asyncio.create_task(served.ask("GET", "/task/9/status"))
    while not asking.done():
        await asyncio.sleep(0.02)
        served.uplink.bell.task_changed(9)
    response = asking.result()
    assert response.json() == {"status": "completed"}
    assert response.text.startswith(" ")


async def test_a_final_status_comes_at_once(served: Any) -> None:
    served.answer(lambda request: answer({"status": "crashed"}))
    assert (await served.ask("GET", "/task/9/status")).text == '{"status": "crashed"}', "no sign of life before it"
    assert len(served.uplink.forwarded) == 1


async def test_a_failure_never_looks_like_a_final_status(served: Any) -> None:
    def falter(request: Forward) -> Answer:
        attempt = len(served.uplink.forwarded)
        if attempt == 1:
            raise Unreachable("the server restarts", sent=True)
        return [answer({"msg": "not ready"}, 500), answer({"msg": "odd"}), answer({"status": "completed"})][attempt - 2]

    served.answer(falter)
    asking = asyncio.create_task(served.ask("GET", "/task/9/status"))
    while not asking.done():
        await asyncio.sleep(0.02)
        served.uplink.bell.task_changed(9)
    assert asking.result().json() == {"status": "completed"}


async def test_the_status_of_an_unknown_task_is_an_error_with_its_own_code(served: Any) -> None:
    served.answer(lambda request: answer({"msg": "no such task"}, 404))
    assert (await served.ask("GET", "/task/9/status")).status_code == 404


async def test_a_held_status_ends_with_its_run(served: Any) -> None:
    served.answer(lambda request: answer({"status": "active"}))
    asking = asyncio.create_task(served.ask("GET", "/task/9/status"))
    await until(lambda: served.uplink.forwarded)
    await served.proxy.close(1)
    with pytest.raises(httpx.HTTPError):
        await asking


async def test_a_held_status_ends_when_the_algorithm_goes_away(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_app, "PROMPT_SECONDS", 0.01)
    served.answer(lambda request: answer({"status": "active"}))
    with pytest.raises(httpx.ReadTimeout):
        await served.ask("GET", "/task/9/status", timeout=0.2)
    await asyncio.sleep(0.05)
    asked = len(served.uplink.forwarded)
    served.uplink.bell.task_changed(9)
    await asyncio.sleep(0.05)
    assert len(served.uplink.forwarded) == asked


async def test_blob_storage_is_off_where_the_server_knows_none(served: Any) -> None:
    served.answer(lambda request: answer({"msg": "unknown"}, 404))
    assert (await served.ask("GET", "/blobstream/status")).json() == {"blob_store_enabled": False}


def test_run_tokens_carry_the_claims_of_the_servers() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": {"task_id": 3}, "type": "access"}).encode()).rstrip(b"=")
    token = tokens.issue(b"k" * 32, 8, f"e30.{claims.decode()}.sig")
    payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert payload == {"sub": {"task_id": 3}, "type": "access", tokens.RUN: 8}
    assert tokens.run_of(b"k" * 32, token) == 8
    assert tokens.run_of(b"x" * 32, token) is None
    assert tokens.run_of(b"k" * 32, token[:-2]) is None


def test_the_secret_survives_restarts_and_damage_is_named(tmp_path: Any) -> None:
    path = tmp_path / "proxy.key"
    secret = tokens.load_secret(path)
    assert tokens.load_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"short")
    with pytest.raises(Exception, match="damaged"):
        tokens.load_secret(path)
