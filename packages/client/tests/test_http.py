"""The conversation with a server: login, renewal, retries, errors."""

from __future__ import annotations

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from hanse import AsyncClient, Client, SecondFactorNeeded
from hanse._http import api_url
from hanse._login import Tokens
from hanse_core.errors import Denied, Invalid, NotFound, TooLarge, Unauthenticated, Unavailable

v4 = sys.modules["v4"]


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/api"),
        ("https://hanse.example/", "https://hanse.example/api"),
        ("https://example.org/hanse/api/", "https://example.org/hanse/api"),
    ],
)
def test_an_address_without_a_path_is_completed(given: str, completed: str) -> None:
    assert str(api_url(given)) == completed


@pytest.mark.parametrize("address", ["127.0.0.1:5000", "ftp://hanse.example", "hanse", "http://"])
def test_what_is_no_web_address_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(Invalid, match="starts with http"):
        api_url(address)


async def test_the_password_is_sent_once_with_the_first_request(client: Any, server: Any) -> None:
    await client.organizations.get(2)
    await client.organizations.get(3)
    assert [each.url.path for each in server.requests] == [
        "/api/token/user",
        "/api/organization/2",
        "/api/organization/3",
    ]


async def test_a_wrong_password_is_named(connect: Any, server: Any) -> None:
    from_outside = connect(password="Wrong.1")
    with pytest.raises(Unauthenticated, match="Failed to login"):
        await _call(from_outside.organizations.list)
    await _call(from_outside.close)
    assert len(server.requests) == 1


async def test_a_missing_second_factor_is_asked_for(connect: Any) -> None:
    without = connect(password="two-factor")
    with pytest.raises(Unauthenticated, match="mfa_code"):
        await _call(without.login)
    with_code = connect(password="two-factor", mfa_code="123456")
    assert (await _call(with_code.login)).username == "alice"
    await _call(without.close)
    await _call(with_code.close)


async def test_without_a_login_nothing_is_sent(connect: Any, server: Any) -> None:
    anonymous = connect(username=None)
    with pytest.raises(Unauthenticated, match="hanse login"):
        await _call(anonymous.tasks.list)
    await _call(anonymous.close)
    assert server.requests == []


async def test_an_expired_token_is_renewed_once_and_the_request_sent_again(client: Any, server: Any) -> None:
    await client.organizations.get(2)
    server.access = 2
    assert (await client.organizations.get(2)).name == "alpha"
    assert len(server.sent("POST", "token/refresh")) == 1
    assert len(server.sent("POST", "token/user")) == 1


async def test_when_the_refresh_token_has_expired_too_the_password_is_used(client: Any, server: Any) -> None:
    await client.organizations.get(2)
    server.access, server.refresh_works = 2, False
    assert (await client.organizations.get(2)).name == "alpha"
    assert len(server.sent("POST", "token/user")) == 2


async def test_when_nothing_is_left_to_log_in_with_it_says_how(connect: Any, server: Any) -> None:
    server.refresh_works = False
    stale = connect(tokens=Tokens("access-0", "refresh-0", 7))
    with pytest.raises(Unauthenticated, match="log in again"):
        await _call(stale.organizations.list)
    await _call(stale.close)


async def test_new_tokens_are_handed_to_whoever_keeps_them(connect: Any, server: Any) -> None:
    kept: list[Tokens] = []
    stale = connect(tokens=Tokens("access-0", "refresh-1", 7), keep=kept.append)
    await _call(stale.organizations.list)
    await _call(stale.close)
    assert [each.access for each in kept] == ["access-1"]


async def test_threads_that_share_a_client_renew_once(server: Any) -> None:
    with Client(v4.ORIGIN, "alice", "Secret.1", live=False, transport=server.transport()) as client:
        client.login()
        server.access = 2
        with ThreadPoolExecutor(8) as threads:
            names = list(threads.map(lambda _: client.organizations.get(2).name, range(16)))
    assert names == ["alpha"] * 16
    assert len(server.sent("POST", "token/refresh")) == 1


async def test_tasks_that_share_a_client_log_in_and_renew_once(server: Any) -> None:
    async with AsyncClient(v4.ORIGIN, "alice", "Secret.1", live=False, transport=server.transport()) as client:
        await asyncio.gather(*(client.organizations.get(2) for _ in range(8)))
        server.access = 2
        await asyncio.gather(*(client.organizations.get(2) for _ in range(8)))
    assert len(server.sent("POST", "token/user")) == 1
    assert len(server.sent("POST", "token/refresh")) == 1


async def test_giving_up_does_not_lose_tokens_that_are_on_their_way(server: Any) -> None:
    """Whoever loses the answer to a refresh is taken for a thief when it comes again."""
    kept: list[Tokens] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("token/refresh"):
            begun.set()
            await go_on.wait()
        return server(request)  # type: ignore[no-any-return]

    server.access = 2
    async with AsyncClient(
        v4.ORIGIN, tokens=Tokens("access-1", "refresh-1", 7), keep=kept.append, transport=httpx.MockTransport(slowly)
    ) as client:
        impatient = asyncio.create_task(client.organizations.get(2))
        await begun.wait()
        impatient.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        assert (await client.organizations.get(2)).name == "alpha"
    assert [each.refresh for each in kept] == ["refresh-2"]
    assert len(server.sent("POST", "token/refresh")) == 1


