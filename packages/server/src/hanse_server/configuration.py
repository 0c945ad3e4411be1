"""The configuration file: written with every setting and what it does, readable by its owner only."""

import os
import re
import secrets
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import yaml
from pydantic import AliasChoices, BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hanse_core.errors import Conflict, Invalid
from hanse_server.settings import PREFIX, Settings

WIDTH = 110
HEAD = f"""\
# Configuration of a Hanse server.
#
# A line that begins with # and a name shows a setting at its default: remove the # to change it.
# Each can also be given as an environment variable: {PREFIX} and the name in capitals, and __ before an inner name.
# `hanse server check --config FILE` says whether the server could start like this, and what to do if not.
"""


def commented(given: Mapping[str, Any]) -> str:
    """Write a configuration: what is given as it is, every other setting as a comment with its default."""
    parts = [HEAD]
    for name, field in Settings.model_fields.items():
        parts.append("\n".join(_setting(name, field, given.get(name, PydanticUndefined), "")) + "\n")
    return "\n".join(parts)


def given_lines(text: str) -> list[str]:
    """Give the lines of a configuration that set something, for a screen: secrets do not show."""
    secret = re.compile(rf"^( *(?:{'|'.join(sorted(_secrets_of(Settings)))}): ).+")
    return [
        secret.sub(r"\1…", line) for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]


def _secrets_of(model: type[BaseModel]) -> set[str]:
    names: set[str] = set()
    for name, field in model.model_fields.items():
        inner = model_of(field.annotation)
        if inner is not None:
            names |= _secrets_of(inner)
        elif SecretStr in get_args(field.annotation):
            names.update(_keys(name, field))
    return names


def new_secret() -> str:
    """Make a signing secret of 384 random bits."""
    return secrets.token_urlsafe(48)


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner can read. Raises `Conflict` rather than overwrite one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Conflict(
            f"{path} exists already and was not changed; name another file, or move that one away"
        ) from error
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def model_of(annotation: Any) -> type[BaseModel] | None:
    """Give the model of a setting that consists of others, also where it may be left out."""
    if get_origin(annotation) in (Union, UnionType):
        return next(filter(None, map(model_of, get_args(annotation))), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _setting(name: str, field: FieldInfo, given: Any, indent: str) -> Iterator[str]:
    for line in textwrap.wrap(field.description or "", WIDTH - len(indent)):
        yield f"{indent}# {line}"
    inner = model_of(field.annotation)
    if inner is not None and not isinstance(given, Mapping):
        yield f"{indent}#{name}:"
        yield from (f"{indent}#  {line}" for line in _inner(inner, field.default))
    elif inner is not None:
        yield f"{indent}{name}:"
        for key, one in inner.model_fields.items():
            yield from _setting(_key(key, one), one, _value(given, key, one), indent + "  ")
    elif given is PydanticUndefined:
        yield from (f"{indent}#{line}" for line in _lines(name, _shown(field)))
    else:
        yield from (f"{indent}{line}" for line in _lines(name, given))


def _inner(model: type[BaseModel], default: Any) -> Iterator[str]:
    for name, field in model.model_fields.items():
        value = _shown(field)
        if isinstance(default, BaseModel):
            value = _plain(getattr(default, name))
        nested = model_of(field.annotation)
        if nested is not None:
            yield f"{_key(name, field)}:"
            yield from (f"  {line}" for line in _inner(nested, field.default))
        else:
            text = " ".join((field.description or "").split())
            yield from (f"# {line}" for line in textwrap.wrap(text, WIDTH - 8))
            yield from _lines(_key(name, field), value)


def keys_of(model: type[BaseModel]) -> set[str]:
    """Give every key by which a setting of a group can be set."""
    return {key for name, field in model.model_fields.items() for key in _keys(name, field)}


def _keys(name: str, field: FieldInfo) -> list[str]:
    """Give the names of a setting, the preferred one first: v4's, where it has one."""
    choices = field.validation_alias
    if isinstance(choices, AliasChoices):
        return [str(choice) for choice in choices.choices]
    return [field.alias or name]


def _key(name: str, field: FieldInfo) -> str:
    return _keys(name, field)[0]


def _value(given: Mapping[str, Any], name: str, field: FieldInfo) -> Any:
    return next((given[key] for key in _keys(name, field) if key in given), PydanticUndefined)


def _shown(field: FieldInfo) -> Any:
    if field.is_required():
        return None
    return _plain(field.get_default(call_default_factory=True))


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, tuple | list | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _lines(name: str, value: Any) -> list[str]:
    if value is None:
        return [f"{name}: null"]
    inline = isinstance(value, list | tuple | dict)
    text = yaml.safe_dump(_plain(value), default_flow_style=inline, sort_keys=False, allow_unicode=True, width=10_000)
    # A bare value ends with the mark of a document's end.
    return [f"{name}: " + text.removesuffix("...\n").rstrip()]
