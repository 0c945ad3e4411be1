"""PostgreSQL: how the server connects, and what it does not let run for ever."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL

from hanse_core.errors import Invalid

DRIVER = "postgresql+psycopg"
CONNECT_SECONDS = 10
SESSION = {
    "timezone": "UTC",
    # Far above what any request needs; a statement that takes longer is a fault, and would hold a connection.
    "statement_timeout": "60s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "300s",
}


def postgres_engine(url: URL, pool: Mapping[str, Any]) -> Engine:
    """Open a PostgreSQL database with the one driver that we bring, whichever the address names."""
    try:
        return create_engine(
            url.set(drivername=DRIVER),
            # What code relies on beyond this (`locks`) it locks itself.
            isolation_level="READ COMMITTED",
            connect_args=_arguments(url),
            pool_pre_ping=True,
            **pool,
            hide_parameters=True,
        )
    except ImportError as error:
        raise Invalid(
            "`uri` names a PostgreSQL database, for which the driver is missing: pip install 'hanse-server[postgres]'"
        ) from error


def _arguments(url: URL) -> dict[str, Any]:
    """Say who we are and how long we wait; what the address itself says goes first."""
    given = url.query.get("options", "")
    own = " ".join(f"-c {name}={value}" for name, value in SESSION.items() if f"{name}=" not in given)
    arguments: dict[str, Any] = {"options": f"{own} {given if isinstance(given, str) else ' '.join(given)}".strip()}
    if "application_name" not in url.query:
        arguments["application_name"] = "hanse-server"
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT_SECONDS
    return arguments
