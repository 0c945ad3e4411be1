"""Tables of login sessions."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hanse_web.db import Base, UtcDateTime


class LoginSession(Base):
    """One login of one user: what its tokens refer to, so that ending it ends them."""

    __tablename__ = "login_session"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A random UUID; tokens carry it as `sid`."""
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"), index=True)
    method: Mapped[str]
    """How the user proved who it is: `password`, `oidc`, …"""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was opened or last refreshed."""
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """The limit that no activity moves."""
    generation: Mapped[int] = mapped_column(default=0)
    """Number of the newest refresh token."""
    rotated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the newest refresh token replaced the former one."""
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ip: Mapped[str] = mapped_column(default="")
    user_agent: Mapped[str] = mapped_column(default="")
    external: Mapped[str | None]
    """What a way of logging in needs to remember about another party; opaque to sessions."""
