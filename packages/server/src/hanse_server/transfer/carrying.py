"""What the parts of an import share."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection, Table

from hanse_server.transfer.report import Report
from hanse_web.sealing import Seal

BCRYPT = ("$2a$", "$2b$", "$2y$")
NO_ADDRESS = "@no-address.invalid"
"""E-mail addresses that end like this stand for none: ours are never empty, v4's may be."""


@dataclass
class Import:
    """From where, to where, and what is said about it."""

    source: Connection
    target: Connection
    seal: Seal
    """Encrypts second factors as the server stores them."""
    keeps_way_back: bool = True
    report: Report = field(default_factory=Report)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


def table(model: type[Any]) -> Table:
    """Give the table of a model."""
    return cast(Table, model.__table__)


def is_bcrypt(hashed: str | None) -> bool:
    return hashed is not None and hashed.startswith(BCRYPT)


class Names:
    """Makes names unique that v4 allowed twice."""

    def __init__(self) -> None:
        self._taken: set[tuple[object, str]] = set()

    def take(self, name: str, where: object = None) -> str:
        """Give the name, with a number if somebody else has it already."""
        chosen, number = name, 1
        while (where, chosen) in self._taken:
            number += 1
            chosen = f"{name} ({number})"
        self._taken.add((where, chosen))
        return chosen
