"""The second factor of a login: codes of an authenticator app, and recovery codes for when the phone is lost."""

import enum
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyotp
from sqlalchemy import CursorResult, delete, func, insert, select, update
from sqlalchemy.orm import Session

from hanse_core.errors import NotFound
from hanse_server.accounts.models import Organization, User
from hanse_server.identity.models import LoginSession, RecoveryCode
from hanse_web.sealing import Seal
from hanse_web.work import Work

SECOND_FACTOR = "second factor"
"""The purpose for which secrets are sealed, with the user's id as owner."""
STEP_SECONDS = 30
WINDOW = 1
"""How many steps a code may be early or late."""
CODE_LENGTH = 6
RECOVERY_CODES = 10
RECOVERY_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH = 10
"""The protocol allows ten characters for a code; ten of this alphabet are 49 bits."""
WRONG_CODE = "the code of your second factor is wrong, or was used already; wait for the next one"
MISSING_CODE = "log in again with the code of your second factor (mfa_code)"


class Outcome(enum.Enum):
    """What a code, or its absence, amounts to."""

    PASSED = "passed"
    MISSING = "missing"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs to know; shown to the user once."""

    qr_uri: str = field(repr=False)
    otp_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Factor:
    """The second factor of one user."""

    user_id: int
    username: str
    sealed: str | None = field(repr=False)
    last_step: int | None
    """None as long as it is not in force."""
    is_required: bool

    @property
    def is_active(self) -> bool:
        return self.sealed is not None and self.last_step is not None


class SecondFactors:
    """Sets up and checks second factors. Their secrets are sealed in the database; a code works once."""

    def __init__(self, seal: Seal, server_name: str, *, is_required: bool) -> None:
        self._seal = seal
        self._issuer = f"Hanse ({server_name})"
        self._is_required = is_required

    def of(self, work: Work, user_id: int) -> Factor:
        """Look up a user's."""
        columns = (User.username, User.otp_secret, User.otp_last_step, Organization.two_factor_required)
        statement = select(*columns).join(Organization, Organization.id == User.organization_id)
        row = work.session.execute(statement.where(User.id == user_id)).one_or_none()
        if row is None:
            raise NotFound(f"user {user_id} is not found")
        required = self._is_required or row.two_factor_required
        return Factor(user_id, row.username, row.otp_secret, row.otp_last_step, required)

    def judge(self, work: Work, factor: Factor, code: str | None) -> Outcome | Enrolment:
        """Judge a login whose password is right; who needs a second factor and has none yet is given one."""
        if not factor.is_active:
            return self.enrol(work, factor, in_force=True) if factor.is_required else Outcome.PASSED
        if not code:
            return Outcome.MISSING
        return Outcome.PASSED if self.accepts(work, factor, code) else Outcome.WRONG

    def enrol(self, work: Work, factor: Factor, *, in_force: bool) -> Enrolment:
        """Make a new secret, which takes the place of a former one and its recovery codes."""
        secret = pyotp.random_base32()
        sealed = self._seal.seal(secret, str(factor.user_id))
        values = {"otp_secret": sealed, "otp_last_step": 0 if in_force else None}
        work.session.execute(update(User).where(User.id == factor.user_id).values(values))
        work.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == factor.user_id))
        uri = pyotp.TOTP(secret).provisioning_uri(name=factor.username, issuer_name=self._issuer)
        return Enrolment(uri, secret)

    def accepts(self, work: Work, factor: Factor, code: str) -> bool:
        """Tell whether a code of the app, or a recovery code, is right; it is used up by that."""
        given = code.strip().replace(" ", "").replace("-", "").lower()
        if len(given) == CODE_LENGTH and given.isascii() and given.isdecimal():
            return self._accepts_timed(work, factor, given)
        statement = delete(RecoveryCode).where(
            RecoveryCode.user_id == factor.user_id, RecoveryCode.code_hash == self._hash(factor.user_id, given)
        )
        return _touches_one(work.session.execute(statement))

    def _accepts_timed(self, work: Work, factor: Factor, code: str) -> bool:
        if factor.sealed is None:
            return False
        totp = pyotp.TOTP(self._seal.open(factor.sealed, str(factor.user_id)))
        step = _step_of(totp, code, work.clock.now())
        if step is None:
            return False
        newer = func.coalesce(User.otp_last_step, 0) < step
        used = update(User).where(User.id == factor.user_id, User.otp_secret == factor.sealed, newer)
        return _touches_one(work.session.execute(used.values(otp_last_step=step)))

    def renew_recovery_codes(self, work: Work, user_id: int) -> list[str]:
        """Make new recovery codes, in place of those that are left; only their hashes are kept."""
        codes = [
            "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)
        ]
        work.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        rows = [{"user_id": user_id, "code_hash": self._hash(user_id, code)} for code in codes]
        work.session.execute(insert(RecoveryCode), rows)
        return codes

    def recovery_codes_left(self, work: Work, user_id: int) -> int:
        """Count the recovery codes that were not used."""
        return work.session.scalar(select(func.count()).where(RecoveryCode.user_id == user_id)) or 0

    def _hash(self, user_id: int, code: str) -> str:
        return self._seal.digest(f"{user_id}:{code}")


def end_weaker_logins(session: Session, now: datetime) -> None:
    """End the logins without a second factor, where one is required from now on."""
    weaker = LoginSession.has_second_factor.is_(False), LoginSession.revoked_at.is_(None)
    ended = update(LoginSession).where(*weaker).values(revoked_at=now)
    session.execute(ended.execution_options(synchronize_session=False))


def remove_second_factor(work: Work, user_id: int) -> bool:
    """Forget a user's second factor; tells whether there was one."""
    had = work.session.scalar(select(User.otp_secret).where(User.id == user_id)) is not None
    work.session.execute(update(User).where(User.id == user_id).values(otp_secret=None, otp_last_step=None))
    work.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    return had


def _step_of(totp: pyotp.TOTP, code: str, now: datetime) -> int | None:
    """Find the time step whose code this is."""
    current = int(now.timestamp()) // STEP_SECONDS
    steps = range(current - WINDOW, current + WINDOW + 1)
    right = [step for step in steps if secrets.compare_digest(totp.at(step * STEP_SECONDS), code)]
    return max(right, default=None)


def _touches_one(result: Any) -> bool:
    assert isinstance(result, CursorResult)  # noqa: S101
    return result.rowcount == 1
