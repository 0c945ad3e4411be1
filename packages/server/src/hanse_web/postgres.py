"""PostgreSQL: how the server connects, and what it does not let run for ever."""

from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from hanse_core.errors import Invalid

DRIVER = "postgresql+psycopg"
CONNECT_SECONDS = 10
TRUSTED_SECONDS = 1.0
"""How long after its last use a connection is taken for alive."""
USED = "hanse_used"
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
        engine = create_engine(
            url.set(drivername=DRIVER),
            # What code relies on beyond this (`locks`) it locks itself.
            isolation_level="READ COMMITTED",
            connect_args=_arguments(url),
            **pool,
            hide_parameters=True,
        )
    except ImportError as error:
        raise Invalid(
            "`uri` names a PostgreSQL database, for which the driver is missing: pip install 'hanse-server[postgres]'"
        ) from error
    event.listen(engine, "connect", _note_use)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", partial(_require_alive, engine))
    return engine


def _note_use(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info[USED] = monotonic()


def _require_alive(
    engine: Engine, connection: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolProxiedConnection
) -> None:
    """Ask a connection that was idle for a while whether it is still there; the pool opens another one if not.

    Each time would be a round trip for every request."""
    if monotonic() - entry.info[USED] <= TRUSTED_SECONDS:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError("the connection was closed from the other side") from error


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
