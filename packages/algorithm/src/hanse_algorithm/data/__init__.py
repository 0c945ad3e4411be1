"""Tables for the functions' parameters: one module of readers per table type, imported when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol, cast

from hanse_algorithm import logs
from hanse_algorithm.contract import Database
from hanse_algorithm.errors import DataError
from hanse_algorithm.registry import Method


class Readers(Protocol):
    """What a module of readers offers."""

    READERS: Mapping[str, Callable[[Database], Any]]
    """Database type (lower case) → reader."""
    STEPS: Mapping[str, Callable[..., Any]]
    """Preprocessing step → function of a table and the step's parameters."""


_MODULES = {"pandas": "hanse_algorithm.data.pandas_tables", "omop": "hanse_algorithm.data.omop_readers"}


def tables(method: Method, selected: Sequence[Database]) -> dict[str, Any]:
    """Read the selected databases into the method's table parameters: as the task binds them, else in its order."""
    wanted = len(method.tables)
    if wanted and not selected:
        raise DataError(f"no database selected; '{method.name}' reads {wanted}, name it in the task")
    if len(selected) < wanted:
        raise DataError(f"'{method.name}' reads {wanted} databases, the task selects {len(selected)}")
    if len(selected) > wanted > 0:
        unused = ", ".join(database.label for database in selected[wanted:])
        logs.warn(f"'{method.name}' reads {wanted} database(s); not used: {unused}")
    chosen = _placed([place.name for place in method.tables], selected)
    return {place.name: read(place.readers, chosen[place.name]) for place in method.tables}


def _placed(names: Sequence[str], selected: Sequence[Database]) -> dict[str, Database]:
    """Give each parameter the database that is bound to it, and the others what is bound to none, in order."""
    bound = {each.parameter: each for each in selected if each.parameter is not None}
    if unknown := [name for name in bound if name not in names]:
        raise DataError(f"the task binds a database to '{unknown[0]}'; the parameters are: {', '.join(names)}")
    free = iter([each for each in selected if each.parameter is None])
    placed = {name: bound.get(name) or next(free, None) for name in names}
    if missing := [name for name, each in placed.items() if each is None]:
        raise DataError(f"the task binds two databases to one parameter, so '{missing[0]}' gets none")
    return {name: each for name, each in placed.items() if each is not None}


def read(readers: str, database: Database) -> Any:
    """Read one database and apply the preprocessing steps of the task."""
    module = _module(readers)
    reader = module.READERS.get(database.type)
    if reader is None:
        known = ", ".join(sorted(module.READERS))
        raise DataError(f"database '{database.label}' has the type '{database.type}'; readable are: {known}")
    table = reader(database)
    for step in database.preprocessing:
        table = _apply(module, step, table, database.label)
    return table


def _module(readers: str) -> Readers:
    try:
        return cast(Readers, import_module(_MODULES[readers]))
    except ModuleNotFoundError as error:
        extra = f"hanse-algorithm[{readers}]"
        raise DataError(f"the image lacks '{error.name}'; install {extra} in it") from error


def _apply(module: Readers, step: Mapping[str, Any], table: Any, label: str) -> Any:
    import inspect

    name, parameters = step.get("function"), step.get("parameters") or {}
    function = module.STEPS.get(name) if isinstance(name, str) else None
    if function is None:
        known = ", ".join(sorted(module.STEPS))
        raise DataError(f"unknown preprocessing step '{name}' for database '{label}'; there are: {known}")
    try:
        inspect.signature(function).bind(table, **parameters)
    except TypeError as error:
        raise DataError(f"preprocessing step '{name}' for database '{label}': {error}") from None
    try:
        return function(table, **parameters)
    except (TypeError, ValueError) as error:
        problem = f"does not fit the data ({type(error).__name__})"
        raise DataError(f"preprocessing step '{name}' for database '{label}' {problem}") from error
