"""Limits to guessing, kept in the database so that all replicas share them (ADR 0006).

Three counts: of an account at one network, of an account everywhere, and of a network at all accounts. The latter two
do not hold back a user at a network from which he or she has logged in before; else strangers could lock anybody out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from hanse_server.accounts.models import User
from hanse_server.identity.guessing import KnownNetwork, LoginFailures
from hanse_server.identity.rules import Attempts, Limit
from hanse_server.settings.passwords import PasswordPolicy
from hanse_web.locks import claim

ANY_ACCOUNT = 0
PASSWORD = "password"  # noqa: S105
LONGEST_BLOCK = timedelta(days=1)
NETWORK_PAUSE = timedelta(minutes=1)
LONGEST_NETWORK_PAUSE = timedelta(hours=1)
KNOWN_FOR = timedelta(days=180)
"""After so long without a login a network is a stranger again."""
NOTED_AGAIN_AFTER = timedelta(days=1)
KEPT = 2 * LONGEST_BLOCK

log = structlog.get_logger()
_users = cast(Table, User.__table__)


class Failures:
    """Counts failures by purpose, network and account, in the caller's transaction."""

    def __init__(self, session: Session, now: datetime, purpose: str, network: str) -> None:
        self._session = session
        self._now = now
        self._purpose = purpose
        self._network = network

    def of(self, *accounts: int) -> dict[int, Attempts]:
        """Give what was counted for these accounts."""
        return self._read(accounts)

    def count(self, limits: Mapping[int, Limit]) -> Mapping[int, Attempts]:
        """Count one more failure for each of these accounts; two at once count as two. Gives what is counted now."""
        accounts = sorted(limits)
        self._session.execute(delete(LoginFailures).where(LoginFailures.last_at < self._now - KEPT))
        self._insert_missing(accounts)
        found = self._read(accounts, lock=True)
        after = {account: found[account].after_failure(limits[account], self._now) for account in accounts}
        for account in accounts:
            values = {"failed": after[account].failed, "last_at": self._now}
            self._session.execute(update(LoginFailures).where(*self._key(account)).values(values))
        return after

    def forget(self, account: int) -> None:
        """Start again at zero."""
        self._session.execute(delete(LoginFailures).where(*self._key(account)))

    def _key(self, account: int) -> tuple[Any, ...]:
        return (
            LoginFailures.purpose == self._purpose,
            LoginFailures.network == self._network,
            LoginFailures.account_id == account,
        )

    def _read(self, accounts: tuple[int, ...] | list[int], *, lock: bool = False) -> dict[int, Attempts]:
        columns = (LoginFailures.account_id, LoginFailures.failed, LoginFailures.last_at)
        statement = select(*columns).where(
            LoginFailures.purpose == self._purpose,
            LoginFailures.network == self._network,
            LoginFailures.account_id.in_(accounts),
        )
        if lock:  # in one order, so that two who count at the same time do not wait for each other
            statement = statement.order_by(LoginFailures.account_id).with_for_update()
        found = dict.fromkeys(accounts, Attempts())
        for row in self._session.execute(statement):
            found[row.account_id] = Attempts(row.failed, row.last_at if row.failed else None)
        return found

    def _insert_missing(self, accounts: list[int]) -> None:
        rows = [
            {"purpose": self._purpose, "network": self._network, "account_id": key, "failed": 0, "last_at": self._now}
            for key in accounts
        ]
        insert_missing(self._session, cast(Table, LoginFailures.__table__), rows)


