"""What a run asks its algorithm to do, read from the opened input: which function, with which arguments."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST = 64_000_000
"""Bytes of an input from a blob store; a rule cannot see into a longer one."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call; where the input says nothing that can be read, `function` and `named` are None."""

    function: str | None = None
    named: Mapping[str, Any] | None = None
    positional: int = 0
    """How many arguments are given by place only: which ones they are, only the algorithm knows."""


def read(payload: bytes | Path) -> Call:
    """Read an input as stock algorithms do; what they could not read either is a call of nothing known."""
    found = fields(payload)
    function, named, positional = found.get("method"), found.get("kwargs") or {}, found.get("args") or []
    if not found or not isinstance(named, dict) or not isinstance(positional, list):
        return Call()
    return Call(function if isinstance(function, str) else None, named, len(positional))


def fields(payload: bytes | Path) -> dict[str, Any]:
    """Decode an input; nothing is in what cannot be read, or could be read in two ways."""
    try:
        found = json.loads(_bytes(payload), object_pairs_hook=_distinct)
    except (ValueError, RecursionError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _bytes(payload: bytes | Path) -> bytes:
    if isinstance(payload, bytes):
        return payload
    if payload.stat().st_size > LONGEST:
        raise ValueError("the input is too long to be looked at")
    return payload.read_bytes()


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse what two readers could read differently: the policy one way, the algorithm another."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key is given twice")
    return fields
