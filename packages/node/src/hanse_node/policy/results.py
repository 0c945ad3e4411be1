"""Whether a result may leave: its size, and its form where a schema is given."""

import json
from typing import Any

from hanse_node.policy.decision import Terms
from hanse_node.policy.model import ResultLimits


class ResultRefused(Exception):
    """The result may not leave; the message says which limit, and nothing of the result."""


def checked(output: bytes, terms: Terms) -> bytes:
    """Give the bytes that may leave. Raises `ResultRefused`.

    With a schema that is the checked value written anew: of two values for one key, or in blanks and digits that no
    reader keeps, something unchecked could leave.
    """
    require_size(len(output), terms)
    limits = [one for one in terms.results if one.checker is not None]
    if not limits or not output:
        return output
    return _in_form(output, limits)


def require_size(size: int, terms: Terms) -> None:
    """Refuse what is too large to leave, by its number of bytes. Raises `ResultRefused`."""
    if terms.max_bytes is not None and size > terms.max_bytes:
        raise ResultRefused(
            f"the result has {size} bytes; the policy of this station lets out at most {terms.max_bytes} "
            "(rule: results.max_bytes)"
        )


def has_form(terms: Terms) -> bool:
    """Tell whether a result must have some form, so that it has to be read as a whole."""
    return any(one.checker is not None for one in terms.results)


def _in_form(output: bytes, limits: list[ResultLimits]) -> bytes:
    try:
        value = json.loads(output, object_pairs_hook=_distinct, parse_constant=_no_constant)
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise ResultRefused("the result is not plain JSON, so it cannot be checked (rule: results.schema)") from None
    for limit in limits:
        if limit.checker is not None and (misfit := limit.checker.misfit(value)):
            raise ResultRefused(f"the result does not have the allowed form (rule: results.schema, at {misfit})")
    return written


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key is given twice")
    return fields


def _no_constant(name: str) -> Any:
    raise ValueError(name)
