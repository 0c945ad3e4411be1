"""What users are told by mail about their accounts, after the request that caused it."""

from functools import partial

from sqlalchemy import select

from hanse_server.accounts.models import User
from hanse_server.letters.writing import Letters
from hanse_server.settings.passwords import PasswordPolicy
from hanse_web.aside import Aside
from hanse_web.origin import Origin
from hanse_web.work import Work


class Notices:
    """Mails to users about their own accounts."""

    def __init__(self, letters: Letters, aside: Aside, policy: PasswordPolicy) -> None:
        self._letters = letters
        self._aside = aside
        self._policy = policy

    def login_changed(self, work: Work, user_id: int, change: str) -> None:
        """Tell that the way to log in changed, in the transaction that changed it."""
        row = work.session.execute(select(User.email, User.username).where(User.id == user_id)).one()
        self._letters.login_method(work, row.email, row.username, change)

    def blocked(self, work: Work, user_id: int, origin: Origin) -> None:
        """Tell that an account is blocked; aside, so that an attacker sees no difference to one that does not exist."""
        work.after_commit(lambda: self._aside.do(partial(self._tell_blocked, user_id, origin.address)))

    def _tell_blocked(self, user_id: int, address: str, work: Work) -> None:
        user, now = work.session.get(User, user_id), work.clock.now()
        if user is None or not self._letters.can_send:
            return
        last = user.last_email_failed_login_sent
        if last is not None and now - last < self._policy.between_mails:
            return
        user.last_email_failed_login_sent = now
        self._letters.blocked_account(work, user.email, user.username, address, self._policy.inactivation)
