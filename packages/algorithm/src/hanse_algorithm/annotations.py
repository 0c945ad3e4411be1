"""What a parameter's annotation says: a table, the federation, or the kind of JSON value an argument has.

Annotations are compared as text, so that a module may import pandas for its type checker only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

Column = Annotated[str, "Column"]
"""The name of a column, to a type checker a `str`: tells user interfaces to offer the columns of the database."""

OrganizationId = Annotated[int, "OrganizationId"]
"""The id of an organization, to a type checker an `int`: tells user interfaces to offer the organizations."""

_TABLES = {"DataFrame": "pandas", "pd.DataFrame": "pandas", "pandas.DataFrame": "pandas", "Cdm": "omop"}
"""Annotation text of a table type → the readers in `hanse_algorithm.data`."""

_KINDS = {
    "Column": "column",
    "str": "string",
    "int": "integer",
    "float": "float",
    "bool": "boolean",
    "OrganizationId": "organization",
}
_LISTED = frozenset({"column", "string", "integer", "float", "organization"})

_LIST = re.compile(r"^(?:list|Sequence|Iterable|Collection)\[(?P<item>.+)\]$")
_LITERAL = re.compile(r"^Literal\[(?P<values>.+)\]$")
_OPTIONAL = re.compile(r"^Optional\[(?P<item>.+)\]$")
_MODULE = re.compile(r"\b(?:typing|typing_extensions|collections\.abc|builtins|hanse_algorithm(?:\.\w+)*)\.")


class Kind(NamedTuple):
    """The kind of JSON value an argument takes: a `type` of the algorithm store, and what it allows."""

    type: str = "json"
    is_optional: bool = False
    allowed: tuple[Any, ...] = ()


def text(annotation: object) -> str:
    """Give an annotation's text in one spelling, whether it was written as text or is an object."""
    if annotation is None or annotation is type(None):
        return "None"
    label = getattr(annotation, "__metadata__", (None,))[0]
    if label in ("Column", "OrganizationId"):
        return str(label)
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        root = annotation.__module__.partition(".")[0]
        return _spelled(f"{root}.{annotation.__qualname__}")
    arguments = getattr(annotation, "__args__", None)
    if arguments is None or isinstance(annotation, str):
        return _spelled(str(annotation))
    return _of_generic(annotation, arguments)


def _of_generic(annotation: object, arguments: tuple[object, ...]) -> str:
    name = _spelled(str(annotation)).partition("[")[0].strip()
    if name == "Literal":
        return f"Literal[{', '.join(map(repr, arguments))}]"
    inner = [text(argument) for argument in arguments]
    if " | " in str(annotation) or name in ("Union", "Optional"):
        return " | ".join(inner)
    return f"{name}[{', '.join(inner)}]"


def _spelled(written: str) -> str:
    return re.sub(r"\s*\|\s*", " | ", _MODULE.sub("", written.strip().strip("'\"")))


def table_type(annotation: object) -> str | None:
    """Name the readers (`pandas`, …) for a table parameter; None for any other parameter."""
    return _TABLES.get(text(annotation))


def is_federation(annotation: object) -> bool:
    """Tell whether the parameter takes the `Federation`."""
    return text(annotation) == "Federation"


def kind(annotation: object) -> Kind:
    """Derive the kind of JSON value; what is not recognised is `json`, which allows everything."""
    written = text(annotation)
    options = written.split(" | ")
    optional = _OPTIONAL.match(written)
    if optional:
        options = [optional["item"], "None"]
    written = " | ".join(option for option in options if option != "None")
    return _required_kind(written)._replace(is_optional="None" in options)


def _required_kind(written: str) -> Kind:
    if literal := _LITERAL.match(written):
        values = _literal_values(literal["values"])
        name = "integer" if all(type(value) is int for value in values) else "string"
        return Kind(name, allowed=values)
    if listed := _LIST.match(written):
        item = _KINDS.get(listed["item"], "json")
        return Kind(f"{item}_list" if item in _LISTED else "json")
    return Kind(_KINDS.get(written, "json"))


def _literal_values(written: str) -> tuple[Any, ...]:
    from ast import literal_eval

    values = literal_eval(f"({written},)")
    return tuple(values)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, float) or _is_integer(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_CHECKS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "column": ("the name of a column", _is_text),
    "string": ("text", _is_text),
    "integer": ("a whole number", _is_integer),
    "organization": ("the id of an organization", _is_integer),
    "float": ("a number", _is_number),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
}


def complaint(value: object, expected: Kind) -> str | None:
    """Say what is wrong with an argument that came as JSON; None when it fits."""
    if value is None and expected.is_optional:
        return None
    if expected.allowed:
        shown = ", ".join(map(repr, expected.allowed))
        return None if value in expected.allowed else f"must be one of {shown}"
    item, is_list = expected.type.removesuffix("_list"), expected.type.endswith("_list")
    if item not in _CHECKS:
        return None
    wanted, fits = _CHECKS[item]
    if not is_list:
        return None if fits(value) else f"must be {wanted}, not {_described(value)}"
    if not isinstance(value, list):
        return f"must be a list (each item {wanted}), not {_described(value)}"
    wrong = next((index for index, each in enumerate(value) if not fits(each)), None)
    return None if wrong is None else f"must hold {wanted} at [{wrong}], not {_described(value[wrong])}"


def _described(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "an object")
