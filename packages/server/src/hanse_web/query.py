"""What a request asks for in its query string: filters and order, as the v4 wire has them."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Request
from sqlalchemy import ColumnElement, Select, literal, or_
from sqlalchemy.orm import InstrumentedAttribute

from hanse_core.errors import Invalid
from hanse_web.db import matches

QUERY_LENGTH = 8_000
"""Characters of a query string; more is refused."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_TRUE = frozenset({"1", "true", "yes", "on", "t", "y"})
_FALSE = frozenset({"", "0", "false", "no", "off", "f", "n"})


class Parameters:
    """The query string of a request; of a repeated parameter the first value counts."""

    def __init__(self, request: Request) -> None:
        if len(request.url.query) > QUERY_LENGTH:
            # Five links in the answer's header repeat it, and proxies take no longer ones either.
            raise Invalid(f"the query has {len(request.url.query)} characters; at most {QUERY_LENGTH} are taken")
        self.path = request.url.path
        self.items: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            self.items.setdefault(name, value)
        self._all = request.query_params

    def text(self, name: str) -> str | None:
        """Give a parameter, or None when it is absent or empty."""
        return self.items.get(name) or None

    def integer(self, name: str) -> int | None:
        """Give a parameter as a whole number; raises `Invalid` naming it otherwise."""
        value = self.text(name)
        if value is None:
            return None
        return _whole(name, value)

    def flag(self, name: str) -> bool:
        """Give a parameter as truth value: `1/true/yes` or `0/false/no` or absent."""
        value = self.items.get(name, "").lower()
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise Invalid(f"parameter {name} must be true or false, not {value!r}")

    def optional_flag(self, name: str) -> bool | None:
        """Give a parameter as truth value, or None when it is absent."""
        return self.flag(name) if self.text(name) is not None else None

    def moment(self, name: str) -> datetime | None:
        """Give a parameter as a time, in UTC; one without offset is taken as UTC."""
        value = self.text(name)
        if value is None:
            return None
        try:
            # In a query string an unquoted "+" arrives as a blank.
            moment = datetime.fromisoformat(value.replace(" ", "+") if "T" in value else value)
        except ValueError as error:
            raise Invalid(f"parameter {name} must be a date or time in ISO 8601, not {value!r}") from error
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    def repeated(self, name: str) -> list[str]:
        """Give all non-empty values of a parameter that may be repeated."""
        return [value for value in self._all.getlist(name) if value]

    def integers(self, name: str) -> list[int]:
        """Give all values of a parameter that may be repeated or comma-separated, as whole numbers."""
        return [_whole(name, value) for value in self.several(name)]

    def several(self, name: str) -> list[str]:
        """Give all values of a parameter that may be repeated or comma-separated."""
        return [part for value in self._all.getlist(name) for part in value.split(",") if part]

    def includes(self, name: str) -> bool:
        """Tell whether `include` names this."""
        return name in self.several("include")


def _whole(name: str, value: str) -> int:
    if not _NUMBER.fullmatch(value):
        raise Invalid(f"parameter {name} must be a whole number of at most 18 digits, not {value[:40]!r}")
    return int(value)


def parameter(name: str, kind: str, **more: str) -> dict[str, Any]:
    """Describe a parameter of the query string for OpenAPI."""
    return {"name": name, "in": "query", "required": False, "schema": {"type": kind, **more}}


def documented(text: str = "", integers: str = "", flags: str = "", moments: str = "") -> dict[str, Any]:
    """Describe the filters of a list for OpenAPI, by kind, as names separated by blanks; pages and order are added."""
    described = [
        *(parameter(name, "string") for name in (text + " sort").split()),
        *(parameter(name, "integer") for name in (integers + " page per_page").split()),
        *(parameter(name, "boolean") for name in flags.split()),
        *(parameter(name, "string", format="date-time") for name in moments.split()),
    ]
    return {"parameters": described}


async def _parameters(request: Request) -> Parameters:
    return Parameters(request)


Query = Annotated[Parameters, Depends(_parameters)]
Key = Annotated[int, Path(ge=0, le=2**63 - 1)]
"""An id in a path; anything else is an unknown page."""


def contains(column: InstrumentedAttribute[Any], pattern: str | None) -> Any:
    """Filter by an SQL LIKE pattern, as v4's text filters do; the case of letters does not matter."""
    return like_any(column, [pattern]) if pattern is not None else True


def like_any(column: InstrumentedAttribute[Any], patterns: Sequence[str]) -> ColumnElement[bool]:
    """Filter by several SQL LIKE patterns, of which one must fit; a backslash makes `%` and `_` mean themselves."""
    for pattern in patterns:
        if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
            raise Invalid(f"the pattern {pattern!r} ends with a backslash that has nothing to escape")
    return or_(*(matches(column, literal(pattern)) for pattern in patterns))


def ordered(statement: Select[Any], sort: str | None, columns: Mapping[str, Any], key: Any) -> Select[Any]:
    """Apply `sort` (comma-separated, `-` for descending); ties go by the key, so that pages are stable."""
    seen: set[str] = set()
    for name in (sort or "").split(","):
        bare = name.strip().lstrip("+-")
        if not bare or bare in seen:
            continue
        seen.add(bare)
        if bare not in columns:
            raise Invalid(f"cannot sort by {bare!r}; sort by one of: {', '.join(sorted(columns))}")
        statement = statement.order_by(_directed(columns[bare], descending=name.strip().startswith("-")))
    return statement.order_by(key)


def _directed(column: Any, *, descending: bool) -> ColumnElement[Any]:
    """Sort by a column; what has no value counts as the greatest, as PostgreSQL has it, on every database."""
    directed: ColumnElement[Any] = column.desc() if descending else column.asc()
    if not getattr(getattr(column, "expression", column), "nullable", False):
        return directed
    return directed.nulls_first() if descending else directed.nulls_last()
