"""What the resources share: one item, all items, validated bodies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from pydantic import ValidationError

from hanse._modes import Awaiting, M, TwoModes
from hanse_core.errors import Invalid, NotFound
from hanse_core.wire.base import Body, Item

if TYPE_CHECKING:
    from hanse.client import Api

ItemT = TypeVar("ItemT", bound=Item)
T = TypeVar("T")
Listed: TypeAlias = list[T]
"""A list. (Inside a resource class the name `list` is its operation.)"""
PER_PAGE = 100


class Identified(Protocol):
    """Any object of the API."""

    @property
    def id(self) -> int: ...


class Named(Identified, Protocol):
    """An object that people know by name."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


class Resource(TwoModes[M]):
    """The operations on one kind of object."""

    def __init__(self, api: Api[M]) -> None:
        self._api = api
        self.awaiting = self if api.awaiting is api else type(self)(api.awaiting)

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} at {self._api.url}>"

    @property
    def _all(self) -> Api[Awaiting]:
        awaiting: Api[Awaiting] = self._api.awaiting
        return awaiting

    async def _send(self, method: str, path: str, body: Any = None, *, key: str = "", **query: Any) -> Any:
        return await self._api.session.request(method, path, query=query, body=body, key=key)

    async def _ask(self, method: str, path: str, body: Any) -> Any:
        """Send as nobody."""
        return await self._api.session.ask(method, path, body)

    async def _one(self, model: type[ItemT], method: str, path: str, body: Any = None, **query: Any) -> ItemT:
        return model.model_validate(await self._send(method, path, body, **query))

    async def _each(self, model: type[ItemT], path: str, limit: int | None, **query: Any) -> AsyncIterator[ItemT]:
        if limit is not None and limit <= 0:
            return
        count = 0
        async for item in self._api.session.pages(path, query, min(limit or PER_PAGE, PER_PAGE)):
            yield model.model_validate(item)
            count += 1
            if count == limit:
                return


def body(model: type[Body], **fields: Any) -> dict[str, Any]:
    """Check the fields of a request here, so that a mistake is named before anything is sent; None means not given."""
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        checked = model.model_validate(given)
    except ValidationError as error:
        raise Invalid(_sentence(errors := _by_field(error)), errors=errors) from error
    return checked.model_dump(mode="json", exclude_unset=True)


def _by_field(error: ValidationError) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    for problem in error.errors():
        field = ".".join(str(part) for part in problem["loc"]) or "request"
        errors.setdefault(field, []).append(problem["msg"])
    return errors


def _sentence(errors: Mapping[str, Iterable[str]]) -> str:
    return "; ".join(f"{field}: {', '.join(texts)}" for field, texts in errors.items())


def flag(value: bool | None) -> int | None:
    """Write a truth value as 1 or 0, the only form that every v4 server reads."""
    return None if value is None else int(value)


def id_of(item: int | Identified) -> int:
    """Accept an object where its id is meant."""
    return item if isinstance(item, int) else item.id


def pick(kind: str, key: int | str, items: Iterable[N], *, where: str = "") -> N:
    """Find an object by id or name. Raises `NotFound` naming those that are there."""
    there = list(items)
    for item in there:
        if key in (item.id, item.name):
            return item
    names = ", ".join(f"{item.name} ({item.id})" for item in sorted(there, key=lambda item: item.name)) or "none"
    raise NotFound(f"there is no {kind} {key!r}{where}; there are: {names}")
