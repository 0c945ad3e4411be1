"""Logging in with a password, and changing it."""

from dataclasses import dataclass

from anyio import to_thread
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hanse_core.errors import Invalid, Unauthenticated
from hanse_core.wire.accounts import UserTokens
from hanse_server.accounts.models import Identity, User
from hanse_server.accounts.passwords import Passwords
from hanse_server.accounts.rules import IDENTITY_REVOKED
from hanse_server.identity.models import LoginSession
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.rules import Attempts
from hanse_server.identity.sessions import Sessions, end_sessions
from hanse_server.settings.passwords import PasswordPolicy
from hanse_web.origin import Origin
from hanse_web.work import Work, Works

REFUSAL = "the username or password is wrong, or the account is blocked for a while after too many attempts"


@dataclass(frozen=True, slots=True)
class Account:
    """What a login needs to know of a user."""

    id: int
    password: str
    version: int
    attempts: Attempts


class Logins:
    """Checks passwords. Hashing happens between two short transactions, never inside one."""

    def __init__(self, works: Works, passwords: Passwords, policy: PasswordPolicy, pairs: TokenPairs) -> None:
        self._works = works
        self._passwords = passwords
        self._policy = policy
        self._pairs = pairs

    async def log_in(self, username: str, password: str, origin: Origin) -> UserTokens:
        """Open a session for a username and password; raises `Unauthenticated`, for whichever reason."""
        account = await self.check(username, password)

        def opened(work: Work) -> UserTokens:
            sessions = Sessions(work, self._pairs)
            return sessions.open(account.id, "password", origin=origin, version=account.version)

        async with self._works.open(write=True) as work:
            return await to_thread.run_sync(opened, work)

    async def check(self, username: str, password: str) -> Account:
        """Find the user whose password this is; unknown, wrong and blocked are told apart neither by text nor time."""
        async with self._works.open(write=False) as work:
            account = await to_thread.run_sync(_account, work.session, username)
        is_right = await self._passwords.matches(account.password if account else None, password)
        better = None
        if account and is_right and self._passwords.is_outdated(account.password):
            better = await self._passwords.hash(password)
        needs_write = not is_right or better is not None or (account is not None and account.attempts.failed > 0)
        async with self._works.open(write=needs_write) as work:
            confirmed = await to_thread.run_sync(self._conclude, work, username, account, is_right, better)
        if confirmed is None:
            raise Unauthenticated(REFUSAL)
        return confirmed

    def _conclude(
        self, work: Work, username: str, seen: Account | None, is_right: bool, better: str | None
    ) -> Account | None:
        """Judge by the state of now: many guesses at the same time count as if they came one by one."""
        now = work.clock.now()
        account = _account(work.session, username)
        if account is None or seen is None:
            work.session.execute(update(User).where(User.id == -1).values(failed_login_attempts=0))
            return None
        if account.attempts.is_blocked(self._policy, now):
            return None
        if not is_right or account.password != seen.password:
            _record(work.session, account.id, account.attempts.after_failure(self._policy, now))
            return None
        if account.attempts.failed:
            _record(work.session, account.id, Attempts(0, account.attempts.last))
        if better is not None:
            work.session.execute(update(User).where(User.id == account.id).values(password=better))
        return account

    async def change_password(self, username: str, current: str, new: str, origin: Origin) -> UserTokens:
        """Set a new password. All sessions end, and the caller gets a new one."""
        account = await self.check(username, current)
        if new == current:
            raise Invalid("the new password is the same as the current one")
        hashed = await self._passwords.hash(new)

        def changed(work: Work) -> UserTokens:
            set_password(work, account.id, hashed)
            return Sessions(work, self._pairs).open(account.id, "password", origin=origin)

        async with self._works.open(write=True) as work:
            return await to_thread.run_sync(changed, work)


def set_password(work: Work, user_id: int, hashed: str) -> None:
    """Store a new password, end every session and token of the user, and its live connections."""
    work.session.execute(update(User).where(User.id == user_id).values(password=hashed))
    end_sessions(work, LoginSession.identity_id == user_id)
    raised = update(Identity).where(Identity.id == user_id).values(token_version=Identity.token_version + 1)
    work.session.execute(raised)
    work.tell(IDENTITY_REVOKED, {"id": user_id})


def _account(session: Session, username: str) -> Account | None:
    columns = (User.id, User.password, User.token_version, User.failed_login_attempts, User.last_login_attempt)
    row = session.execute(select(*columns).where(User.username == username)).one_or_none()
    if row is None:
        return None
    attempts = Attempts(row.failed_login_attempts, row.last_login_attempt)
    return Account(row.id, row.password, row.token_version, attempts)


def _record(session: Session, user_id: int, attempts: Attempts) -> None:
    values = {"failed_login_attempts": attempts.failed, "last_login_attempt": attempts.last}
    session.execute(update(User).where(User.id == user_id).values(values))
