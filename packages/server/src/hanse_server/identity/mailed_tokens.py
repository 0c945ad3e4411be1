"""Tokens that are mailed: the database knows only their hashes, so a copy of it opens no account."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, insert, select

from hanse_core.errors import Invalid, Unauthenticated
from hanse_server.accounts.models import User
from hanse_server.identity.models import RecoveryToken
from hanse_web.work import Work

PASSWORD = "password"  # noqa: S105  (a purpose, not a secret)
SECOND_FACTOR = "second factor"
UNKNOWN = "the token is not valid: it may have been used, replaced by a newer one, or copied incompletely"
EXPIRED = "the token has expired; ask for a new one"


def new_token() -> str:
    """Make a token that nobody guesses, short enough for one line of a mail."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Hash a token; it is random enough for a fast hash."""
    return hashlib.sha256(token.strip().encode()).hexdigest()


def issue(work: Work, user_id: int, email: str, purpose: str, life: timedelta) -> str:
    """Give a token for a purpose; it takes the place of an older one."""
    token = new_token()
    older = RecoveryToken.user_id == user_id, RecoveryToken.purpose == purpose
    work.session.execute(delete(RecoveryToken).where(*older))
    row = {
        "user_id": user_id,
        "purpose": purpose,
        "token_hash": token_hash(token),
        "email": email,
        "expires_at": work.clock.now() + life,
    }
    work.session.execute(insert(RecoveryToken).values(row))
    return token


def owner(work: Work, token: str, purpose: str) -> int:
    """Find whose token this is. Raises `Invalid` for an unknown one and `Unauthenticated` for an expired one."""
    statement = (
        select(RecoveryToken.user_id, RecoveryToken.expires_at)
        .join(User, User.id == RecoveryToken.user_id)
        .where(RecoveryToken.token_hash == token_hash(token), RecoveryToken.purpose == purpose)
        .where(User.email == RecoveryToken.email)
    )
    row = work.session.execute(statement).one_or_none()
    if row is None:
        raise Invalid(UNKNOWN)
    if row.expires_at <= work.clock.now():
        raise Unauthenticated(EXPIRED)
    user_id: int = row.user_id
    return user_id


def spend(work: Work, token: str, purpose: str) -> int:
    """Use a token up; of two who try at once only one succeeds. Gives whose it was."""
    user_id = owner(work, token, purpose)
    mine = delete(RecoveryToken).where(RecoveryToken.token_hash == token_hash(token)).returning(RecoveryToken.user_id)
    if not work.session.execute(mine).all():
        raise Invalid(UNKNOWN)
    return user_id


def void(work: Work, user_id: int) -> None:
    """End all tokens that were mailed to a user."""
    work.session.execute(delete(RecoveryToken).where(RecoveryToken.user_id == user_id))
