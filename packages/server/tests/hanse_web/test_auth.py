"""Tokens and the Authorization header, as recorded."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest

from hanse_core.errors import Malformed, Unauthenticated
from hanse_web.auth import Tokens
from hanse_web.clock import FixedClock

SECRET = "a secret for tests only, of more than thirty-two bytes"


async def get(client: httpx.AsyncClient, authorization: str | None) -> httpx.Response:
    return await client.get("/user", headers={"Authorization": authorization} if authorization is not None else {})


@pytest.mark.replays("15", 0, 1)
@pytest.mark.replays("55", 0, 1, 2, 3, 4)
async def test_each_way_to_get_the_header_wrong_is_answered_as_recorded(
    server: Any, anonymous: httpx.AsyncClient, clock: FixedClock, recording: Any, answers_like: Callable[..., None]
) -> None:
    missing, garbage, *_ = recording("15")
    expired, forged, basic, empty, unknown, *_ = recording("55")
    tokens: Tokens = server.app.state.tokens
    old = tokens.issue(1, "user", life=timedelta(hours=1))
    clock.moment += timedelta(hours=2)
    answers_like(await get(anonymous, None), missing)
    answers_like(await get(anonymous, "Bearer nonsense"), garbage)
    answers_like(await get(anonymous, f"Bearer {old}"), expired)
    answers_like(await get(anonymous, f"Bearer {Tokens('y' * 40, clock).issue(1, 'user')}"), forged)
    answers_like(await get(anonymous, "Basic cm9vdDpyb290"), basic)
    answers_like(await get(anonymous, "Bearer "), empty)
    answers_like(await get(anonymous, f"Bearer {tokens.issue(4711, 'user')}"), unknown)


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"sub": 1, "type": "access", "client_type": "user"}, 200),
        ({"sub": 1, "client_type": "user"}, 200),
        ({"sub": "1", "client_type": "user"}, 200),
        ({"sub": 1, "client_type": "node"}, 401),
        ({"sub": 1}, 422),
        ({"sub": {"id": 1}, "client_type": "user"}, 401),
        ({"sub": 2**70, "client_type": "user"}, 400),
        ({"sub": 1, "client_type": "user", "ver": 1}, 401),
        ({"sub": 1, "client_type": "user", "type": "refresh"}, 422),
        ({"sub": 1, "client_type": "user", "exp": "soon"}, 422),
    ],
)
async def test_only_the_claims_that_matter_are_looked_at(
    anonymous: httpx.AsyncClient, claims: dict[str, Any], status: int
) -> None:
    token = jwt.encode(claims, SECRET, algorithm="HS256") if "exp" not in claims else _raw(claims)
    assert (await get(anonymous, f"Bearer {token}")).status_code == status


def _raw(claims: dict[str, Any]) -> str:
    """Sign what the library refuses to sign."""
    import json

    return jwt.api_jws.encode(json.dumps(claims).encode(), SECRET, algorithm="HS256")


def test_a_token_without_signature_is_refused(clock: FixedClock) -> None:
    unsigned = jwt.encode({"sub": 1, "client_type": "user"}, None, algorithm="none")
    with pytest.raises(Malformed):
        Tokens(SECRET, clock).read(unsigned)


def test_a_token_from_the_future_is_refused(clock: FixedClock) -> None:
    tokens = Tokens(SECRET, clock)
    token = tokens.issue(1, "user")
    clock.moment -= timedelta(seconds=2)
    with pytest.raises(Unauthenticated, match="not valid yet"):
        tokens.read(token)


def test_a_container_token_has_an_object_for_a_subject_and_no_end(clock: FixedClock) -> None:
    tokens = Tokens(SECRET, clock)
    claims = tokens.read(tokens.issue({"task_id": 1}, "container"))
    assert claims["sub"] == {"task_id": 1}
    assert claims["roles"] == []
    assert "exp" not in claims
