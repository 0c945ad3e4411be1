"""Password hashes: Argon2id, computed in a few threads so that neither requests nor transactions wait for them."""

import secrets

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIBIBYTES = 19 * 1024
PASSES = 2
LANES = 1


class Passwords:
    """Hashes and checks passwords; at most `workers` at a time, each needs 19 MiB."""

    def __init__(self, workers: int, *, memory: int = MEMORY_KIBIBYTES, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=LANES)
        self._limit = CapacityLimiter(workers)
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    def hash_now(self, password: str) -> str:
        """Hash in this thread."""
        return self._hasher.hash(password)

    async def hash(self, password: str) -> str:
        """Hash in a worker."""
        return await to_thread.run_sync(self._hasher.hash, password, limiter=self._limit)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Compare in a worker. Without a stored hash it takes as long and fails."""
        return await to_thread.run_sync(self._matches, stored, password, limiter=self._limit)

    def is_outdated(self, stored: str) -> bool:
        """Tell whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(self._nobody if stored is None else stored, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False
