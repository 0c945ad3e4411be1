"""Checks that keep single persons out of a result, and that explain a wrong column name.

Call them in the federated function, before anything is returned:

    guards.columns_exist(data, columns)
    guards.minimum_count(len(data))
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hanse_algorithm.contract import setting
from hanse_algorithm.errors import EnvironmentFault, InputError, PrivacyViolation

MINIMUM_COUNT = "HANSE_MINIMUM_COUNT"
DEFAULT_MINIMUM_COUNT = 10


class TooFew(PrivacyViolation):
    """A group is smaller than the station allows to be reported."""


class UnknownColumn(InputError):
    """A column that the task names is not in the table."""


def allowed_minimum() -> int:
    """Read the smallest number of persons that this station lets a result be about.

    The administrator sets `HANSE_MINIMUM_COUNT` in the node's `algorithm_env`; it is 10 otherwise. A value that is
    not a whole number of at least 0 stops the run: guessing here could give data away.
    """
    value = setting(MINIMUM_COUNT)
    if value is None:
        return DEFAULT_MINIMUM_COUNT
    if not value.strip().isdecimal():
        raise EnvironmentFault(f"{MINIMUM_COUNT} must be a whole number of at least 0; ask the station's administrator")
    return int(value)


def minimum_count(n: int, what: str = "rows", minimum: int | None = None) -> int:
    """Refuse to go on when fewer than the minimum are left; give the count back otherwise.

    The error names the minimum but not the count, which is itself what must not be told.

    Args:
        n: how many there are.
        what: their name in the error text, such as "rows" or "events".
        minimum: the algorithm's own minimum; the station's (see `allowed_minimum`) still holds when it is larger.

    Raises:
        TooFew: when `n` is below the minimum.
    """
    required = max(allowed_minimum(), minimum or 0)
    if n < required:
        raise TooFew(f"too few {what}: this station reports on at least {required}")
    return n


def columns_exist(data: Any, names: Iterable[str]) -> list[str]:
    """Refuse to go on when a column is missing; give the names back as a list otherwise.

    Args:
        data: a table with an attribute `columns`, such as a `pandas.DataFrame`.
        names: the columns that the task asks for.

    Raises:
        UnknownColumn: naming each missing column and the available ones.
    """
    wanted = list(names)
    available = [str(column) for column in data.columns]
    missing = [name for name in wanted if name not in available]
    if missing:
        word = "column" if len(missing) == 1 else "columns"
        shown = ", ".join(f"'{name}'" for name in missing)
        raise UnknownColumn(f"unknown {word} {shown}; the table has: {', '.join(available)}")
    return wanted
