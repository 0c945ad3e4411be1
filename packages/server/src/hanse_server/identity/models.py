"""Tables of login sessions, recovery and invitations."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hanse_web.db import Base, UtcDateTime
from hanse_web.dependents import VANISHES


class LoginSession(Base):
    """One login of one user: what its tokens refer to, so that ending it ends them."""

    __tablename__ = "login_session"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A random UUID; tokens carry it as `sid`."""
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"), index=True)
    method: Mapped[str]
    """How the user proved who it is: `password`, `oidc`, …"""
    has_second_factor: Mapped[bool] = mapped_column(default=False)
    """Whether a second factor was shown, here or to the provider."""
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


class RecoveryToken(Base):
    """A token that was mailed to a user: for one purpose, to be used once. There is one per user and purpose."""

    __tablename__ = "recovery_token"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    """`password` or `second factor`."""
    token_hash: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    """Where it was sent; it is void once the user has another address."""
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RecoveryCode(Base):
    """A code that a user keeps for the day when the second factor is lost; deleted when it is used."""

    __tablename__ = "recovery_code"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(primary_key=True)


class UserInvitation(Base):
    """Somebody is invited to become a user, with what the inviter may give."""

    __tablename__ = "user_invitation"
    __table_args__ = (
        UniqueConstraint("organization_id", "email"),
        {"sqlite_autoincrement": True, "info": VANISHES},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    inviter_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    roles: Mapped[list[int]] = mapped_column(JSON)
    rules: Mapped[list[int]] = mapped_column(JSON)
    token_hash: Mapped[str | None] = mapped_column(unique=True)
    """None once it was withdrawn or declined; the row stays for a while, so that nobody is invited without end."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
