"""Logging in with a password, and changing it."""

import math
from dataclasses import dataclass, replace

from anyio import to_thread
from sqlalchemy import select, update

from hanse_core.errors import Invalid, Unauthenticated
from hanse_core.wire.accounts import UserTokens
from hanse_server.accounts import v4_secrets
from hanse_server.accounts.actors import end_tokens
from hanse_server.accounts.models import User
from hanse_server.accounts.password_rules import PasswordRules
from hanse_server.accounts.passwords import Passwords
from hanse_server.identity import mailed_tokens
from hanse_server.identity.limits import LoginLimits, Verdict
from hanse_server.identity.notices import Notices
from hanse_server.identity.pairs import TokenPairs
from hanse_server.identity.second_factor import WRONG_CODE, Enrolment, Factor, Outcome, SecondFactors
from hanse_server.identity.sessions import Sessions, has_second_factor
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
    """Checks passwords and codes. Hashing happens between two short transactions, never inside one."""

    def __init__(
        self,
        works: Works,
        passwords: Passwords,
        policy: PasswordPolicy,
        pairs: TokenPairs,
        factors: SecondFactors,
        notices: Notices,
    ) -> None:
        self._works = works
        self._passwords = passwords
        self._policy = policy
        self._pairs = pairs
        self._factors = factors
        self._notices = notices
        self._rules = PasswordRules(policy)

    async def log_in(
        self, username: str, password: str, code: str | None, origin: Origin
    ) -> UserTokens | Enrolment | None:
        """Open a session for a username, a password and, where there is a second factor, its code.

        Who needs a second factor and has none is given one; None asks for the code. Raises `Unauthenticated`, for
        whichever reason.
        """
        account = await self.check(username, password, origin)

        def judged(work: Work) -> UserTokens | Enrolment | Outcome:
            self.require_unblocked(work, account, origin)
            factor = self._factors.of(work, account.id)
            outcome = self._factors.judge(work, factor, code)
            if outcome is Outcome.WRONG:
                self.refuse(work, account.id, origin)
            if isinstance(outcome, Enrolment):
                self._notices.login_changed(work, account.id, "a second factor was set up, as it is required")
            if outcome is not Outcome.PASSED:
                return outcome
            self.accept(work, account, origin)
            sessions = Sessions(work, self._pairs)
            passed = factor.is_active
            return sessions.open(
                account.id, "password", origin=origin, version=account.version, has_second_factor=passed
            )

        async with self._works.open(write=True) as work:
            result = await to_thread.run_sync(judged, work)
        if result is Outcome.WRONG:
            raise Unauthenticated(WRONG_CODE)
        return None if isinstance(result, Outcome) else result

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
        """Confirm a checked password, once the code is right too, by the state of now; failures count from zero."""
        self.require_unblocked(work, account, origin)
        self.limits(work, origin).accept(account.id)
        if account.better is not None:
            work.session.execute(update(User).where(User.id == account.id).values(password=account.better))

    def require_unblocked(self, work: Work, account: Account, origin: Origin) -> None:
        """Look again by the state of now: guesses made at the same time count as if they came one by one."""
        stored = work.session.scalar(select(User.password).where(User.id == account.id))
        if stored != account.password or self.limits(work, origin).judge(account.id).is_refused:
            raise Unauthenticated(REFUSAL)

    def takes(self, work: Work, factor: Factor, code: str, origin: Origin) -> bool:
        """Tell whether a code of the second factor is right, and count a wrong one, as a wrong password is."""
        is_right = self._factors.accepts(work, factor, code)
        if not is_right:
            self.refuse(work, factor.user_id, origin)
        return is_right

    def refuse(self, work: Work, user_id: int | None, origin: Origin) -> None:
        """Count a wrong password or a wrong code; None for a user that does not exist."""
        limits = self.limits(work, origin)
        limits.refuse(user_id)
        if user_id is not None and limits.judge(user_id).account_is_blocked:
            self._notices.blocked(work, user_id, origin)

    def limits(self, work: Work, origin: Origin) -> LoginLimits:
        """Give the limits that hold where a request comes from."""
        return LoginLimits(work.session, work.clock.now(), self._policy, origin.network)

    def _look_up(self, work: Work, username: str, origin: Origin) -> tuple[Account | None, Verdict]:
        columns = (User.id, User.password, User.token_version)
        row = work.session.execute(select(*columns).where(User.username == username)).one_or_none()
        account = None if row is None else Account(row.id, row.password, row.token_version)
        return account, self.limits(work, origin).judge(account.id if account else None)

    async def change_password(
        self, username: str, current: str, new: str, origin: Origin, session_id: str | None
    ) -> UserTokens:
        """Set a new password. All sessions end, and the caller gets a new one in place of this."""
        account = await self.check(username, current, origin)
        if new == current:
            raise Invalid("the new password is the same as the current one")
        self._rules.require_acceptable(new, username, "new_password")
        hashed = await self._passwords.hash(new)

        def changed(work: Work) -> UserTokens:
            self.accept(work, replace(account, better=None), origin)
            passed = has_second_factor(work.session, session_id)
            set_password(work, account.id, hashed)
            self._notices.login_changed(work, account.id, "your password was changed")
            sessions = Sessions(work, self._pairs)
            return sessions.open(account.id, "password", origin=origin, has_second_factor=passed)

        async with self._works.open(write=True) as work:
            return await to_thread.run_sync(changed, work)


def set_password(work: Work, user_id: int, hashed: str) -> None:
    """Store a new password; all that was given out for the old one ends, mailed tokens too."""
    work.session.execute(update(User).where(User.id == user_id).values(password=hashed))
    v4_secrets.forget(work.session, user_id)
    mailed_tokens.void(work, user_id)
    revoke(work, user_id)


def revoke(work: Work, user_id: int) -> None:
    """End every session and token of a user, and its live connections."""
    end_tokens(work, user_id)
