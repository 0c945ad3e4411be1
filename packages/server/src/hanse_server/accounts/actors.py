"""From the claims of a user's token to the user as an actor."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hanse_core.permissions import RULES, Permissions
from hanse_server.accounts.models import User
from hanse_server.accounts.queries import reach, rule_ids_of_user
from hanse_web.access import UserActor


def identity_id(claims: Mapping[str, Any]) -> int | None:
    """Read the subject of a user's or node's token: an integer, or its digits."""
    subject = claims.get("sub")
    if isinstance(subject, str) and subject.isdecimal():
        return int(subject)
    return subject if isinstance(subject, int) else None


def user_actor(session: Session, claims: Mapping[str, Any]) -> UserActor | None:
    """Load a user with all it may do; None when it is gone or the token was revoked."""
    key = identity_id(claims)
    if key is None:
        return None
    row = session.execute(
        select(User.username, User.organization_id, User.token_version).where(User.id == key)
    ).one_or_none()
    if row is None or row.token_version != claims.get("ver", 0):
        return None
    collaborations, partners = reach(session, row.organization_id)
    rules = (RULES[rule_id - 1] for rule_id in session.scalars(rule_ids_of_user(key)))
    return UserActor(key, row.username, row.organization_id, collaborations, partners, Permissions(rules))
