"""Tables of people as their providers know them, and of the roles that these give."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hanse_web.db import Base, UtcDateTime

external_role = Table(
    "external_role",
    Base.metadata,
    Column("identity_id", ForeignKey("external_identity.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("role.id", ondelete="CASCADE"), primary_key=True, index=True),
)
"""Which roles a user holds only because of groups at a provider; those given by hand are not here."""


class ExternalIdentity(Base):
    """A person of a provider, and whose account here that is. Nothing else, least of all an e-mail, says so."""

    __tablename__ = "external_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    # Of the identity below the account: who deletes a user need not agree to losing this, as it would with tasks.
    user_id: Mapped[int] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the provider last said who this is, and in which groups; None after it, or the lack of a group, said no."""
