"""Logging in."""

import httpx

ROOT = {"username": "root", "password": "Root-password-1"}


async def test_root_logs_in_with_the_password_that_was_set(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post("/token/user", json=ROOT)

    assert answer.status_code == 200
    assert answer.json()["user_url"] == "/api/user/1"
    assert answer.headers["jwt-token"] == answer.json()["access_token"]


async def test_a_wrong_password_is_refused(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post("/token/user", json={**ROOT, "password": "wrong"})

    assert answer.status_code == 401
    assert isinstance(answer.json()["msg"], str)
