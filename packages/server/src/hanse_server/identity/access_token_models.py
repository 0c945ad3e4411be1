"""The table of personal access tokens."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hanse_web.db import Base, UtcDateTime


class AccessToken(Base):
    """What a script shows in place of a login of its owner; it may do a part of what the owner may."""

    __tablename__ = "access_token"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    """Keyed with the signing secret; the token itself is not kept."""
    owner_version: Mapped[int]
    """Token version of the owner when it was made: what ends all tokens of the owner ends this one."""
    method: Mapped[str]
    """How the owner had logged in; without a provider's word of late, what was made through it does not work."""
    has_second_factor: Mapped[bool]
    """Whether the owner had shown one."""
    is_read_only: Mapped[bool]
    """Whether it holds all rules of the owner to view and to receive, in place of `rules`."""
    rules: Mapped[list[int]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
