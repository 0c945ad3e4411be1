"""The container's entry: read the input, call the method that it names, write the result.

A failure is one line `error > cause` in the log and exit code 1. The text of an exception that is not an
`AlgorithmError` stays at the station when the method reads tables, because it may quote a value; the place in the
code is told instead. An administrator may allow the text with `HANSE_ERROR_TEXT=true` in the node's `algorithm_env`.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from hanse_algorithm import logs
from hanse_algorithm.contract import Contract, claims, decode_proxies
from hanse_algorithm.errors import AlgorithmError, EnvironmentFault, InputError
from hanse_algorithm.registry import Method, bind, find
from hanse_algorithm.result import to_json

ERROR_TEXT = "HANSE_ERROR_TEXT"


class _Unexpected(Exception):
    """Carries what the author's code raised to the place that decides what may be told of it."""

    def __init__(self, cause: BaseException, where: str, *, has_data: bool) -> None:
        super().__init__(where)
        self.cause = cause
        self.where = where
        self.has_data = has_data


def main() -> int:
    """Run once, as the environment says; give the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A cause must reach the log also where the image's locale cannot write all its letters.
        sys.stdout.reconfigure(errors="backslashreplace")
    decode_proxies(os.environ)
    contract = Contract()
    try:
        execute(contract)
    except AlgorithmError as error:
        logs.error(error)
        return 1
    except _Unexpected as error:
        _tell(error, contract.optional(ERROR_TEXT) == "true")
        return 1
    return 0


def execute(contract: Contract) -> None:
    """Do one run from input file to output file."""
    name, positional, named = read_input(contract.input_file)
    package = contract.package
    method = find(_package(package), name)
    values = bind(method, positional, named)
    try:
        values.update(_injected(method, contract))
        result = method.function(**values)
    except AlgorithmError:
        raise
    except (Exception, SystemExit) as error:
        raise _Unexpected(error, f"'{method.name}'", has_data=bool(method.tables)) from None
    write_output(contract.output_file, to_json(result))


def read_input(path: Path) -> tuple[object, list[Any], Mapping[str, Any]]:
    """Read method, positional and named arguments."""
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise EnvironmentFault(f"the input file cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"the input is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError("the input must be a JSON object with 'method', and optionally 'args' and 'kwargs'")
    positional, named = value.get("args") or [], value.get("kwargs") or {}
    if not isinstance(positional, list) or not isinstance(named, dict):
        raise InputError("in the input, 'args' must be a list and 'kwargs' an object")
    return value.get("method"), positional, named


def write_output(path: Path, content: bytes) -> None:
    """Replace the output file in one step, so that no reader ever finds half a result."""
    partial = path.with_name(path.name + ".partial")
    try:
        try:
            partial.write_bytes(content)
            os.replace(partial, path)
        except OSError:
            # A file that is mounted by itself can be written but not replaced.
            path.write_bytes(content)
    except OSError as error:
        raise EnvironmentFault(f"the output file cannot be written: {error.strerror}") from error


def _package(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise EnvironmentFault(f"the package '{name}' (PKG_NAME) is not installed in the image") from error
        raise _Unexpected(error, f"importing '{name}'", has_data=False) from None
    except (Exception, SystemExit) as error:
        raise _Unexpected(error, f"importing '{name}'", has_data=False) from None


def _injected(method: Method, contract: Contract) -> dict[str, Any]:
    injected: dict[str, Any] = {}
    if method.tables:
        from hanse_algorithm.data import tables

        injected.update(tables(method, contract.databases()))
    if method.federation is not None:
        from hanse_algorithm.proxy import Proxy
        from hanse_algorithm.remote import RemoteFederation

        token = contract.token()
        injected[method.federation] = RemoteFederation(Proxy(contract.proxy_url, token), claims(token))
    return injected


def _tell(error: _Unexpected, is_text_allowed: bool) -> None:
    import traceback

    kind = type(error.cause).__name__
    frames = traceback.extract_tb(error.cause.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
    sys.stderr.write("".join(traceback.format_list(frames)) + kind + "\n")
    if error.has_data and not is_text_allowed:
        withheld = f"its text stays at the station, as it may quote data ({ERROR_TEXT})"
        logs.error(f"{error.where} raised {kind} at {place}; {withheld}")
    else:
        logs.error(f"{error.where} raised {kind} at {place}: {error.cause}")
