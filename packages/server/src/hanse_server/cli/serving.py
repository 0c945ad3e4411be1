"""Running the server: start, check, migrate, openapi."""

import argparse
from pathlib import Path
from typing import Any

from hanse_server.cli.options import Commands, add_settings, settings_of


def register(commands: "Commands[Any]") -> None:
    """Add the commands."""
    start = commands.add_parser("start", help="run the server until it is told to stop")
    start.add_argument("--host", metavar="ADDRESS", help="address to listen on (setting ip)")
    start.add_argument("--port", type=int, metavar="PORT", help="port to listen on, 0 for any free one (setting port)")
    start.set_defaults(run=_start)
    check = commands.add_parser("check", help="say whether the server could start, and what to do if not")
    check.set_defaults(run=_check)
    migrate = commands.add_parser("migrate", help="bring the tables of the database to this version")
    migrate.set_defaults(run=_migrate)
    for command in (start, check, migrate):
        add_settings(command)
    openapi = commands.add_parser("openapi", help="print the contract of the REST API")
    openapi.add_argument("--output", type=Path, metavar="FILE", help="write it there instead")
    openapi.set_defaults(run=_openapi)


def _start(arguments: argparse.Namespace) -> int:
    from hanse_web.lean import few_heaps, import_lean

    few_heaps()
    import_lean()
    from hanse_server.main import create_app, prepare
    from hanse_server.serving import listen, serve

    settings = settings_of(arguments)
    with listen(settings.ip, settings.port) as socket:
        password = prepare(settings)
        if password is not None:
            print("The database is new. Log in as root with this password, which is shown only now:")
            print(f"\n    {password}\n", flush=True)
        return serve(create_app(settings), socket, settings.api_path)


def _migrate(arguments: argparse.Namespace) -> int:
    from hanse_server.main import migrate

    before, after = migrate(settings_of(arguments))
    print(f"The tables are at version {after} already." if before == after else f"The tables are now at {after}.")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from hanse_server.checks import examine

    found = examine(settings_of(arguments), arguments.config)
    for title, texts in (("Problems", found.problems), ("Warnings", found.warnings)):
        if texts:
            print(f"{title}:", *(f"- {text}" for text in texts), "", sep="\n")
    if found.problems:
        print("The server cannot start like this.")
        return 1
    print("The server can start, but read the warnings." if found.warnings else "All is well: the server can start.")
    return 0


def _openapi(arguments: argparse.Namespace) -> int:
    import json

    from hanse_core.errors import Invalid
    from hanse_server.main import openapi_schema

    text = json.dumps(openapi_schema(), indent=1, sort_keys=True) + "\n"
    if arguments.output is None:
        print(text, end="")
        return 0
    try:
        arguments.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{arguments.output} cannot be written: {error.strerror}") from error
    return 0
