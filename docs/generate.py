"""Write the generated parts of the documentation, or tell which of them are stale.

python docs/generate.py           # names stale files; exit code 1 if there are any
python docs/generate.py --write   # writes them
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def command_line() -> str:
    """Every command with its help text, as `hanse … --help` prints it."""
    from hanse_core.command import parser

    parts = ["# Command line\n\nGenerated from the commands themselves (`make generate`).\n"]
    for command in _commands(parser()):
        parts.append(f"## `{command.prog}`\n\n```text\n{command.format_help().strip()}\n```\n")
    return "\n".join(parts)


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    is_raw = parser.formatter_class is argparse.RawDescriptionHelpFormatter
    kind = argparse.RawDescriptionHelpFormatter if is_raw else argparse.HelpFormatter
    parser.formatter_class = lambda prog: kind(prog, width=110)
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from _commands(child)


def openapi() -> str:
    """The contract of the REST API."""
    from hanse_server.main import openapi_schema

    return json.dumps(openapi_schema(), indent=1, sort_keys=True) + "\n"


def server_settings() -> str:
    """The settings of the server."""
    from hanse_server.reference import settings_page

    return settings_page()


def permissions() -> str:
    """Rules and default roles."""
    from hanse_server.reference import permissions_page

    return permissions_page()


def authorization() -> str:
    """Who may use which route."""
    from hanse_server.reference import authorization_page

    return authorization_page()


GENERATED: dict[str, Callable[[], str]] = {
    "docs/reference/authorization.md": authorization,
    "docs/reference/command-line.md": command_line,
    "docs/reference/permissions.md": permissions,
    "docs/reference/server-settings.md": server_settings,
    "docs/contracts/openapi.json": openapi,
}


def stale() -> list[str]:
    """Name the files whose committed text is not what is generated now."""
    return [
        name
        for name, generate in GENERATED.items()
        if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != generate()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Generated documentation: check it, or write it anew.")
    parser.add_argument("--write", action="store_true", help="write the files instead of checking them")
    if parser.parse_args().write:
        for name, generate in GENERATED.items():
            (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / name).write_text(generate(), encoding="utf-8")
        return 0
    names = stale()
    for name in names:
        print(f"stale: {name}; run `make generate`", file=sys.stderr)
    return int(bool(names))


if __name__ == "__main__":
    sys.exit(main())