def insert_missing(session: Session, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert those rows whose key is not there yet."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(table).values(rows).on_conflict_do_nothing())


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether somebody may try a password now."""

    account_is_blocked: bool
    network_pause: timedelta
    """How long this network must wait, for whichever account."""

    @property
    def is_refused(self) -> bool:
        return self.account_is_blocked or self.network_pause > timedelta(0)


class LoginLimits:
    """Judges and counts attempts to log in as a user, in one unit of work.

    `judge` before looking at a password; `refuse` for a wrong password or second factor; `accept` once all is right.
    """

    def __init__(self, session: Session, now: datetime, policy: PasswordPolicy, network: str) -> None:
        self._session = session
        self._now = now
        self._network = network
        self._failures = Failures(session, now, PASSWORD, network)
        self._here, self._anywhere = _limits_of_accounts(policy)
        self._of_network = network_limit(policy)

    def judge(self, user_id: int | None) -> Verdict:
        """Tell whether a user, or a name that nobody has (None), may try to log in from this network."""
        account = ANY_ACCOUNT if user_id is None else user_id
        found = self._failures.of(ANY_ACCOUNT, account)
        pause = found[ANY_ACCOUNT].blocked_for(self._of_network, self._now)
        if user_id is None:
            return Verdict(False, pause)
        if self._is_known(user_id):
            return Verdict(found[account].is_blocked(self._here, self._now), timedelta(0))
        blocked_here = found[account].is_blocked(self._here, self._now)
        return Verdict(blocked_here or self._all(user_id).is_blocked(self._anywhere, self._now), pause)

    def refuse(self, user_id: int | None) -> None:
        """Count a failure; one during a block counts for the network only, so that blocks end."""
        claim(self._session, "attempts of", user_id or ANY_ACCOUNT)  # or those at the same time see no block yet
        verdict = self.judge(user_id)
        if verdict.network_pause:
            return
        limits = {ANY_ACCOUNT: self._of_network}
        if user_id is None or verdict.account_is_blocked:
            self._failures.count(limits)
            return
        counted = self._failures.count({**limits, user_id: self._here})
        if counted[user_id].is_blocked(self._here, self._now):
            log.info("account-blocked", user=user_id, network=self._network)
        if not self._is_known(user_id):
            self._count_anywhere(user_id)

    def accept(self, user_id: int) -> None:
        """Note that a user proved who he or she is here."""
        self._failures.forget(user_id)
        mine = KnownNetwork.user_id == user_id, KnownNetwork.network == self._network
        noted = self._session.scalar(select(KnownNetwork.last_at).where(*mine))
        if noted is not None and self._now - noted < NOTED_AGAIN_AFTER:
            return
        if noted is None or self._now - noted >= KNOWN_FOR:
            reset = update(_users).where(_users.c.id == user_id).values(failed_login_attempts=0)
            self._session.execute(reset)
        forgotten = KnownNetwork.user_id == user_id, KnownNetwork.last_at < self._now - KNOWN_FOR
        self._session.execute(delete(KnownNetwork).where(*forgotten))
        row = {"user_id": user_id, "network": self._network, "last_at": self._now}
        insert_missing(self._session, cast(Table, KnownNetwork.__table__), [row])
        self._session.execute(update(KnownNetwork).where(*mine).values(last_at=self._now))

    def _is_known(self, user_id: int) -> bool:
        mine = KnownNetwork.user_id == user_id, KnownNetwork.network == self._network
        since = KnownNetwork.last_at >= self._now - KNOWN_FOR
        return self._session.scalar(select(KnownNetwork.user_id).where(*mine, since)) is not None

    def _all(self, user_id: int, *, lock: bool = False) -> Attempts:
        columns = (_users.c.failed_login_attempts, _users.c.last_login_attempt)
        statement = select(*columns).where(_users.c.id == user_id)
        row = self._session.execute(statement.with_for_update() if lock else statement).one_or_none()
        return Attempts() if row is None else Attempts(row[0], row[1])

    def _count_anywhere(self, user_id: int) -> None:
        after = self._all(user_id, lock=True).after_failure(self._anywhere, self._now)
        values = {"failed_login_attempts": after.failed, "last_login_attempt": self._now}
        self._session.execute(update(_users).where(_users.c.id == user_id).values(values))
        if after.is_blocked(self._anywhere, self._now):
            log.warning("account-under-attack", user=user_id, failed=after.failed)


def network_limit(policy: PasswordPolicy) -> Limit:
    """Give how much is allowed to a network at all accounts together."""
    return Limit(policy.max_failed_attempts_per_address, NETWORK_PAUSE, LONGEST_NETWORK_PAUSE)


def _limits_of_accounts(policy: PasswordPolicy) -> tuple[Limit, Limit]:
    return (
        Limit(policy.max_failed_attempts, policy.inactivation, LONGEST_BLOCK),
        Limit(policy.max_failed_attempts_anywhere, policy.inactivation, LONGEST_BLOCK),
    )


def is_blocked_somewhere(session: Session, user_id: int, policy: PasswordPolicy, now: datetime) -> bool:
    """Tell whether a user is blocked at any network."""
    here, anywhere = _limits_of_accounts(policy)
    total = session.execute(
        select(_users.c.failed_login_attempts, _users.c.last_login_attempt).where(_users.c.id == user_id)
    ).one()
    at_networks = session.execute(
        select(LoginFailures.failed, LoginFailures.last_at).where(
            LoginFailures.purpose == PASSWORD, LoginFailures.account_id == user_id
        )
    )
    return Attempts(total[0], total[1]).is_blocked(anywhere, now) or any(
        Attempts(row.failed, row.last_at).is_blocked(here, now) for row in at_networks
    )


def forget_failures(session: Session, user_id: int) -> None:
    """Unblock a user everywhere: an administrator, or a mail that reached the user, vouches."""
    session.execute(delete(LoginFailures).where(LoginFailures.purpose == PASSWORD, LoginFailures.account_id == user_id))
    values = {"failed_login_attempts": 0, "last_login_attempt": None}
    session.execute(update(_users).where(_users.c.id == user_id).values(values))
