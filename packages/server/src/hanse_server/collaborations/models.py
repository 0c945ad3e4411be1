"""Tables of collaborations, studies and nodes; their members are in `accounts.models`."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hanse_server.accounts.models import Identity, Organization, member, study_member
from hanse_web.db import Base, UtcDateTime
from hanse_web.dependents import VANISHES


class Collaboration(Base):
    """Organizations that agreed to analyse data together."""

    __tablename__ = "collaboration"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    encrypted: Mapped[bool]
    keep_inputs_days: Mapped[int | None]
    """How long inputs are kept after their run ended; 0 or null for as long as the task."""
    keep_results_days: Mapped[int | None]
    """How long results are kept."""
    keep_logs_days: Mapped[int | None]
    """How long logs are kept."""
    keep_blobs_days: Mapped[int | None]
    """How long inputs and results are kept that are too large for the database."""

    organizations: Mapped[list[Organization]] = relationship(secondary=member, order_by=Organization.id)


class Study(Base):
    """A named subset of a collaboration's organizations."""

    __tablename__ = "study"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    collaboration_id: Mapped[int] = mapped_column(ForeignKey("collaboration.id", ondelete="CASCADE"), index=True)

    collaboration: Mapped[Collaboration] = relationship()
    organizations: Mapped[list[Organization]] = relationship(secondary=study_member, order_by=Organization.id)


class Node(Identity):
    """A data station: one organization's, in one collaboration."""

    __tablename__ = "node"
    __table_args__: Any = (
        UniqueConstraint("organization_id", "collaboration_id"),
        CheckConstraint("(api_key_hash IS NULL) <> (api_key_bcrypt IS NULL)", name="one_key"),
    )
    __mapper_args__ = {"polymorphic_identity": "node"}

    id: Mapped[int] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    api_key_hash: Mapped[str | None] = mapped_column(unique=True)
    """Hash of the API key, by which a login finds its node in one look-up."""
    api_key_bcrypt: Mapped[str | None]
    """In its place, the hash that a v4 server made: the node is found by trial at its first login, and rehashed."""
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    collaboration_id: Mapped[int | None] = mapped_column(
        ForeignKey("collaboration.id", ondelete="SET NULL"), index=True
    )

    organization: Mapped[Organization] = relationship()
    collaboration: Mapped[Collaboration | None] = relationship()
    settings: Mapped[list["NodeSetting"]] = relationship(order_by="NodeSetting.id", cascade="all, delete-orphan")


class NodeSetting(Base):
    """What a connected node shares of its configuration, as flat texts."""

    __tablename__ = "node_setting"

    id: Mapped[int] = mapped_column(primary_key=True)
    node_id: Mapped[int] = mapped_column(ForeignKey("node.id", ondelete="CASCADE"), index=True)
    key: Mapped[str]
    value: Mapped[str]


class OrganizationInvitation(Base):
    """An organization is invited into a collaboration; it joins when one of its administrators accepts.

    The inviter names it, and is not told whether there is an organization of this name: `organization_id` may be null.
    """

    __tablename__ = "organization_invitation"
    __table_args__: Any = (
        UniqueConstraint("collaboration_id", "organization_name"),
        {"sqlite_autoincrement": True, "info": VANISHES},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    collaboration_id: Mapped[int] = mapped_column(ForeignKey("collaboration.id", ondelete="CASCADE"), index=True)
    organization_name: Mapped[str]
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    inviter_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    state: Mapped[str]
    """`pending`, `accepted`, `declined` or `withdrawn`."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    mailed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the administrators were last told by mail."""

    collaboration: Mapped[Collaboration] = relationship()
