"""Tables of algorithm stores."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, text
from sqlalchemy.orm import Mapped, mapped_column

from hanse_web.db import Base

store_collaboration = Table(
    "store_collaboration",
    Base.metadata,
    Column("store_id", ForeignKey("algorithm_store.id", ondelete="CASCADE"), primary_key=True),
    Column("collaboration_id", ForeignKey("collaboration.id", ondelete="CASCADE"), primary_key=True),
    Column("url", String, nullable=False),
    Index("uq_store_collaboration_url", "collaboration_id", "url", unique=True),
)
"""Which collaborations may use a store; its address stands here too, so that none is coupled twice to the same."""


class AlgorithmStore(Base):
    """A store of vetted algorithms, coupled to some collaborations or to all."""

    __tablename__ = "algorithm_store"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    url: Mapped[str]
    """Address of its API, without a slash at the end; it cannot change."""
    is_for_all: Mapped[bool]

    __table_args__ = (
        Index(
            "uq_algorithm_store_for_all",
            "url",
            unique=True,
            sqlite_where=text("is_for_all"),
            postgresql_where=text("is_for_all"),
        ),
        {"sqlite_autoincrement": True},
    )
