"""Tables of organizations, identities, users, roles and rules."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hanse_web.db import Base, UtcDateTime

user_role = Table(
    "user_role",
    Base.metadata,
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("role.id", ondelete="CASCADE"), primary_key=True, index=True),
)
user_rule = Table(
    "user_rule",
    Base.metadata,
    Column("user_id", ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True),
    Column("rule_id", ForeignKey("rule.id", ondelete="CASCADE"), primary_key=True, index=True),
)
role_rule = Table(
    "role_rule",
    Base.metadata,
    Column("role_id", ForeignKey("role.id", ondelete="CASCADE"), primary_key=True),
    Column("rule_id", ForeignKey("rule.id", ondelete="CASCADE"), primary_key=True, index=True),
)
member = Table(
    "member",
    Base.metadata,
    Column("collaboration_id", ForeignKey("collaboration.id", ondelete="CASCADE"), primary_key=True),
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, index=True),
)
"""Which organizations work together; here because whom one may see depends on it."""
study_member = Table(
    "study_member",
    Base.metadata,
    Column("study_id", ForeignKey("study.id", ondelete="CASCADE"), primary_key=True),
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Organization(Base):
    """A hospital, registry or institute."""

    __tablename__ = "organization"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    domain: Mapped[str] = mapped_column(default="")
    address1: Mapped[str] = mapped_column(default="")
    address2: Mapped[str | None] = mapped_column(default="")
    zipcode: Mapped[str] = mapped_column(default="")
    country: Mapped[str] = mapped_column(default="")
    public_key: Mapped[str] = mapped_column(default="")
    """Base64 of the PEM bytes exactly as published."""
    two_factor_required: Mapped[bool] = mapped_column(default=False)
    """Whether its users need a second factor to log in."""


class Identity(Base):
    """Whoever can log in: users and nodes share one sequence of ids."""

    __tablename__ = "identity"
    # Ids are never given out twice: an old token must not fit a new object.
    __table_args__ = {"sqlite_autoincrement": True}
    __mapper_args__ = {"polymorphic_on": "type", "polymorphic_abstract": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    ip: Mapped[str | None]
    status: Mapped[str | None]
    last_seen: Mapped[datetime | None] = mapped_column(UtcDateTime)
    token_version: Mapped[int] = mapped_column(default=0)
    """Tokens carry this number; raising it ends all tokens issued before."""


class Rule(Base):
    """One row of the permission table (`hanse_core.permissions.RULES`); the id is its place in that table."""

    __tablename__ = "rule"
    __table_args__ = (UniqueConstraint("name", "scope", "operation"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    """The resource, by its wire name."""
    scope: Mapped[int]
    """`hanse_core.permissions.Scope`, as a number."""
    operation: Mapped[str]
    """`hanse_core.permissions.Operation`, by its short code."""
    description: Mapped[str] = mapped_column(default="")


class Role(Base):
    """A named set of rules; without organization it is for all."""

    __tablename__ = "role"
    __table_args__ = (UniqueConstraint("organization_id", "name"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    organization_id: Mapped[int | None] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    is_default_role: Mapped[bool] = mapped_column(default=False)

    rules: Mapped[list[Rule]] = relationship(secondary=role_rule)


class User(Identity):
    """A person with a password."""

    __tablename__ = "user_account"
    __mapper_args__ = {"polymorphic_identity": "user"}

    id: Mapped[int] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"), primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]
    """The hash, with its method and parameters in front."""
    firstname: Mapped[str] = mapped_column(default="")
    lastname: Mapped[str] = mapped_column(default="")
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"), index=True)
    failed_login_attempts: Mapped[int] = mapped_column(default=0)
    last_login_attempt: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_email_failed_login_sent: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_email_recover_password_sent: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_email_second_factor_sent: Mapped[datetime | None] = mapped_column(UtcDateTime)
    otp_secret: Mapped[str | None]
    """The secret of the second factor, sealed."""
    otp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    """The time step of the newest code that was used, which no code may come before again.

    Zero before the first one; None as long as the second factor is not in force.
    """

    organization: Mapped[Organization] = relationship()
    roles: Mapped[list[Role]] = relationship(secondary=user_role)
    rules: Mapped[list[Rule]] = relationship(secondary=user_rule)


class V4Secret(Base):
    """The bcrypt hash with which somebody logged in at a v4 server, kept only to move back to one.

    It goes when the password or API key changes: `accounts.v4_secrets`.
    """

    __tablename__ = "v4_secret"

    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"), primary_key=True)
    hash: Mapped[str]
