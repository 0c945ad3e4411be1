"""Hashes of a v4 server, which moving back to one needs: kept as long as they fit, and no longer than wanted."""

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hanse_server.accounts.models import V4Secret


def forget(session: Session, identity_id: int) -> None:
    """Remove the hash of somebody whose password or API key changes."""
    session.execute(delete(V4Secret).where(V4Secret.identity_id == identity_id))


def forget_all(session: Session) -> int:
    """Remove all of them, when there is no wish to move back any more; gives how many there were."""
    number = session.scalar(select(func.count()).select_from(V4Secret)) or 0
    session.execute(delete(V4Secret))
    return number
