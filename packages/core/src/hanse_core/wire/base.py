"""What all wire models share."""

from collections.abc import Iterator
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


class Body(BaseModel):
    """A request body: unknown fields are refused, and what was given (a password, perhaps) is not told in errors."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    def given(self) -> dict[str, Any]:
        """Give the fields that the sender named and that are not null (what a PATCH changes)."""
        return {name: value for name in self.model_fields_set if (value := getattr(self, name)) is not None}


class Item(BaseModel):
    """An object of the API as it is sent; fields that this version does not know are kept."""

    model_config = ConfigDict(extra="allow")

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show what a person looks for: no addresses of other objects, nothing that is empty."""
        for name, value in super().__repr_args__():
            is_address = name == "methods" or (isinstance(value, str) and value.startswith("/"))
            if value not in (None, "", []) and not is_address:
                yield name, value


def _not_only_digits(value: str) -> str:
    if value.isdigit():
        raise ValueError("must not consist of digits only")
    return value


Name = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(_not_only_digits)]
Text128 = Annotated[str, StringConstraints(max_length=128)]
Text1024 = Annotated[str, StringConstraints(max_length=1024)]
Id = Annotated[int, Field(ge=1, le=2**53)]
MOST_IDS = 10_000
"""Objects that one list in a request may name: databases take a limited number of values in a statement."""
Ids = Annotated[list[Id], Field(max_length=MOST_IDS)]


Secret = Annotated[str, Field(repr=False)]
"""A field that is sent but never shown."""


class Link(Item):
    """A reference to one other object."""

    id: int
    link: str
    methods: list[str] = []


class Identified(Body):
    """A body that names one object, as the membership sub-resources take it."""

    id: Id


T = TypeVar("T")


class Message(BaseModel):
    """What was done, for people."""

    msg: str


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    data: list[T]
    links: dict[str, str] = {}
