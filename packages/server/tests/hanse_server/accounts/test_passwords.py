"""Password hashes, ours and those of v4."""

import asyncio

import bcrypt
import pytest

from hanse_core.errors import Unavailable
from hanse_server.accounts.passwords import Passwords, matches_bcrypt


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(1, memory=64, passes=1)


@pytest.mark.parametrize("password", ["Correct-horse-1", "ä" * 50, "x" * 128])
async def test_a_hash_of_v4_fits_its_password_and_is_outdated(passwords: Passwords, password: str) -> None:
    stored = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    assert await passwords.matches(stored, password)
    assert not await passwords.matches(stored, "y" + password)
    assert passwords.is_outdated(stored)


def test_only_the_first_72_bytes_count_as_v4_had_it() -> None:
    stored = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert matches_bcrypt(stored, "x" * 72 + "anything")
    assert not matches_bcrypt(stored, "x" * 71)


@pytest.mark.parametrize("stored", ["", "$2b$", "$2b$04$short", "$2b$31$" + "a" * 53, "plain", "$argon2id$broken"])
async def test_what_is_no_hash_or_would_take_for_ever_fits_nothing(passwords: Passwords, stored: str) -> None:
    assert not await passwords.matches(stored, "x")


async def test_beyond_the_queue_one_is_asked_to_come_again() -> None:
    passwords = Passwords(1, memory=64, passes=1, queue=3)
    stored = passwords.hash_now("x")
    answers = await asyncio.gather(*(passwords.matches(stored, "x") for _ in range(5)), return_exceptions=True)
    assert answers[:3] == [True, True, True]
    assert [type(answer) for answer in answers[3:]] == [Unavailable, Unavailable]
    assert isinstance(answers[3], Unavailable)
    assert answers[3].retry_after == 5
    assert await passwords.matches(stored, "x"), "the room is free again"
