"""Turn what a function returns into JSON, or say where inside the value that fails.

JSON has no NaN and no Infinity. v4 writes them as bare words that only Python reads back; here they are refused, so
that every client, in every language, can read every result. Return `None` for a number that is not defined.
"""

from __future__ import annotations

import json
import math
from typing import Any

from hanse_algorithm.errors import ResultError


def to_json(value: object, what: str = "result") -> bytes:
    """Write a value as UTF-8 JSON; numpy's numbers and arrays count as numbers and lists.

    Raises:
        ResultError: naming the path inside the value, such as `result['mean'][2]`.
    """
    try:
        return json.dumps(value, allow_nan=False, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()
    except RecursionError:
        raise ResultError(f"{what} is nested too deep") from None
    except (TypeError, ValueError):
        raise ResultError(_fault(value, what, ()) or f"{what} is not JSON") from None


def _plain(value: Any) -> Any:
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        plain = value.tolist()
        if plain is not value:
            return plain
    raise TypeError


def _fault(value: object, path: str, above: tuple[int, ...]) -> str | None:
    if id(value) in above:
        return f"{path} contains itself; JSON cannot"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{path} is {value}; JSON has no such number, return None instead"
    if value is None or isinstance(value, (str, int, float)):
        return _unwritable_text(value, path)
    if isinstance(value, dict):
        return _fault_in_dict(value, path, (*above, id(value)))
    if isinstance(value, (list, tuple)):
        places = ((item, f"{path}[{index}]") for index, item in enumerate(value))
        return next(filter(None, (_fault(item, place, (*above, id(value))) for item, place in places)), None)
    try:
        return _fault(_plain(value), path, (*above, id(value)))
    except TypeError:
        return f"{path} is a {_type_name(value)}, which is not JSON{_advice(value)}"


def _unwritable_text(value: object, path: str) -> str | None:
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        return f"{path} is text that is not valid Unicode"
    return None


def _fault_in_dict(value: dict[Any, Any], path: str, above: tuple[int, ...]) -> str | None:
    for key, item in value.items():
        if not isinstance(key, (str, int, float, bool, type(None))):
            return f"{path} has a key that is a {_type_name(key)}; the keys of a JSON object are text"
        if isinstance(key, float) and not math.isfinite(key):
            return f"{path} has the key {key}; the keys of a JSON object are text"
        if _unwritable_text(key, path):
            return f"{path} has a key that is not valid Unicode"
        if problem := _fault(item, f"{path}[{key!r}]", above):
            return problem
    return None


def _type_name(value: object) -> str:
    return f"{type(value).__module__.partition('.')[0]}.{type(value).__qualname__}".removeprefix("builtins.")


def _advice(value: object) -> str:
    if type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "to_dict"):
        return "; use its to_dict()"
    return "; use sorted()" if isinstance(value, (set, frozenset)) else ""
