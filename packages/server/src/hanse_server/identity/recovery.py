"""Ways back into an account: a mailed token sets a new password, or a new second factor."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from anyio import to_thread
from sqlalchemy import func, select

from hanse_core.errors import Invalid
from hanse_server.accounts.models import User
from hanse_server.accounts.password_rules import PasswordRules
from hanse_server.accounts.passwords import NO_PASSWORD, Passwords
from hanse_server.identity import mailed_tokens
from hanse_server.identity.limits import ANY_ACCOUNT, Failures, forget_failures, network_limit
from hanse_server.identity.mailed_tokens import PASSWORD, SECOND_FACTOR
from hanse_server.identity.notices import Notices
from hanse_server.identity.second_factor import Enrolment, SecondFactors
from hanse_server.identity.service import Account, Logins, revoke, set_password
from hanse_server.letters.writing import Letters
from hanse_server.settings import Settings
from hanse_web.aside import Aside
from hanse_web.origin import Origin
from hanse_web.work import Work, Works

LOST_PASSWORD = "lost password"  # noqa: S105
"""The purpose for which requests of a network are counted, whatever comes of them (ADR 6)."""
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Lost:
    """What somebody who lost a password says about the account."""

    username: str | None
    email: str | None


class Recoveries:
    """Gives out and takes mailed tokens.

    Who asks for one is answered before anybody looks whether there is such an account: time tells nothing.
    """

    def __init__(
        self,
        works: Works,
        aside: Aside,
        letters: Letters,
        notices: Notices,
        passwords: Passwords,
        logins: Logins,
        factors: SecondFactors,
        settings: Settings,
    ) -> None:
        self._works = works
        self._aside = aside
        self._notices = notices
        self._letters = letters
        self._passwords = passwords
        self._logins = logins
        self._factors = factors
        self._life = settings.recovery_life
        self._pause = settings.password_policy.between_mails
        self._rules = PasswordRules(settings.password_policy)
        self._limit = network_limit(settings.password_policy)
        self._paused: dict[str, datetime] = {}

    def ask(self, lost: Lost, origin: Origin) -> None:
        """Have a token mailed, if there is such an account and it was not mailed one a short time ago.

        A network that asks for many accounts gets the same answer, and no mails for a while.
        """
        paused_until = self._paused.get(origin.network)
        if paused_until is None or paused_until <= self._works.clock.now():
            self._paused.pop(origin.network, None)
            self._aside.do(partial(self._mail_password_token, lost, origin.network))

    def _is_too_much(self, work: Work, network: str) -> bool:
        """Count one more of a network, unless it must pause."""
        limit, now = self._limit, work.clock.now()
        failures = Failures(work.session, now, LOST_PASSWORD, network)
        if pause := failures.of(ANY_ACCOUNT)[ANY_ACCOUNT].blocked_for(limit, now):
            if len(self._paused) >= REMEMBERED:
                self._paused.clear()
            self._paused[network] = now + pause
            return True
        failures.count({ANY_ACCOUNT: limit})
        return False

    def _mail_password_token(self, lost: Lost, network: str, work: Work) -> None:
        if self._is_too_much(work, network):
            return
        user_id = _find(work, lost)
        if user_id is None or not self._letters.can_send:
            return
        user, now = work.session.get_one(User, user_id), work.clock.now()
        if user.password == NO_PASSWORD:
            return  # Who left the hospital would come back past its provider.
        last = user.last_email_recover_password_sent
        if last is not None and now - last < self._pause:
            return
        user.last_email_recover_password_sent = now
        token = mailed_tokens.issue(work, user_id, user.email, PASSWORD, self._life)
        self._letters.password_reset(work, user.email, user.username, token, self._life)

    async def reset_password(self, token: str, password: str) -> None:
        """Set a new password; sessions end, and a block of the account too."""

        def look(work: Work) -> str:
            user_id = mailed_tokens.owner(work, token, PASSWORD)
            return work.session.scalars(select(User.username).where(User.id == user_id)).one()

        def reset(work: Work) -> None:
            user_id = mailed_tokens.spend(work, token, PASSWORD)
            set_password(work, user_id, hashed)
            forget_failures(work.session, user_id)
            self._notices.login_changed(work, user_id, "your password was reset with a mailed token")

        async with self._works.open(write=False) as work:
            username = await to_thread.run_sync(look, work)
        self._rules.require_acceptable(password, username)
        hashed = await self._passwords.hash(password)
        async with self._works.open(write=True) as work:
            await to_thread.run_sync(reset, work)

    async def lose_second_factor(self, lost: Lost, password: str, origin: Origin) -> None:
        """Mail a token to somebody who knows the password. Raises `Unauthenticated`, as a login does."""
        username = lost.username
        if not username:
            async with self._works.open(write=False) as work:
                username = await to_thread.run_sync(_username, work, lost)
        account = await self._logins.check(username, password, origin)
        if not self._letters.can_send:
            raise Invalid("this server sends no mail; ask an administrator to reset your second factor")
        async with self._works.open(write=True) as work:
            await to_thread.run_sync(self._mail_factor_token, work, account, origin)

    def _mail_factor_token(self, work: Work, account: Account, origin: Origin) -> None:
        self._logins.require_unblocked(work, account, origin)
        user_id = account.id
        user, now = work.session.get_one(User, user_id), work.clock.now()
        factor, last = self._factors.of(work, user_id), user.last_email_second_factor_sent
        is_needless = not (factor.is_active or factor.is_required)
        if is_needless or (last is not None and now - last < self._pause):
            return
        user.last_email_second_factor_sent = now
        token = mailed_tokens.issue(work, user_id, user.email, SECOND_FACTOR, self._life)
        self._letters.second_factor_reset(work, user.email, user.username, token, self._life)

    async def reset_second_factor(self, token: str) -> Enrolment:
        """Give a new second factor in place of the lost one; sessions end."""

        def reset(work: Work) -> Enrolment:
            user_id = mailed_tokens.spend(work, token, SECOND_FACTOR)
            mailed_tokens.void(work, user_id)
            revoke(work, user_id)
            self._notices.login_changed(work, user_id, "your second factor was set up anew with a mailed token")
            return self._factors.enrol(work, self._factors.of(work, user_id), in_force=True)

        async with self._works.open(write=True) as work:
            return await to_thread.run_sync(reset, work)


def _find(work: Work, lost: Lost) -> int | None:
    """Find the account; capitals in an address do not matter as long as only one is meant."""
    if lost.username:
        return work.session.scalar(select(User.id).where(User.username == lost.username))
    email = lost.email or ""
    exact = work.session.scalar(select(User.id).where(User.email == email))
    if exact is not None:
        return exact
    alike = work.session.scalars(select(User.id).where(func.lower(User.email) == email.lower()).limit(2)).all()
    return alike[0] if len(alike) == 1 else None


def _username(work: Work, lost: Lost) -> str:
    """Give the username of an account; for none a name that nobody has, so that the work is the same."""
    user_id = _find(work, lost)
    found = work.session.scalar(select(User.username).where(User.id == user_id))
    return found or ""