async def test_only_the_newest_refresh_token_is_used(connect: Any, server: Any) -> None:
    stale = connect(tokens=Tokens("access-1", "refresh-1", 7))
    for access in (2, 3, 4):
        server.access = access
        assert (await _call(lambda: stale.organizations.get(2))).name == "alpha"
    await _call(stale.close)
    sent = [each.headers["Authorization"] for each in server.sent("POST", "token/refresh")]
    assert sent == ["Bearer refresh-1", "Bearer refresh-2", "Bearer refresh-3"]


async def test_a_personal_access_token_is_a_login(connect: Any, server: Any) -> None:
    client = connect(username=None, password=None, token="hanse_pat_good\n")
    assert (await _call(client.login)).username == "alice"
    assert "hanse_pat" not in repr(client)
    assert [each.url.path for each in server.requests] == ["/api/user/me"]
    await _call(client.close)
    with pytest.raises(Invalid, match="either a token"):
        connect(token="hanse_pat_good")


async def test_a_personal_access_token_that_ended_is_not_renewed(connect: Any, server: Any) -> None:
    client = connect(username=None, password=None, token="hanse_pat_old")
    with pytest.raises(Unauthenticated, match="ended or was revoked"):
        await _call(client.tasks.list)
    await _call(client.close)
    assert [each.url.path for each in server.requests] == ["/api/task"]


async def test_a_person_is_asked_for_the_code(connect: Any, server: Any) -> None:
    asked: list[str] = []
    client = connect(password="two-factor", ask=lambda question: (asked.append(question), "654321 ")[1])
    assert (await _call(client.login)).username == "alice"
    await _call(client.close)
    assert asked == ["code of your second factor: "]
    assert json.loads(server.sent("POST", "token/user")[-1].content)["mfa_code"] == "654321"


async def test_who_needs_a_second_factor_is_shown_one(connect: Any) -> None:
    asked: list[str] = []
    client = connect(password="no-factor-yet", ask=lambda question: (asked.append(question), "654321")[1])
    assert (await _call(client.login)).username == "alice"
    await _call(client.close)
    assert "otpauth://x" in asked[0]
    assert "JBSW" in asked[0]


async def test_where_nobody_can_be_asked_a_program_is_told_what_is_needed(connect: Any) -> None:
    client = connect(password="no-factor-yet")
    with pytest.raises(SecondFactorNeeded) as caught:
        await _call(client.login)
    await _call(client.close)
    assert caught.value.setup is not None
    assert caught.value.setup.otp_secret == "JBSW"
    assert "JBSW" not in str(caught.value) + repr(caught.value)


async def test_a_code_is_sent_for_one_login_only(connect: Any, server: Any) -> None:
    client = connect(password="two-factor", mfa_code="123456")
    await _call(client.login)
    server.access, server.refresh_works = 2, False
    with pytest.raises(SecondFactorNeeded):
        await _call(client.organizations.list)
    await _call(client.close)
    assert "mfa_code" not in json.loads(server.sent("POST", "token/user")[-1].content)


async def test_logging_out_ends_the_login_here_and_there(client: Any, server: Any) -> None:
    await client.login()
    await client.logout()
    assert json.loads(server.sent("POST", "token/revoke")[0].content) == {"all": False}
    with pytest.raises(Unauthenticated, match="not logged in"):
        await client.organizations.list()
    await client.logout()


async def test_after_a_change_of_password_the_new_tokens_are_used(client: Any, server: Any) -> None:
    """For all that were given out before have ended."""
    await client.login()
    new = {"access_token": "access-2", "refresh_token": "refresh-2", "refresh_url": "/r", "user_url": "/api/user/7"}
    server.faults = [None, httpx.Response(200, json={"msg": "changed", **new})]
    await client.change_password("Secret.1", "Other-Secret.2")
    server.access = 2
    assert (await client.organizations.get(2)).name == "alpha"
    assert server.sent("POST", "token/refresh") == []


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_is_asked_again_when_it_says(client: Any, server: Any, status: int) -> None:
    await client.login()
    server.faults = [httpx.Response(status, json={"msg": "busy"}, headers={"Retry-After": "1"})]
    assert (await client.organizations.create("delta")).name == "delta"
    assert len(server.sent("POST", "organization")) == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_a_pause_that_is_too_long_is_told(client: Any, server: Any, status: int) -> None:
    await client.login()
    server.faults = [httpx.Response(status, json={"msg": "busy"}, headers={"Retry-After": "600"})]
    with pytest.raises(Unavailable, match="busy") as caught:
        await client.organizations.get(2)
    assert caught.value.retry_after == 600


