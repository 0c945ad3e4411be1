"""Recorded refusals that concern no object: bodies, log-ins, tokens."""

from typing import Any

import httpx
import jwt
import pytest

from ...databases import SECRET
from ...recorded import deviates

ALICE = "token of user (id 7)"


@pytest.mark.replays("15", 4, 5, 6)
async def test_15_logins_that_cannot_be_read_are_refused(
    anonymous: httpx.AsyncClient, golden: Any, recording: Any, answers_like: Any
) -> None:
    *_, half, wrong, broken = recording("15")[:7]
    for exchange in (half, wrong):
        answers_like(await anonymous.post("/token/user", json=exchange["request"]["body"]), exchange)
    headers = {"Content-Type": "application/json"}
    answer = await anonymous.post("/token/user", content=broken["request"]["body"], headers=headers)
    answers_like(answer, broken, more=frozenset({"msg"}))


@pytest.mark.replays("15", *range(8, 15))
async def test_15_questions_that_cannot_be_answered_are_refused(
    recorder: Any, golden: Any, recording: Any, answers_like: Any
) -> None:
    missing, foreign, page, sort, number, vpn, half = recording("15")[8:]
    answers_like(await recorder.send(missing, identity=ALICE), missing)
    # What may not be viewed answers like what is missing.
    deviates(await recorder.send(foreign, identity=ALICE), foreign, 404)
    for exchange in (page, sort, number):  # quirks 20 and 26
        deviates(await recorder.send(exchange, identity=ALICE), exchange, 400)
    deviates(await recorder.send(vpn, identity=ALICE), vpn, 403)  # quirk 20
    answers_like(await recorder.send(half, identity=ALICE), half)


@pytest.mark.replays("55", *range(5, 11))
async def test_55_tokens_are_good_without_what_does_not_matter(
    server: Any, anonymous: httpx.AsyncClient, listed: None, recording: Any, answers_like: Any
) -> None:
    """The recording keeps the answers and not the tokens; what these may lack is as observed there."""
    whole, version, *lacking, nobody = recording("55")[5:]
    claims = {"sub": 7, "client_type": "user", "type": "access", "jti": "j", "csrf": "c"}
    asked = [whole, *lacking]
    for gone, exchange in zip(([], ["csrf"], ["csrf", "jti"], ["csrf", "jti", "type"]), asked, strict=True):
        client = server.client(signed({name: claims[name] for name in claims if name not in gone}))
        answer = await client.get("/task", params=exchange["request"].get("query"))
        exchange["response"]["body"]["links"] = answer.json()["links"]  # of how many pages is another matter
        answers_like(answer, exchange)
    answers_like(await anonymous.get("/version"), version, more=frozenset({"hanse"}))
    # Whose token it is must be said; the stock server fails over it (quirk 20).
    deviates(await server.client(signed({"sub": 7})).get("/task", params={"per_page": "1"}), nobody, 422)


def signed(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, SECRET, algorithm="HS256")


@pytest.mark.replays("59", *range(6, 14))
async def test_59_an_account_that_was_just_made_is_locked_like_any_other(
    recorder: Any, anonymous: httpx.AsyncClient, make: Any, recording: Any, answers_like: Any
) -> None:
    assert make.organization("alpha").id == 2
    making, *logins = recording("59")[6:]
    answers_like(await recorder.send(making, identity="token of user (id 1)"), making)
    for exchange in logins:
        answers_like(await anonymous.post("/token/user", json=exchange["request"]["body"]), exchange)
