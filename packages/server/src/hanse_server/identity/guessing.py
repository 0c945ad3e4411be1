"""Tables of failed attempts to log in, and of the networks where they do not count."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hanse_web.db import Base, UtcDateTime


class LoginFailures(Base):
    """How often a network failed to prove who it is, at one account or at any."""

    __tablename__ = "login_failures"

    purpose: Mapped[str] = mapped_column(primary_key=True)
    """What was tried: `password` or `node key`."""
    network: Mapped[str] = mapped_column(primary_key=True)
    """`Origin.network`."""
    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """The user; 0 for all accounts together, also those that do not exist."""
    failed: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class KnownNetwork(Base):
    """A network from which a user has logged in: whoever attacks the account from elsewhere does not block it here."""

    __tablename__ = "known_network"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)
    network: Mapped[str] = mapped_column(primary_key=True)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
