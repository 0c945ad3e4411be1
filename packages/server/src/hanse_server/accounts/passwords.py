"""Password hashes: Argon2id, computed in a few threads so that neither requests nor transactions wait for them."""

import asyncio
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import TypeVar

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hanse_core.errors import Unavailable

MEMORY_KIBIBYTES = 19 * 1024
PASSES = 2
LANES = 1
QUEUE = 128
"""How many passwords may wait or be checked at a time; beyond, an answer would come too late to be of use."""
RETRY_SECONDS = 5
NICE = 10
"""How far the workers step back; with Linux this is a matter of threads, not of the whole process."""
BCRYPT_BYTES = 72
BCRYPT_ROUNDS = 15
"""A bcrypt hash that costs more is not computed: it would hold a thread for seconds."""

NO_PASSWORD = "!"  # noqa: S105
"""Stored for who logs in elsewhere only; no password fits."""

T = TypeVar("T")


@cache
def _hash_of_nobody(memory: int, passes: int) -> str:
    """Make a hash that no password fits; one for the process is enough, and it costs what any hash costs."""
    return PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=LANES).hash(secrets.token_urlsafe())


class Passwords:
    """Hashes and checks passwords; at most `workers` at a time and one per core, each needs 19 MiB."""

    def __init__(
        self, workers: int, *, memory: int = MEMORY_KIBIBYTES, passes: int = PASSES, queue: int = QUEUE
    ) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=LANES)
        at_once = min(workers, len(os.sched_getaffinity(0)))
        self._workers = ThreadPoolExecutor(at_once, thread_name_prefix="passwords", initializer=_step_back)
        self._nobody = _hash_of_nobody(memory, passes)
        self._room = queue

    def hash_now(self, password: str) -> str:
        """Hash in this thread."""
        return self._hasher.hash(password)

    async def hash(self, password: str) -> str:
        """Hash in a worker. Raises `Unavailable` when too many wait already."""
        return await self._in_worker(lambda: self._hasher.hash(password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Compare in a worker. Without a stored hash it takes as long and fails."""
        return await self._in_worker(lambda: self._matches(stored, password))

    def is_outdated(self, stored: str) -> bool:
        """Tell whether the hash was made in another way, or with weaker parameters, than today's."""
        return _is_bcrypt(stored) or self._hasher.check_needs_rehash(stored)

    async def _in_worker(self, compute: Callable[[], T]) -> T:
        if self._room <= 0:
            raise Unavailable("too many log-ins at this moment; try again shortly", retry_after=RETRY_SECONDS)
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, compute)
        finally:
            self._room += 1

    def _matches(self, stored: str | None, password: str) -> bool:
        if stored is not None and _is_bcrypt(stored):
            return matches_bcrypt(stored, password)
        is_usable = stored not in (None, NO_PASSWORD)
        try:
            return self._hasher.verify(stored if stored and is_usable else self._nobody, password) and is_usable
        except (VerificationError, InvalidHashError):
            return False


def _step_back() -> None:
    """Let everything else go first on this thread's core: requests are short, and who logs in can wait a moment."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _is_bcrypt(stored: str) -> bool:
    return stored.startswith(("$2a$", "$2b$", "$2y$"))


def matches_bcrypt(stored: str, secret: str) -> bool:
    """Compare with a hash of the v4 server, which looks at the first 72 bytes only."""
    rounds = stored[4:6]
    if not rounds.isdecimal() or int(rounds) > BCRYPT_ROUNDS:
        return False
    try:
        return bcrypt.checkpw(secret.encode()[:BCRYPT_BYTES], stored.encode())
    except ValueError:
        return False
