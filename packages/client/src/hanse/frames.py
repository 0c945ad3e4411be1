"""Results as pandas tables, where their shape allows."""

from __future__ import annotations

from typing import Any

from hanse_core.errors import Invalid


def framed(value: Any) -> Any:
    """Turn what has the shape of a table into a `DataFrame`, also within a mapping; leave the rest."""
    try:
        import pandas as pd
    except ImportError as error:
        raise Invalid("as_pandas needs pandas: install hanse-client[notebook]") from error
    if _is_records(value):
        return pd.DataFrame(value)
    if not isinstance(value, dict) or not value:
        return value
    parts = list(value.values())
    if all(_is_column(part) for part in parts) and len({len(part) for part in parts}) == 1:
        return pd.DataFrame(value)
    if all(_is_record(part) for part in parts):
        return pd.DataFrame.from_dict(value, orient="index")
    return {name: framed(part) for name, part in value.items()}


def _is_records(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_record(item) for item in value)


def _is_record(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(_is_scalar(item) for item in value.values())


def _is_column(value: object) -> bool:
    return isinstance(value, list) and all(_is_scalar(item) for item in value)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))
