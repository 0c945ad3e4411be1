"""The functions a package offers: `central` and `federated` mark them, and nothing unmarked can be called from outside.

A function's signature says what it needs: a parameter annotated with a table type gets a database, one annotated
`Federation` gets the federation, and each other parameter is an argument of the task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple, TypeVar, overload

from hanse_algorithm.annotations import Kind, complaint, is_federation, kind, table_type
from hanse_algorithm.errors import InputError

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__hanse_method__"
RESERVED = frozenset({"organizations"})
"""Names that `Federation.run` keeps for itself, so no argument of a federated function may have them."""


class Mark(NamedTuple):
    """What the decorator says about a function."""

    type: str
    is_standalone: bool


class Argument(NamedTuple):
    """A parameter that the task's input fills."""

    name: str
    kind: Kind
    has_default: bool
    default: Any = None


class Table(NamedTuple):
    """A parameter that a selected database fills, read by the named readers."""

    name: str
    readers: str


class Method(NamedTuple):
    """A marked function and its injection plan."""

    function: Callable[..., Any]
    name: str
    mark: Mark
    tables: tuple[Table, ...]
    federation: str | None
    arguments: tuple[Argument, ...]


@overload
def federated(function: F, /) -> F: ...
@overload
def federated(*, standalone: bool = ...) -> Callable[[F], F]: ...
def federated(function: F | None = None, /, *, standalone: bool = False) -> F | Callable[[F], F]:
    """Mark a function that runs at each station, next to the data.

    Parameters annotated with a table type (`pandas.DataFrame`) receive the selected databases, in the order of the
    task. The others are arguments. The returned value must be JSON.

    Args:
        standalone: whether it makes sense as a task of its own; user interfaces hide it otherwise.

    Example:
        @federated
        def count(data: pd.DataFrame) -> int:
            return len(data)
    """
    return _marked(function, Mark("federated", standalone))


@overload
def central(function: F, /) -> F: ...
@overload
def central(*, standalone: bool = ...) -> Callable[[F], F]: ...
def central(function: F | None = None, /, *, standalone: bool = True) -> F | Callable[[F], F]:
    """Mark a function that runs once, at one station, and asks the others through its `Federation` parameter.

    Args:
        standalone: whether it makes sense as a task of its own; user interfaces hide it otherwise.

    Example:
        @central
        def total(federation: Federation) -> int:
            return sum(answer.result for answer in federation.run(count))
    """
    return _marked(function, Mark("central", standalone))


def _marked(function: F | None, mark: Mark) -> F | Callable[[F], F]:
    def decorate(decorated: F) -> F:
        names = decorated.__code__.co_varnames[: decorated.__code__.co_argcount + decorated.__code__.co_kwonlyargcount]
        if mark.type == "federated" and RESERVED & set(names):
            raise TypeError(f"{decorated.__qualname__}: 'organizations' is reserved for Federation.run; rename it")
        setattr(decorated, _MARK, mark)
        return decorated

    return decorate if function is None else decorate(function)


def method_of(function: Callable[..., Any]) -> Method:
    """Read the injection plan from a marked function's signature; an unmarked one is refused."""
    mark = getattr(function, _MARK, None)
    name = getattr(function, "__name__", repr(function))
    if not isinstance(mark, Mark):
        raise InputError(f"'{name}' is not decorated with @central or @federated")
    tables: list[Table] = []
    arguments: list[Argument] = []
    federation = None
    for parameter in _parameters(function):
        readers = table_type(parameter.annotation)
        if readers is not None:
            tables.append(Table(parameter.name, readers))
        elif is_federation(parameter.annotation):
            federation = parameter.name
        else:
            has_default = parameter.default is not parameter.empty
            default = parameter.default if has_default else None
            arguments.append(Argument(parameter.name, kind(parameter.annotation), has_default, default))
    return Method(function, name, mark, tuple(tables), federation, tuple(arguments))


def _parameters(function: Callable[..., Any]) -> list[Any]:
    import inspect

    parameters = list(inspect.signature(function).parameters.values())
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(
                f"{function.__qualname__}: parameter '{parameter.name}' must be a plain named one; "
                "a task names its arguments, so *args, **kwargs and positional-only parameters cannot be filled"
            )
    return parameters


def methods(module: ModuleType) -> dict[str, Method]:
    """List what may be called from outside: the marked functions in the package's own namespace."""
    return {
        name: method_of(value)._replace(name=name)
        for name, value in vars(module).items()
        if callable(value) and isinstance(getattr(value, _MARK, None), Mark)
    }


def find(module: ModuleType, name: object) -> Method:
    """Look a method up by the name that the task gives; the error lists what there is."""
    offered = {
        each: value
        for each, value in vars(module).items()
        if callable(value) and isinstance(getattr(value, _MARK, None), Mark)
    }
    if isinstance(name, str) and name in offered:
        return method_of(offered[name])._replace(name=name)
    available = ", ".join(sorted(offered)) or "none"
    asked = f"unknown method '{name}'" if isinstance(name, str) else "the input names no method"
    raise InputError(f"{asked}; {module.__name__} offers: {available}")


def bind(method: Method, positional: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Match the task's arguments with the parameters they may fill (never with injected ones), and check each."""
    places = {argument.name: argument for argument in method.arguments}
    if len(positional) > len(places):
        raise InputError(f"'{method.name}' takes {_counted(places)}, but {len(positional)} were given without a name")
    values = dict(zip(places, positional, strict=False))
    for name, value in named.items():
        if name not in places:
            raise InputError(f"unexpected argument '{name}'; '{method.name}' takes {_counted(places)}")
        if name in values:
            raise InputError(f"argument '{name}' of '{method.name}' was given twice")
        values[name] = value
    missing = [name for name, place in places.items() if name not in values and not place.has_default]
    if missing:
        raise InputError(f"missing argument '{missing[0]}'; '{method.name}' takes {_counted(places)}")
    for name, value in values.items():
        if problem := complaint(value, places[name].kind):
            raise InputError(f"argument '{name}' of '{method.name}' {problem}")
    return values


def _counted(places: Mapping[str, Argument]) -> str:
    if not places:
        return "no arguments"
    shown = [f"{name} (optional)" if place.has_default else name for name, place in places.items()]
    return "the arguments " + ", ".join(shown)
