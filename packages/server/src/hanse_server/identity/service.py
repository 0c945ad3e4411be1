"""Logging in with a password, and changing it."""

import math
from dataclasses import dataclass, replace

from anyio import to_thread
from sqlalchemy import select, update

from hanse_core.errors import Invalid, Unauthenticated
from hanse_core.wire.accounts import UserTokens
from hanse_server.accounts import v4_secrets
from hanse_server.accounts.models import Identity, User
from hanse_server.accounts.passwords import Passwords
from hanse_server.accounts.rules import IDENTITY_REVOKED
from hanse_server.identity.limits import LoginLimits, Verdict
from hanse_server.identity.models import LoginSession
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.sessions import Sessions, end_sessions
from hanse_server.settings.passwords import PasswordPolicy
from hanse_web.origin import Origin
from hanse_web.work import Work, Works

REFUSAL = "the username or password is wrong, or the account is blocked for a while after too many attempts"


@dataclass(frozen=True, slots=True)
class Account:
    """A user whose password was right."""

    id: int
    password: str
    version: int
    better: str | None = None
    """The password hashed as it should be, if it is not yet."""


class Logins:
    """Checks passwords. Hashing happens between two short transactions, never inside one."""

    def __init__(self, works: Works, passwords: Passwords, policy: PasswordPolicy, pairs: TokenPairs) -> None:
        self._works = works
        self._passwords = passwords
        self._policy = policy
        self._pairs = pairs

    async def log_in(self, username: str, password: str, origin: Origin) -> UserTokens:
        """Open a session for a username and password; raises `Unauthenticated`, for whichever reason."""
        account = await self.check(username, password, origin)

        def opened(work: Work) -> UserTokens:
            self.accept(work, account, origin)
            sessions = Sessions(work, self._pairs)
            return sessions.open(account.id, "password", origin=origin, version=account.version)

        async with self._works.open(write=True) as work:
            return await to_thread.run_sync(opened, work)

    async def check(self, username: str, password: str, origin: Origin) -> Account:
        """Find the user whose password this is, and count a failure otherwise; `accept` must follow.

        Unknown, wrong and blocked are told apart neither by text nor by time.
        """
        async with self._works.open(write=False) as work:
            account, verdict = await to_thread.run_sync(self._look_up, work, username, origin)
        if verdict.network_pause:
            # Whoever must pause for all accounts alike learns nothing from how fast this is.
            raise Unauthenticated(REFUSAL, retry_after=math.ceil(verdict.network_pause.total_seconds()))
        is_right = await self._passwords.matches(account.password if account else None, password)
        if account is None or not is_right or verdict.account_is_blocked:
            async with self._works.open(write=True) as work:
                await to_thread.run_sync(self.refuse, work, account.id if account else None, origin)
            raise Unauthenticated(REFUSAL)
        if self._passwords.is_outdated(account.password):
            return replace(account, better=await self._passwords.hash(password))
        return account

    def accept(self, work: Work, account: Account, origin: Origin) -> None:
        """Confirm a checked password by the state of now: guesses made at the same time count as one by one."""
        limits = self.limits(work, origin)
        stored = work.session.scalar(select(User.password).where(User.id == account.id))
        if stored != account.password or limits.judge(account.id).is_refused:
            raise Unauthenticated(REFUSAL)
        limits.accept(account.id)
        if account.better is not None:
            work.session.execute(update(User).where(User.id == account.id).values(password=account.better))

    def refuse(self, work: Work, user_id: int | None, origin: Origin) -> None:
        """Count a wrong password or a wrong code; None for a user that does not exist."""
        self.limits(work, origin).refuse(user_id)

    def limits(self, work: Work, origin: Origin) -> LoginLimits:
        """Give the limits that hold where a request comes from."""
        return LoginLimits(work.session, work.clock.now(), self._policy, origin.network)

    def _look_up(self, work: Work, username: str, origin: Origin) -> tuple[Account | None, Verdict]:
        columns = (User.id, User.password, User.token_version)
        row = work.session.execute(select(*columns).where(User.username == username)).one_or_none()
        account = None if row is None else Account(row.id, row.password, row.token_version)
        return account, self.limits(work, origin).judge(account.id if account else None)

    async def change_password(self, username: str, current: str, new: str, origin: Origin) -> UserTokens:
        """Set a new password. All sessions end, and the caller gets a new one."""
        account = await self.check(username, current, origin)
        if new == current:
            raise Invalid("the new password is the same as the current one")
        hashed = await self._passwords.hash(new)

        def changed(work: Work) -> UserTokens:
            self.accept(work, replace(account, better=None), origin)
            set_password(work, account.id, hashed)
            return Sessions(work, self._pairs).open(account.id, "password", origin=origin)

        async with self._works.open(write=True) as work:
            return await to_thread.run_sync(changed, work)


def set_password(work: Work, user_id: int, hashed: str) -> None:
    """Store a new password, end every session and token of the user, and its live connections."""
    work.session.execute(update(User).where(User.id == user_id).values(password=hashed))
    v4_secrets.forget(work.session, user_id)
    end_sessions(work, LoginSession.identity_id == user_id)
    raised = update(Identity).where(Identity.id == user_id).values(token_version=Identity.token_version + 1)
    work.session.execute(raised)
    work.tell(IDENTITY_REVOKED, {"id": user_id})