async def test_a_limit_is_named_whoever_set_it(client: Any, server: Any) -> None:
    await client.login()
    said = {"msg": "the body exceeds 1024 bytes", "code": "too-large"}
    server.faults = [httpx.Response(413, json=said)]
    with pytest.raises(TooLarge, match="1024 bytes"):
        await client.organizations.create("delta")
    request = httpx.Request("POST", "http://hanse.test/api/organization", json={})
    server.faults = [httpx.Response(413, text="<html>", request=request)]
    with pytest.raises(TooLarge, match=r"\d+ bytes are more .* proxy"):
        await client.organizations.create("delta")


async def test_a_denial_is_no_reason_to_renew(client: Any, server: Any) -> None:
    with pytest.raises(Denied, match="you may not delete it"):
        await client.organizations.delete(2)
    assert server.sent("POST", "token/refresh") == []
    assert len(server.sent("DELETE", "organization/2")) == 1


async def test_a_v4_server_that_denies_even_with_new_tokens_means_a_denial(client: Any, server: Any) -> None:
    await client.login()
    server.faults = [401, None, 401]
    with pytest.raises(Denied, match="fault 401"):
        await client.organizations.create("delta")


async def test_a_wrong_current_password_counts_as_one_attempt(client: Any, server: Any) -> None:
    with pytest.raises(Unauthenticated, match="the current password is wrong"):
        await client.change_password("Wrong.1", "Other-Secret.2")
    assert len(server.sent("PATCH", "password/change")) == 1
    await client.change_password("Secret.1", "Other-Secret.2")
    assert client.session.credentials._target is None


async def test_errors_arrive_as_the_classes_that_the_server_raised(client: Any) -> None:
    with pytest.raises(NotFound, match="there is no organization 77"):
        await client.organizations.get(77)
    with pytest.raises(Invalid) as caught:
        await client.organizations.create("alpha")
    assert caught.value.errors == {"name": ["taken"]}


async def test_a_mistake_in_the_fields_is_named_before_anything_is_sent(client: Any, server: Any) -> None:
    with pytest.raises(Invalid, match=r"password: .*a digit"):
        await client.users.create("carol", "weakpassword", "carol@alpha.example")
    with pytest.raises(Invalid, match="name: "):
        await client.organizations.create("12")
    assert server.requests == []


async def test_a_page_that_is_no_api_is_recognised(connect: Any) -> None:
    for answer in (httpx.Response(404, text="<html>"), httpx.Response(200, text="<html>")):
        lost = connect(transport=httpx.MockTransport(lambda _, answer=answer: answer))
        with pytest.raises(Unavailable, match="Hanse or vantage6 server"):
            await _call(lost.login)
        await _call(lost.close)


async def test_a_server_that_never_answers_is_named_soon(connect: Any) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    lost = connect(transport=httpx.MockTransport(refuse), retry_for=0.2)
    with pytest.raises(Unavailable, match=r"no server answers at http://hanse.test/api; .* \(Connection refused\)"):
        await _call(lost.login)
    await _call(lost.close)


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError("refused"), httpx.ReadError("reset"), httpx.RemoteProtocolError("closed"), 503, 502]
)
async def test_reading_is_tried_again_while_a_server_restarts(client: Any, server: Any, fault: Any) -> None:
    await client.login()
    server.faults = [fault, fault]
    assert (await client.organizations.get(2)).name == "alpha"
    assert len(server.sent("GET", "organization/2")) == 3


async def test_what_may_have_been_received_is_not_sent_twice(client: Any, server: Any) -> None:
    await client.login()
    server.lost_answers = 1
    with pytest.raises(Unavailable, match="may have been received"):
        await client.organizations.create("delta")
    assert [each["name"] for each in server.organizations.values()].count("delta") == 1


async def test_what_was_never_received_is_sent_again(client: Any, server: Any) -> None:
    await client.login()
    server.faults = [httpx.ConnectError("refused")]
    assert (await client.organizations.create("delta")).name == "delta"


async def test_an_answer_that_takes_too_long_is_an_error_of_its_own(client: Any, server: Any) -> None:
    await client.login()
    server.faults = [httpx.ReadTimeout("too slow")]
    with pytest.raises(Unavailable, match="did not answer in time"):
        await client.organizations.create("delta")


async def test_nothing_that_is_shown_holds_a_secret(client: Any, connect: Any) -> None:
    await client.login()
    other = connect(tokens=Tokens("planted-access", "planted-refresh", 7))
    created = await client.nodes.create(1, organization_id=5)
    shown = repr(client._target) + repr(other) + repr(Tokens("planted-access", "planted-refresh", 7)) + repr(created)
    shown += repr(other.tasks) + repr(other.session)
    await _call(other.close)
    assert "planted" not in shown
    assert "Secret.1" not in shown
    assert created.api_key == "0a7c1a9e-planted-key"


async def _call(operation: Any) -> Any:
    given = operation()
    return await given if hasattr(given, "__await__") else given
