"""JSON Schema as policies use it: no look-ups elsewhere, patterns in linear time, and no word about a checked value.

What does not fit is told by its place in the schema, which the owner wrote; the value, its keys and its path are data.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema_rs import Validator

Schema = dict[str, Any] | bool


class BadSchema(ValueError):
    """The schema itself cannot be used; the message says where."""


class Checker:
    """Checks values against one schema. Raises `BadSchema` when it is none."""

    def __init__(self, schema: Schema) -> None:
        self._validator = _validator(schema)

    def misfit(self, value: object) -> str | None:
        """Name the part of the schema that a value does not meet; None when it meets all."""
        try:
            error = next(iter(self._validator.iter_errors(value)), None)
        except ValueError:
            return "the value cannot be checked"
        return None if error is None else "/".join(str(part) for part in error.schema_path) or "false"


@cache
def _engine() -> Any:
    import jsonschema_rs  # Its 8 MB are for policies with schemas only.

    return jsonschema_rs


def _validator(schema: Schema) -> "Validator":
    engine = _engine()
    try:
        validator: Validator = engine.validator_for(
            schema, offline=True, mask="…", pattern_options=engine.RegexOptions()
        )
    except ValueError as error:
        raise BadSchema(str(error).splitlines()[0]) from error
    return validator
