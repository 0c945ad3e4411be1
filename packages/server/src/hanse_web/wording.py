"""What is wrong with a value, in words for people who do not program."""

from collections.abc import Mapping
from typing import Any

WORDS = {
    "missing": "is required",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be a text",
    "path_type": "must be a path",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must consist of keys and values",
    "mapping_type": "must consist of keys and values",
    "model_type": "must consist of keys and values",
    "model_attributes_type": "must consist of keys and values",
    "extra_forbidden": "is not known here",
    "literal_error": "must be {expected}",
    "string_too_short": "must have {min_length} characters or more",
    "string_too_long": "must have {max_length} characters at most",
    "string_pattern_mismatch": "must be of the form {pattern}",
    "too_short": "must have {min_length} items or more",
    "too_long": "must have {max_length} items at most",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
}
"""By pydantic's name of the mistake."""


def wording(problem: Mapping[str, Any]) -> str:
    """Say what pydantic found wrong; its own sentence where there is none of ours."""
    template = WORDS.get(problem["type"])
    if template is None:
        return str(problem["msg"]).removeprefix("Value error, ")
    return template.format_map(problem.get("ctx", {}))
