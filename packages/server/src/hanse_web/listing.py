"""Lists: one page of rows, links and headers as the v4 wire has them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias
from urllib.parse import urlencode

import orjson
from fastapi import Response
from sqlalchemy import BigInteger, BindParameter, Connection, Select, bindparam, func
from sqlalchemy.orm import Session

from hanse_core.errors import Invalid
from hanse_core.protocol import DEFAULT_PAGE_SIZE
from hanse_web.db import Base
from hanse_web.query import Parameters

LARGEST_PAGE = 10_000
"""Rows on one page: a bound of the memory that a request can take. The v4 user interface asks for 9999."""
_HIGHEST = 2**31 - 1
_TOTAL = "page_total"
_ROWS, _SKIPPED = (bindparam(name, type_=BigInteger) for name in ("page_rows", "page_skipped"))
_KEYS: BindParameter[int] = bindparam("page_keys", expanding=True)
KEY = bindparam("one_key", type_=BigInteger)
"""The place for the key of one object, in statements that look one up."""
Hint: TypeAlias = tuple[type[Base], str]
"""A table, and which of its indexes to use."""


@dataclass(frozen=True)
class Listing:
    """The rows of a list in their order, and the statements by which its pages are fetched, each made when needed."""

    rows: Select[Any]
    total: Select[Any] | None = None
    """Selects the number of rows where it is kept somewhere; otherwise they are counted, if the page does not tell."""
    key: Any = None
    """A column by which pages beyond the first find their rows before they fetch them whole."""
    counted_by: Hint | None = None
    """How SQLite finds the rows when it counts them."""

    def where(self, *conditions: Any, total: Select[Any] | None = None) -> "Listing":
        """Narrow the list down; `total` selects the number that is left, where that is kept somewhere, too."""
        return Listing(self.rows.where(*conditions), total, self.key) if conditions else self

    def on_sqlite(self, table: type[Base], rows: str, number: str) -> "Listing":
        """Say how SQLite is to go through a table for a page, and how to count: it has no statistics to choose by."""
        return Listing(_hinted(self.rows, (table, rows)), self.total, self.key, (table, number))

    @cached_property
    def first(self) -> Select[Any]:
        """Select the first page and one row more, by which one sees whether there is another page."""
        return self._with_total(self.rows.limit(_ROWS))

    @cached_property
    def later(self) -> Select[Any]:
        """Select a page beyond the first and one row more; of a list with a key, only the keys.

        Skipping rows in an index only is much cheaper than reading whole rows to skip them."""
        rows = self.rows if self.key is None else self.rows.with_only_columns(self.key)
        return self._with_total(rows.limit(_ROWS).offset(_SKIPPED))

    @cached_property
    def keyed(self) -> Select[Any]:
        """Select rows by their keys."""
        return self.rows.where(self.key.in_(_KEYS))

    @cached_property
    def number(self) -> Select[Any]:
        """Select the number of all rows."""
        if self.total is not None:
            return self.total
        # Counting in place of the columns, not around them: those may be long texts.
        number = self.rows.order_by(None).with_only_columns(func.count(), maintain_column_froms=True)
        return number if self.counted_by is None else _hinted(number, self.counted_by)

    def _with_total(self, rows: Select[Any]) -> Select[Any]:
        return rows if self.total is None else rows.add_columns(self.total.scalar_subquery().label(_TOTAL))


def _hinted(statement: Select[Any], hint: Hint) -> Select[Any]:
    table, text = hint
    return statement.with_hint(table, text, "sqlite")


def page(
    source: Connection | Session,
    listing: Listing,
    parameters: Parameters,
    build: Callable[[Sequence[Any]], Iterable[Any]],
    *,
    values: Mapping[str, Any] | None = None,
    whole: bool = False,
) -> Response:
    """Answer one page: fetch, count, build the items of all its rows together, serialise once.

    A session gives objects, a connection columns, which is much cheaper. `values` fill the places of the statements."""
    number, size = (1, _HIGHEST) if whole else _position(parameters)
    values = values or {}
    rows, total = _rows(source, listing, number, size, values)
    more, rows = len(rows) > size, rows[:size]
    if total is None and (more or (number > 1 and not rows)):
        total = source.scalar(listing.number, values) or 0
    count = (number - 1) * size + len(rows) if total is None else int(total)
    links = _links(parameters, number, max(count, 1) if whole else size, count)
    body = orjson.dumps({"data": list(build(rows)), "links": links}, default=_plain)
    return Response(body, media_type="application/json", headers=_headers(links, count))


def _rows(
    source: Connection | Session, listing: Listing, number: int, size: int, values: Mapping[str, Any]
) -> tuple[Sequence[Any], int | None]:
    """Fetch a page and one row more; with the number of all rows, where that comes along with a row."""
    asked = {**values, _ROWS.key: size + 1}
    if number == 1:
        rows = source.execute(listing.first, asked).all()
    else:
        rows = source.execute(listing.later, {**asked, _SKIPPED.key: (number - 1) * size}).all()
    total = getattr(rows[0], _TOTAL) if rows and listing.total is not None else None
    if number > 1 and listing.key is not None and rows:
        rows = source.execute(listing.keyed, {**values, _KEYS.key: [row[0] for row in rows]}).all()
    return rows, total


def item(content: dict[str, Any]) -> Response:
    """Answer with one item that is already in the form in which it is sent."""
    return Response(orjson.dumps(content), media_type="application/json")


def _plain(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"cannot serialise {type(value).__name__}")
    return dump(mode="json", by_alias=True)


def _position(parameters: Parameters) -> tuple[int, int]:
    number = parameters.integer("page")
    size = parameters.integer("per_page")
    number = 1 if number is None else number
    size = DEFAULT_PAGE_SIZE if size is None else size
    if not (1 <= number <= _HIGHEST and 1 <= size <= LARGEST_PAGE):
        raise Invalid(f"page must be between 1 and {_HIGHEST}, per_page between 1 and {LARGEST_PAGE}")
    return number, size


def _links(parameters: Parameters, number: int, size: int, total: int) -> dict[str, str]:
    last = -(-total // size)

    before, after = _around_page(parameters)

    def link(target: int) -> str:
        return f"{before}{target}{after}"

    links = {"first": link(1)}
    if number > 1:
        links["previous"] = link(number - 1)
    links["self"] = link(number)
    if number < last:
        links["next"] = link(number + 1)
    if last:
        links["last"] = link(last)
    return links


def _around_page(parameters: Parameters) -> tuple[str, str]:
    """Write what stands before and after the number of the page in the links of an answer."""
    names = list(parameters.items)
    place = names.index("page") if "page" in names else len(names)
    pairs = [urlencode({name: value}) for name, value in parameters.items.items() if name != "page"]
    before = "&".join([*pairs[:place], "page="])
    return f"{parameters.path}?{before}", "".join(f"&{pair}" for pair in pairs[place:])


def _headers(links: Mapping[str, str], total: int) -> dict[str, str]:
    return {
        "total-count": str(total),
        "Link": ",".join(f"<{url}>; rel={relation}" for relation, url in links.items()),
        "access-control-expose-headers": "total-count, Link",
    }
