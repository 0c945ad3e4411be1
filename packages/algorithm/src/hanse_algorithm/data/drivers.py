"""Which library speaks to a database, where its address leaves that open."""

from __future__ import annotations

from importlib.util import find_spec


def with_driver(uri: str) -> str:
    """Name the PostgreSQL driver that is here: SQLAlchemy 2.0 only tries the older."""
    scheme, separator, rest = uri.partition("://")
    if scheme in ("postgres", "postgresql"):
        scheme = "postgresql+psycopg" if find_spec("psycopg") else "postgresql"
    return f"{scheme}{separator}{rest}"
