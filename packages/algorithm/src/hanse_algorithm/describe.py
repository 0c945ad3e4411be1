"""Describe a package for the algorithm store: everything is derived from signatures and docstrings."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from hanse_algorithm.registry import Argument, Method, methods

_SECTION = re.compile(r"^(?P<name>[A-Z][A-Za-z ]+):\s*$")
_ENTRY = re.compile(r"^(?P<name>\w+)(?:\s*\([^)]*\))?:\s*(?P<text>.*)$")

WIRE_VERSION = "4.15"


def describe(
    module: ModuleType,
    *,
    name: str | None = None,
    image: str = "",
    code_url: str = "",
    documentation_url: str = "",
    partitioning: str = "horizontal",
) -> dict[str, Any]:
    """Build the entry that `POST /algorithm` of an algorithm store takes.

    Args:
        module: the package; its docstring becomes the description, each decorated function an entry.
        name: the algorithm's name; the package's name in words when not given.
        image: the image that holds the package.
        code_url: where its source can be reviewed.
        documentation_url: where its documentation is.
        partitioning: "horizontal" (each station has other persons) or "vertical" (other columns).

    Example:
        json.dumps(describe(my_algorithm, image="registry.example/mean:1.0"))
    """
    offered = list(methods(module).values())
    return {
        "name": name or module.__name__.rpartition(".")[2].removeprefix("hanse_").replace("_", "-"),
        "description": _summary(module),
        "image": image,
        "partitioning": partitioning,
        "vantage6_version": WIRE_VERSION,
        "code_url": code_url,
        "documentation_url": documentation_url,
        "functions": [_function(method, offered) for method in offered],
    }


def _function(method: Method, offered: Sequence[Method]) -> dict[str, Any]:
    notes = _notes(method.function)
    return {
        "name": method.name,
        "display_name": _words(method.name),
        "description": _summary(method.function),
        "type": method.mark.type,
        "standalone": method.mark.is_standalone,
        "databases": _databases(method, offered),
        "arguments": [_argument(argument, notes.get(argument.name, "")) for argument in method.arguments],
        "ui_visualizations": [],
    }


def _databases(method: Method, offered: Sequence[Method]) -> list[dict[str, str]]:
    """List what a task must select; for a central function that is what its subtasks read, as they inherit it."""
    reader = method
    if method.federation is not None and not method.tables:
        reader = max((each for each in offered if each.federation is None), key=_table_count, default=method)
    notes = _notes(reader.function)
    return [{"name": _words(table.name), "description": notes.get(table.name, "")} for table in reader.tables]


def _table_count(method: Method) -> int:
    return len(method.tables)


def _argument(argument: Argument, description: str) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": argument.name,
        "display_name": _words(argument.name),
        "description": description,
        "type": argument.kind.type,
        "has_default_value": argument.has_default,
        "default_value": _as_text(argument.default, argument.kind.type) if argument.has_default else None,
        "is_frontend_only": False,
    }
    if argument.kind.allowed:
        entry["allowed_values"] = [str(value) for value in argument.kind.allowed]
    return entry


def _as_text(default: Any, kind: str) -> str | None:
    if default is None:
        return None
    if kind in ("string", "column"):
        return str(default)
    return json.dumps(default)


def _words(name: str) -> str:
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _summary(documented: object) -> str:
    """Take the docstring up to its first section, each paragraph on one line."""
    lines: list[str] = []
    for line in (inspect.getdoc(documented) or "").splitlines():
        if _SECTION.match(line):
            break
        lines.append(line)
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _notes(documented: object) -> dict[str, str]:
    """Read the `Args:` section: parameter → its description."""
    notes: dict[str, str] = {}
    current, is_inside, depth = "", False, 0
    for line in (inspect.getdoc(documented) or "").splitlines():
        if section := _SECTION.match(line):
            is_inside = section["name"] in ("Args", "Arguments", "Parameters")
            current, depth = "", 0
            continue
        if not is_inside or not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        depth = depth or indent
        entry = _ENTRY.match(line.strip()) if indent <= depth else None
        if entry:
            current = entry["name"]
            notes[current] = entry["text"]
        elif current:
            notes[current] = f"{notes[current]} {line.strip()}"
    return notes
