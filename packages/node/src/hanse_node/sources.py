"""The station's databases: which of them a task selects, and what is shared about them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import structlog

from hanse_core.errors import Invalid
from hanse_node import columns, secrets
from hanse_node.database_settings import Database
from hanse_node.offers import DatabaseChoice

log = structlog.get_logger()


class UnknownDatabase(Invalid):
    """The task names a database that this station does not have."""


class DatabaseUnreadable(Invalid):
    """A database of this station is configured but cannot be read now."""


class Trouble(NamedTuple):
    """Why a database cannot be read now."""

    text: str
    """In words that may go to whoever asked."""
    remedy: str
    """For this station's administrator; names paths and variables."""


@dataclass(frozen=True, slots=True)
class Selection:
    """One selected database and how it is to be read."""

    label: str
    kind: str
    uri: str
    is_path: bool
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: str | None = None
    sheet_name: str | None = None
    preprocessing: str | None = None
    writable: bool = False
    """A copy of the run's own; everything else is read-only."""
    arguments: str | None = None


class Sources:
    """The databases of one station, by label."""

    def __init__(self, databases: Sequence[Database]) -> None:
        self._databases = {database.label: database for database in databases}
        self._columns: dict[str, tuple[float, columns.Columns]] = {}

    @property
    def labels(self) -> list[str]:
        return list(self._databases)

    def select(self, choices: Sequence[DatabaseChoice]) -> list[Selection]:
        """Resolve what a task selects, in its order. Raises `UnknownDatabase` or `DatabaseUnreadable`."""
        return [self._selection(choice) for choice in choices]

    def troubles(self) -> list[Trouble]:
        """Say which databases cannot be read, and why."""
        return [trouble for database in self._databases.values() if (trouble := _trouble(database))]

    def shared(self) -> dict[str, object]:
        """Give what the server is told: labels, types and, where it is agreed to, columns."""
        types = {f"db_type_{label}": database.type for label, database in self._databases.items()}
        found: dict[str, list[str]] = {}
        for database in self._databases.values():
            if database.shares_columns:
                found |= self._columns_of(database).shared(database.label)
        return {"database_labels": self.labels, "database_types": types, "database_columns": found}

    def _selection(self, choice: DatabaseChoice) -> Selection:
        database = self._databases.get(choice.label)
        if database is None:
            available = ", ".join(self.labels) or "none"
            raise UnknownDatabase(f"this station has no database '{choice.label}'; it has: {available}")
        if trouble := _trouble(database):
            raise DatabaseUnreadable(trouble.text)
        return Selection(
            label=database.label,
            kind=database.type,
            uri=secrets.reveal(database.uri, in_uri=True),
            is_path=database.is_path,
            parameters={key: secrets.reveal(value) for key, value in database.env.items()},
            query=choice.query,
            sheet_name=choice.sheet_name,
            preprocessing=choice.preprocessing,
            arguments=choice.arguments,
        )

    def _columns_of(self, database: Database) -> columns.Columns:
        """Read them, of a file only when it has changed."""
        try:
            changed = Path(database.uri).stat().st_mtime if database.is_path else None
            known = self._columns.get(database.label)
            if known is not None and known[0] == changed:
                return known[1]
            found = columns.read(database.type, secrets.reveal(database.uri, in_uri=True))
        except (OSError, secrets.SecretMissing, columns.ColumnsUnread) as error:
            cause = str(error) if isinstance(error, columns.ColumnsUnread) else type(error).__name__
            log.warning("columns_unread", database=database.label, cause=cause)
            return columns.Columns()
        if changed is not None:
            self._columns[database.label] = (changed, found)
        return found


def _trouble(database: Database) -> Trouble | None:
    try:
        for text in (database.uri, *database.env.values()):
            secrets.reveal(text)
    except secrets.SecretMissing as error:
        return Trouble(f"the credentials of database '{database.label}' cannot be had on this station", error.message)
    if not database.is_path:
        return None
    path = Path(database.uri)
    if not path.exists():
        text = f"the file of database '{database.label}' does not exist on this station"
        return Trouble(text, f"correct uri: there is no {path}")
    if not os.access(path, os.R_OK):
        text = f"the file of database '{database.label}' may not be read by the node"
        return Trouble(text, f"give this user the right to read {path}")
    return None
