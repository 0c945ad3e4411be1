"""The conversation with a server: login, renewal, retries, errors."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from hanse._http import api_url
from hanse._login import Tokens
from hanse_core.errors import Denied, Invalid, NotFound, Unauthenticated, Unavailable


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
    stale = connect(tokens=Tokens("access-0", "refresh-0", 7), keep=kept.append)
    await _call(stale.organizations.list)
    await _call(stale.close)
    assert [each.access for each in kept] == ["access-1"]


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
