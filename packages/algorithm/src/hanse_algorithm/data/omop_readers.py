"""Databases in the OMOP Common Data Model for parameters that are annotated `Cdm`."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from hanse_algorithm.contract import Database
from hanse_algorithm.errors import DataError
from hanse_algorithm.omop import Cdm

_NAMES = ("user", "password", "cdm_schema", "results_schema", "dbms")


def _cdm(database: Database) -> Cdm:
    if find_spec("sqlalchemy") is None:
        raise DataError(f"database '{database.label}' is omop; install hanse-algorithm[omop] in the image")
    given = {name: database.parameters[name] for name in _NAMES if name in database.parameters}
    return Cdm(database.uri, **given)


READERS: dict[str, Callable[[Database], Cdm]] = {"omop": _cdm}
STEPS: dict[str, Callable[..., Any]] = {}
